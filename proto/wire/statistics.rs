//! The JSON form of `Statistics`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{
    Double, Integer, WrittenDoubles, WrittenInteger, WrittenIntegers, count_needs_quotes, needs_quotes, unwrap_doubles,
    unwrap_integers,
};
use super::object::Object;
use crate::v1;

/// The JSON form of statistics, the same wherever they stand: the body of a reply, or a part of a log record.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics(pub v1::Statistics);

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(&self.0).serialize(serializer)
    }
}

/// Statistics to write.
pub(super) struct Written<'a>(pub(super) &'a v1::Statistics);

#[derive(Serialize)]
struct WrittenFields<'a> {
    count: WrittenInteger<u64>,
    min: WrittenInteger<i64>,
    max: WrittenInteger<i64>,
    median: Double,
    mean: Double,
    sum: &'a str,
    variance: Double,
    std_dev: Double,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quantiles: Vec<Quantile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<WrittenHistogram<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Quantile {
    probability: Double,
    value: Double,
}

#[derive(Serialize)]
struct WrittenHistogram<'a> {
    edges: WrittenDoubles<'a>,
    counts: WrittenIntegers<'a, u64>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let statistics = self.0;
        let counts = statistics.histogram.as_ref().map_or(&[][..], |histogram| &histogram.counts);
        let quoted = needs_quotes(statistics.min)
            || needs_quotes(statistics.max)
            || count_needs_quotes(statistics.count)
            || counts.iter().any(|&count| count_needs_quotes(count));
        let fields = WrittenFields {
            count: WrittenInteger { value: statistics.count, quoted },
            min: WrittenInteger { value: statistics.min, quoted },
            max: WrittenInteger { value: statistics.max, quoted },
            median: Double(statistics.median),
            mean: Double(statistics.mean),
            sum: &statistics.sum,
            variance: Double(statistics.variance),
            std_dev: Double(statistics.std_dev),
            quantiles: statistics.quantiles.iter().map(Quantile::from).collect(),
            histogram: statistics.histogram.as_ref().map(|v1::Histogram { edges, counts }| WrittenHistogram {
                edges: WrittenDoubles(edges),
                counts: WrittenIntegers { values: counts, quoted },
            }),
        };
        fields.serialize(serializer)
    }
}

impl From<&v1::Quantile> for Quantile {
    fn from(&v1::Quantile { probability, value }: &v1::Quantile) -> Self {
        Self { probability: Double(probability), value: Double(value) }
    }
}

impl From<Quantile> for v1::Quantile {
    fn from(Quantile { probability: Double(probability), value: Double(value) }: Quantile) -> Self {
        Self { probability, value }
    }
}

#[derive(Deserialize)]
struct ReadFields {
    count: Integer<u64>,
    min: Integer<i64>,
    max: Integer<i64>,
    median: Double,
    mean: Double,
    sum: Integer<i128>,
    variance: Double,
    std_dev: Double,
    quantiles: Option<Vec<Object<Quantile>>>,
    histogram: Option<ReadHistogram>,
}

impl<'de> Deserialize<'de> for Statistics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(fields) = Object::<ReadFields>::deserialize(deserializer)?;
        let quantiles = fields.quantiles.unwrap_or_default();
        Ok(Self(v1::Statistics {
            count: fields.count.0,
            min: fields.min.0,
            max: fields.max.0,
            median: fields.median.0,
            mean: fields.mean.0,
            sum: fields.sum.0.to_string(),
            variance: fields.variance.0,
            std_dev: fields.std_dev.0,
            quantiles: quantiles.into_iter().map(|Object(quantile)| quantile.into()).collect(),
            histogram: fields.histogram.map(|ReadHistogram(histogram)| histogram),
        }))
    }
}

struct ReadHistogram(v1::Histogram);

#[derive(Deserialize)]
struct ReadHistogramFields {
    edges: Vec<Double>,
    counts: Vec<Integer<u64>>,
}

impl<'de> Deserialize<'de> for ReadHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(ReadHistogramFields { edges, counts }) = Object::deserialize(deserializer)?;
        // Without counts there is no bin, and a single edge bounds nothing.
        if counts.is_empty() || edges.len() != counts.len() + 1 {
            let (edges, counts) = (edges.len(), counts.len());
            return Err(D::Error::custom(format_args!("{edges} edges do not bound {counts} bins")));
        }
        Ok(Self(v1::Histogram { edges: unwrap_doubles(edges), counts: unwrap_integers(counts) }))
    }
}
