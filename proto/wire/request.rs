//! The JSON form of `ComputeRequest`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{
    Double, Integer, Integers, WrittenDoubles, WrittenInteger, WrittenIntegers, needs_quotes, unwrap_doubles,
};
use super::object::Object;
use crate::v1;

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
    values: Option<Integers>,
    quantiles: Option<Vec<Double>>,
    histogram: Option<Object<ReadHistogram>>,
    finish_late: Option<bool>,
}

#[derive(Deserialize)]
struct ReadHistogram {
    bins: Option<Integer<u32>>,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(ReadFields { values, quantiles, histogram, finish_late }) = Object::deserialize(deserializer)?;
        Ok(Self(v1::ComputeRequest {
            values: values.unwrap_or_default().0,
            quantiles: unwrap_doubles(quantiles.unwrap_or_default()),
            histogram: histogram.map(|Object(ReadHistogram { bins })| v1::HistogramOptions {
                bins: bins.map_or(0, |Integer(bins)| bins),
            }),
            finish_late: finish_late.unwrap_or_default(),
            operation_id: String::new(),
        }))
    }
}
