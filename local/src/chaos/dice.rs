//! Decisions drawn from a seed.
//!
//! Each decision has a subject, such as `throttle sqs:SendMessageBatch`, and a number: the first, second, … of its subject. Its random
//! numbers are one block of the stream cipher ChaCha8: the key is the seed (little-endian, then zeros), the stream is the FNV-1a
//! hash of the subject, the block is the number. So a decision depends on these three alone, not on what else was decided
//! before, and not on the machine or the version of a library.
//!
//! Sources: [RFC 8439](https://www.rfc-editor.org/rfc/rfc8439) for ChaCha (here with 8 rounds, 64 bits of stream and 64 of block),
//! [FNV](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv).

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::spec::{Delay, Rate};

/// Decides by a seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice {
    seed: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The random numbers of the decision with this number about this subject.
    pub(super) fn draws(self, subject: &str, number: u64) -> Draws {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(fnv_1a(subject));
        rng.set_block_pos(number);
        Draws(rng)
    }
}

/// The random numbers of one decision.
#[derive(Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// Whether something happens that happens this often.
    pub(crate) fn happens(&mut self, rate: Rate) -> bool {
        self.below(1_000_000) < u64::from(rate.per_million())
    }

    /// A whole number below `bound`, each as likely (but for one in 2^64 / `bound`). 0 if there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(rand::Rng::next_u64(&mut self.0)) * u128::from(bound);
        u64::try_from(product >> 64).expect("the product of two 64-bit numbers has 128 bits")
    }

    /// Milliseconds.
    pub(crate) fn delay(&mut self, delay: Delay) -> u64 {
        let (least, most) = delay.bounds();
        u64::from(least) + self.below(u64::from(most - least) + 1)
    }
}

/// Numbers the decisions about one subject.
#[derive(Debug)]
pub(super) struct Sequence {
    subject: String,
    made: AtomicU64,
}

impl Sequence {
    pub(super) fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), made: AtomicU64::new(0) }
    }

    /// The next decision.
    pub(super) fn draws(&self, dice: Dice) -> Draws {
        dice.draws(&self.subject, self.made.fetch_add(1, Ordering::Relaxed))
    }
}

fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(dice: Dice, subject: &str, number: u64) -> [u64; 3] {
        let mut draws = dice.draws(subject, number);
        [(); 3].map(|()| draws.below(1 << 32))
    }

    #[test]
    fn a_decision_depends_on_seed_subject_and_number_alone() {
        let (dice, other) = (Dice::new(7), Dice::new(8));
        let drawn = numbers(dice, "throttle SendMessage", 3);
        numbers(dice, "throttle SendMessage", 4);
        assert_eq!(numbers(Dice::new(7), "throttle SendMessage", 3), drawn);
        assert_ne!(numbers(other, "throttle SendMessage", 3), drawn);
        assert_ne!(numbers(dice, "error SendMessage", 3), drawn);
        assert_ne!(numbers(dice, "throttle SendMessage", 4), drawn);
    }

    #[test]
    fn a_sequence_gives_one_decision_after_the_other() {
        let (dice, sequence) = (Dice::new(7), Sequence::new("partial DeleteMessageBatch"));
        for number in 0..4 {
            let expected = dice.draws("partial DeleteMessageBatch", number).below(1 << 32);
            assert_eq!(sequence.draws(dice).below(1 << 32), expected);
        }
    }

    /// The published test vectors of FNV-1a.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(
            (fnv_1a(""), fnv_1a("a"), fnv_1a("foobar")),
            (0xCBF29CE484222325, 0xAF63DC4C8601EC8C, 0x85944171F73967E8)
        );
    }

    /// ChaCha8 with a key of zeros, stream 0, as `draft-strombergson-chacha-test-vectors-01` (TC1, 256-bit key) has it: the
    /// keystream begins 3e00ef2f895f40d6.
    #[test]
    fn the_cipher_is_chacha8() {
        let mut draws = Dice::new(0).draws("", 0);
        draws.0.set_stream(0);
        assert_eq!(rand::Rng::next_u64(&mut draws.0).to_le_bytes(), [0x3E, 0x00, 0xEF, 0x2F, 0x89, 0x5F, 0x40, 0xD6]);
    }

    #[test]
    fn rates_come_true_and_the_ends_are_exact() {
        let dice = Dice::new(7);
        let count = |rate: Rate| (0..10_000).filter(|&number| dice.draws("x", number).happens(rate)).count();
        let percent = |text: &str| format!("error={text}").parse::<crate::chaos::Chaos>().expect("a rate").error;
        assert_eq!((count(Rate::NEVER), count(Rate::ALWAYS)), (0, 10_000));
        assert!((450..=550).contains(&count(percent("5%"))), "{}", count(percent("5%")));
    }

    #[test]
    fn delays_keep_their_bounds_and_reach_them() {
        let dice = Dice::new(7);
        let delay = "delay=3-5ms".parse::<crate::chaos::Chaos>().expect("a delay").delay;
        let drawn: std::collections::BTreeSet<_> =
            (0..100).map(|number| dice.draws("x", number).delay(delay)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
    }
}
