//! The JSON form of `ComputeRequest`.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{Double, Integer, WrittenDoubles, WrittenInteger, WrittenIntegers, needs_quotes, unwrap_doubles};
use super::object::Object;
use crate::v1;
use crate::validate::MAX_VALUES;

/// A request to write.
pub(super) struct Written<'a>(pub(super) &'a v1::ComputeRequest);

#[derive(Serialize)]
struct WrittenFields<'a> {
    values: WrittenIntegers<'a, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles: Option<WrittenDoubles<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<WrittenHistogram>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_late: Option<bool>,
}

#[derive(Serialize)]
struct WrittenHistogram {
    #[serde(skip_serializing_if = "Option::is_none")]
    bins: Option<WrittenInteger<u32>>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The id is that of the message: a request repeated under another id has the same body, and so the same digest.
        let v1::ComputeRequest { values, quantiles, histogram, finish_late, operation_id: _ } = self.0;
        let quoted = values.iter().any(|&value| needs_quotes(value));
        let fields = WrittenFields {
            values: WrittenIntegers { values, quoted },
            quantiles: (!quantiles.is_empty()).then_some(WrittenDoubles(quantiles)),
            histogram: histogram.as_ref().map(|&v1::HistogramOptions { bins }| WrittenHistogram {
                bins: (bins != 0).then_some(WrittenInteger { value: bins, quoted }),
            }),
            finish_late: finish_late.then_some(true),
        };
        fields.serialize(serializer)
    }
}

/// A request that was read.
pub(super) struct Read(pub(super) v1::ComputeRequest);

#[derive(Deserialize)]
struct ReadFields {
    values: Option<Values>,
    quantiles: Option<Vec<Double>>,
    histogram: Option<Object<ReadHistogram>>,
    finish_late: Option<bool>,
}

#[derive(Deserialize)]
struct ReadHistogram {
    bins: Option<Integer<u32>>,
}

/// The values of a request. A list with more than may be is not read to its end: its length has no bound.
struct Values(Vec<i64>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ValuesVisitor).map(Self)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Vec<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of integers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<i64>, A::Error> {
        let mut values = Vec::new();
        while let Some(Integer(value)) = list.next_element()? {
            if values.len() == MAX_VALUES {
                return Err(A::Error::custom(format_args!("the list holds more than {MAX_VALUES} values")));
            }
            values.push(value);
        }
        Ok(values)
    }
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(ReadFields { values, quantiles, histogram, finish_late }) = Object::deserialize(deserializer)?;
        Ok(Self(v1::ComputeRequest {
            values: values.map_or_else(Vec::new, |Values(values)| values),
            quantiles: unwrap_doubles(quantiles.unwrap_or_default()),
            histogram: histogram.map(|Object(ReadHistogram { bins })| v1::HistogramOptions {
                bins: bins.map_or(0, |Integer(bins)| bins),
            }),
            finish_late: finish_late.unwrap_or_default(),
            operation_id: String::new(),
        }))
    }
}
