//! Numbers: integers that survive readers whose numbers are doubles, and doubles that read back exactly.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::error::shorten;

/// The largest magnitude up to which every integer is a double: 2^53 - 1. JavaScript and others read larger ones wrongly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The JSON form of a list of integers: all as numbers, or all as decimal strings if one is beyond ±(2^53 - 1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Integers(pub Vec<i64>);

impl Serialize for Integers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quoted = self.0.iter().any(|&value| needs_quotes(value));
        WrittenIntegers { values: &self.0, quoted }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Integers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|integers| Self(unwrap_integers(integers)))
    }
}

/// Whether an integer, and with it every other one of its body, has to be written as a string.
pub fn needs_quotes(value: i64) -> bool {
    value.unsigned_abs() > MAX_SAFE_INTEGER
}

/// Like [`needs_quotes`], of a count.
pub(super) fn count_needs_quotes(value: u64) -> bool {
    value > MAX_SAFE_INTEGER
}

/// An integer to write.
pub(super) struct WrittenInteger<T> {
    pub(super) value: T,
    /// As a decimal string.
    pub(super) quoted: bool,
}

impl<T: Display + Serialize> Serialize for WrittenInteger<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.quoted { serializer.collect_str(&self.value) } else { self.value.serialize(serializer) }
    }
}

/// A list of integers to write.
pub(super) struct WrittenIntegers<'a, T> {
    pub(super) values: &'a [T],
    /// As decimal strings.
    pub(super) quoted: bool,
}

impl<T: Display + Serialize + Copy> Serialize for WrittenIntegers<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quoted = self.quoted;
        serializer.collect_seq(self.values.iter().map(|&value| WrittenInteger { value, quoted }))
    }
}

/// An integer type that is read from a JSON number or a decimal string.
pub(super) trait ReadInteger: TryFrom<i64> + TryFrom<u64> + std::str::FromStr {
    /// What is allowed, to follow "is not".
    const ALLOWED: &str;
}

impl ReadInteger for i64 {
    const ALLOWED: &str = "an integer from -9223372036854775808 to 9223372036854775807";
}

impl ReadInteger for u64 {
    const ALLOWED: &str = "an integer from 0 to 18446744073709551615";
}

impl ReadInteger for u32 {
    const ALLOWED: &str = "an integer from 0 to 4294967295";
}

impl ReadInteger for i128 {
    const ALLOWED: &str = "an integer of at most 128 bits";
}

/// An integer read from a JSON number without fraction and exponent, or from such a number in a string.
pub(super) struct Integer<T>(pub(super) T);

impl<'de, T: ReadInteger> Deserialize<'de> for Integer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor(PhantomData)).map(Self)
    }
}

/// The values of integers read. The standard library collects them in place, without a second allocation.
pub(super) fn unwrap_integers<T>(integers: Vec<Integer<T>>) -> Vec<T> {
    integers.into_iter().map(|Integer(value)| value).collect()
}

struct IntegerVisitor<T>(PhantomData<T>);

fn refused<T: ReadInteger, E: Error>(given: impl Display) -> E {
    E::custom(format_args!("{given} is not {}", T::ALLOWED))
}

impl<T: ReadInteger> Visitor<'_> for IntegerVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ALLOWED)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| refused::<T, E>(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| refused::<T, E>(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        // serde_json has no other way to hand over the number "-0".
        if value == 0.0 && value.is_sign_negative() {
            return self.visit_i64(0);
        }
        Err(refused::<T, E>(format_args!("{value:?}")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        let refused = || refused::<T, E>(format_args!("{:?}", shorten(value)));
        if is_json_integer(value) { value.parse().map_err(|_| refused()) } else { Err(refused()) }
    }
}

/// Whether a text is an integer as JSON writes them: no plus sign, no leading zeros, no spaces. `parse` takes more.
fn is_json_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [] => false,
        [b'0', rest @ ..] => rest.is_empty(),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// A double. Read from any JSON number; written in the shortest form that reads back, without `.0`.
pub(super) struct Double(pub(super) f64);

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Below 10^16 serde_json writes whole doubles with all their digits and ".0"; from there on with an exponent.
        let is_whole = self.0.fract() == 0.0 && self.0.abs() < 1e16;
        let is_negative_zero = self.0 == 0.0 && self.0.is_sign_negative();
        if is_whole && !is_negative_zero {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DoubleVisitor).map(Self)
    }
}

struct DoubleVisitor;

impl Visitor<'_> for DoubleVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }
}

/// Doubles to write.
pub(super) struct WrittenDoubles<'a>(pub(super) &'a [f64]);

impl Serialize for WrittenDoubles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(Double))
    }
}

/// The values of doubles read.
pub(super) fn unwrap_doubles(doubles: Vec<Double>) -> Vec<f64> {
    doubles.into_iter().map(|Double(value)| value).collect()
}
