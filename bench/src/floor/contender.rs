//! Who is compared with whom.

use serde::Serialize;

use super::Batching;

/// One of those that do the same number of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Contender {
    System,
    Floor,
    Naive,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Floor, Self::Naive];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Floor => "floor",
            Self::Naive => "naive",
        }
    }

    /// How those of them that are bare go about it.
    pub(crate) fn batching(self) -> Option<Batching> {
        match self {
            Self::System => None,
            Self::Floor => Some(Batching::Tens),
            Self::Naive => Some(Batching::Ones),
        }
    }

    /// All of them, another one first from turn to turn: none always comes after the same state of the machine.
    pub(crate) fn in_turn(turn: usize) -> impl Iterator<Item = Self> {
        (0..Self::ALL.len()).map(move |place| Self::ALL[(turn + place) % Self::ALL.len()])
    }
}
