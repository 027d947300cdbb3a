//! Listings of batches that can no longer change, in bounded memory.

use std::collections::HashMap;
use std::sync::Arc;

use crate::key::BatchName;

/// What a day costs beyond its names, in names.
const DAY_COST: usize = 8;

/// The batches of a day, as far as they can no longer change: nobody commits that long ago any more.
#[derive(Debug, Clone)]
pub(super) struct KeptDay {
    /// They are all those committed up to this Unix millisecond, the last ones first...
    pub(super) until: u64,
    pub(super) names: Arc<[BatchName]>,
    /// ...back to the start of the day, or else to the last of `names`.
    pub(super) is_whole: bool,
}

/// Days by their folders.
#[derive(Debug)]
pub(super) struct Kept {
    max_names: usize,
    days: HashMap<String, (KeptDay, u64)>,
    names: usize,
    uses: u64,
}

impl Kept {
    /// Keeps that many names at most, 40 bytes each.
    pub(super) fn new(max_names: usize) -> Self {
        Self { max_names, days: HashMap::new(), names: 0, uses: 0 }
    }

    pub(super) fn get(&mut self, folder: &str) -> Option<KeptDay> {
        self.uses += 1;
        let (day, used) = self.days.get_mut(folder)?;
        *used = self.uses;
        Some(day.clone())
    }

    /// Keeps a day, at the expense of those that were not asked for the longest.
    pub(super) fn insert(&mut self, folder: &str, day: KeptDay) {
        self.remove(folder);
        if cost(&day) > self.max_names {
            return;
        }
        while self.cost() + cost(&day) > self.max_names {
            let oldest = self.days.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(folder, _)| folder.clone()) else { return };
            self.remove(&oldest);
        }
        self.uses += 1;
        self.names += day.names.len();
        self.days.insert(folder.to_owned(), (day, self.uses));
    }

    pub(super) fn remove(&mut self, folder: &str) {
        if let Some((day, _)) = self.days.remove(folder) {
            self.names -= day.names.len();
        }
    }

    fn cost(&self) -> usize {
        self.names + self.days.len() * DAY_COST
    }
}

fn cost(day: &KeptDay) -> usize {
    day.names.len() + DAY_COST
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn day(names: usize) -> KeptDay {
        let names = vec![BatchName::new(1, Uuid::nil(), Uuid::nil()); names];
        KeptDay { until: 1, names: names.into(), is_whole: true }
    }

    #[test]
    fn the_days_asked_for_last_are_kept_within_the_bound() {
        let mut kept = Kept::new(1_000);
        for folder in ["a", "b", "c"] {
            kept.insert(folder, day(250));
        }
        assert!(kept.get("a").is_some());
        kept.insert("d", day(300));
        assert!(kept.get("b").is_none(), "not asked for the longest");
        kept.insert("e", day(1_000));
        assert!(kept.get("e").is_none(), "too large to be kept");
        assert!(["a", "c", "d"].iter().all(|folder| kept.get(folder).is_some()));
        for number in 0..1_000 {
            kept.insert(&number.to_string(), day(0));
        }
        assert_eq!((kept.names, kept.days.len()), (0, 1_000 / DAY_COST), "days without names count too");
    }
}
