//! Which faults there are to be and how often, and their text form: `seed=7,duplicate=5%,delay=0-200ms`.

use std::fmt;
use std::str::FromStr;

/// Faults to inject, as parsed from `key=value,…`. What is not named does not happen; [`Display`](fmt::Display) gives the text back,
/// in the order of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chaos {
    /// All decisions are drawn from it.
    pub seed: u64,
    /// A message that is delivered becomes receivable once more, deleted or not.
    pub duplicate: Rate,
    /// A receive takes visible messages out of order.
    pub reorder: Rate,
    /// A request is answered `RequestThrottled` (SQS) or `SlowDown` (S3) and not carried out.
    pub throttle: Rate,
    /// A request to SQS is answered with status 500 or 503 and not carried out.
    pub error: Rate,
    /// A request waits this long before anything else happens to it.
    pub delay: Delay,
    /// A request is carried out, and the connection cut instead of an answer.
    pub lost_response: Rate,
    /// An entry of a batch fails by itself and is not carried out.
    pub partial: Rate,
    /// A request to S3 is answered with status 500 or 503 and not carried out.
    pub s3_error: Rate,
}

/// How often something happens: a percentage from 0 to 100 with up to four decimals, kept exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate {
    per_million: u32,
}

/// How long a request waits: whole milliseconds between two bounds, each as likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delay {
    least: u32,
    most: u32,
}

/// Why a text is no [`Chaos`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChaosError {
    /// A part has no `=`.
    #[error("{part:?} is not of the form key=value")]
    Form {
        /// Between two commas.
        part: String,
    },
    /// No fault has this name.
    #[error("there is no {key:?}, only {}", KEYS.join(", "))]
    UnknownKey {
        /// What stands before the `=`.
        key: String,
    },
    /// A key stands there twice.
    #[error("{key} is given twice")]
    RepeatedKey {
        /// Its name.
        key: &'static str,
    },
    /// A value is not what its key takes.
    #[error("{key}={value} is not possible: {key} is {allowed}")]
    Value {
        /// Its name.
        key: &'static str,
        /// What stands behind the `=`.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
}

const SEED: &str = "seed";
const DELAY: &str = "delay";

const KEYS: [&str; 9] =
    [SEED, "duplicate", "reorder", "throttle", "error", DELAY, "lost-response", "partial", "s3-error"];

const A_SEED: &str = "a whole number from 0 to 18446744073709551615";
const A_RATE: &str = "a percentage from 0% to 100% with at most four decimals, such as 2.5%";
const A_DELAY: &str = "a range of whole milliseconds up to 60000, such as 0-200ms";

impl Rate {
    /// Not at all.
    pub const NEVER: Self = Self { per_million: 0 };
    /// Each time.
    pub const ALWAYS: Self = Self { per_million: Self::MILLION };

    const MILLION: u32 = 1_000_000;
    /// Of a percentage.
    const DECIMALS: usize = 4;

    pub(super) const fn per_million(self) -> u32 {
        self.per_million
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        if decimals.len() > Self::DECIMALS || !is_digits(decimals) {
            return None;
        }
        let decimals: u32 = format!("{decimals:0<width$}", width = Self::DECIMALS).parse().ok()?;
        let per_million = whole_number::<u32>(whole)?.checked_mul(10_000)?.checked_add(decimals)?;
        (per_million <= Self::MILLION).then_some(Self { per_million })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.per_million / 10_000, self.per_million % 10_000);
        match decimals {
            0 => write!(f, "{whole}%"),
            decimals => write!(f, "{whole}.{}%", format!("{decimals:04}").trim_end_matches('0')),
        }
    }
}

impl Delay {
    const LONGEST: u32 = 60_000;

    pub(super) fn bounds(self) -> (u32, u32) {
        (self.least, self.most)
    }

    fn parse(text: &str) -> Option<Self> {
        let (least, most) = text.strip_suffix("ms")?.split_once('-')?;
        let delay = Self { least: whole_number(least)?, most: whole_number(most)? };
        (delay.least <= delay.most && delay.most <= Self::LONGEST).then_some(delay)
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}ms", self.least, self.most)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits alone: the parser of the standard library takes a sign as well.
fn whole_number<N: FromStr>(text: &str) -> Option<N> {
    is_digits(text).then(|| text.parse().ok()).flatten()
}

impl Chaos {
    fn set(&mut self, key: &'static str, value: &str) -> Result<(), ChaosError> {
        let refused = |allowed| ChaosError::Value { key, value: value.to_owned(), allowed };
        match key {
            SEED => self.seed = whole_number(value).ok_or_else(|| refused(A_SEED))?,
            DELAY => self.delay = Delay::parse(value).ok_or_else(|| refused(A_DELAY))?,
            _ => {
                let rate = Rate::parse(value).ok_or_else(|| refused(A_RATE))?;
                *self.rate_mut(key).ok_or_else(|| ChaosError::UnknownKey { key: key.to_owned() })? = rate;
            }
        }
        Ok(())
    }

    fn rate_mut(&mut self, key: &str) -> Option<&mut Rate> {
        Some(match key {
            "duplicate" => &mut self.duplicate,
            "reorder" => &mut self.reorder,
            "throttle" => &mut self.throttle,
            "error" => &mut self.error,
            "lost-response" => &mut self.lost_response,
            "partial" => &mut self.partial,
            "s3-error" => &mut self.s3_error,
            _ => return None,
        })
    }
}

impl FromStr for Chaos {
    type Err = ChaosError;

    fn from_str(text: &str) -> Result<Self, ChaosError> {
        let (mut chaos, mut given) = (Self::default(), Vec::new());
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| ChaosError::Form { part: part.to_owned() })?;
            let known = KEYS.into_iter().find(|known| *known == key);
            let key = known.ok_or_else(|| ChaosError::UnknownKey { key: key.to_owned() })?;
            if given.contains(&key) {
                return Err(ChaosError::RepeatedKey { key });
            }
            given.push(key);
            chaos.set(key, value)?;
        }
        Ok(chaos)
    }
}

impl fmt::Display for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SEED}={}", self.seed)?;
        let mut rates = *self;
        for key in KEYS {
            if key == DELAY && self.delay != Delay::default() {
                write!(f, ",{key}={}", self.delay)?;
            }
            if let Some(rate) = rates.rate_mut(key).filter(|rate| **rate != Rate::NEVER) {
                write!(f, ",{key}={rate}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
