//! What a long list costs at the least with the same S3 and the same arithmetic: a program that puts the list to S3, gets it
//! and computes. No gateway, no queue, no worker, no second process.
//!
//! It holds the list ready in the form it has in S3, so that nothing is measured but the way there and back, the decoding and
//! the kernel; the parts of an upload and of a download overlap, decoding overlaps the download. All of it is done once before,
//! unmeasured, so that connections are open and code and memory are warm.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use compute_process::{aws, flags};
use compute_proto::v1::{ComputeRequest, Statistics};
use compute_proto::wire;
use compute_worker::statistics;
use futures_util::StreamExt as _;
use prost::Message as _;
use prost::encoding::decode_varint;

use crate::store::{Parts, Store};
use crate::{BoxError, large_list};

/// Values of one packed run, as the gateway writes them.
const RUN: usize = 65_536;

/// Of 2, 4, 8, 16 and 32 MiB, and 1, 2, 4 and 8 at once, the best on two cores.
const PARTS: Parts = Parts { size: 8 << 20, at_once: 4 };

const KEY: &str = "payloads/bare";

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// The bucket to put the list to
    #[arg(long, value_parser = flags::bucket)]
    bucket: String,
    /// What the values are drawn from
    #[arg(long)]
    seed: u64,
    /// How many there are
    #[arg(long)]
    values: usize,
}

/// Where the time went.
struct Took {
    put: Duration,
    get_and_decode: Duration,
    compute: Duration,
}

/// Does it, logs how long it took and ends.
pub(crate) async fn run(flags: Flags) -> Result<(), BoxError> {
    let store = Store::new(&aws::load().await, &flags.bucket);
    let payload = payload(&large_list::random(flags.seed, flags.values));
    let _warm = once(&store, &payload, flags.values).await?;
    let (statistics, took) = once(&store, &payload, flags.values).await?;
    tracing::info!(
        bytes = payload.len(),
        put = took.put.as_secs_f64(),
        get_and_decode = took.get_and_decode.as_secs_f64(),
        compute = took.compute.as_secs_f64(),
        statistics = wire::statistics_to_json(&statistics),
        "done"
    );
    Ok(())
}

async fn once(store: &Store, payload: &Bytes, count: usize) -> Result<(Statistics, Took), BoxError> {
    let started = Instant::now();
    store.put_in_parts(KEY, payload, PARTS).await?;
    let put = started.elapsed();
    let values = get(store, payload.len(), count).await?;
    let got = started.elapsed();
    let statistics = tokio::task::spawn_blocking(move || statistics::of(&values, &[], None)).await?;
    let took = Took { put, get_and_decode: got - put, compute: started.elapsed() - got };
    store.delete(KEY).await?;
    Ok((statistics, took))
}

/// The list as a serialized `ComputeRequest`, in packed runs.
fn payload(values: &[i64]) -> Bytes {
    let mut payload = Vec::new();
    for run in values.chunks(RUN) {
        let run = ComputeRequest { values: run.to_vec(), ..Default::default() };
        // Serialized messages after one another are the message of all their values.
        run.encode(&mut payload).expect("a vector has room");
    }
    payload.into()
}

async fn get(store: &Store, bytes: usize, count: usize) -> Result<Vec<i64>, BoxError> {
    let mut decoder = Decoder { values: Vec::with_capacity(count), ..Default::default() };
    let mut parts = pin!(store.get_in_parts(KEY, bytes, PARTS));
    while let Some(part) = parts.next().await {
        decoder.push(&part?)?;
    }
    decoder.finish()
}

/// Decodes packed runs of values from pieces cut anywhere.
#[derive(Debug, Default)]
struct Decoder {
    values: Vec<i64>,
    /// Bytes of the run that are to come.
    left: usize,
    /// The end of the last piece.
    carried: Vec<u8>,
}

/// The bytes of the head of a run at most, tag and length, and more than a value has.
const LONGEST: usize = 11;

/// The key of `ComputeRequest.values` in its packed form: field 1, wire type 2.
const VALUES: u8 = 1 << 3 | 2;

impl Decoder {
    fn push(&mut self, mut piece: &[u8]) -> Result<(), BoxError> {
        if !self.carried.is_empty() {
            // What was carried goes on with the start of this piece, copied, so that the rest can be read where it lies.
            let mut joint = std::mem::take(&mut self.carried);
            let carried = joint.len();
            joint.extend_from_slice(&piece[..piece.len().min(2 * LONGEST)]);
            let consumed = self.decode(&joint, LONGEST)?;
            if consumed < carried {
                // Only a short piece, all of it in the joint, does not reach that far.
                self.carried = joint.split_off(consumed);
                return Ok(());
            }
            piece = &piece[consumed - carried..];
        }
        let consumed = self.decode(piece, LONGEST)?;
        self.carried.extend_from_slice(&piece[consumed..]);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<i64>, BoxError> {
        let carried = std::mem::take(&mut self.carried);
        let consumed = self.decode(&carried, 1)?;
        if consumed < carried.len() || self.left > 0 {
            return Err("the list is cut short".into());
        }
        Ok(self.values)
    }

    /// Decodes as long as there are that many bytes; how many it has used.
    fn decode(&mut self, data: &[u8], enough: usize) -> Result<usize, BoxError> {
        let mut rest = data;
        while rest.len() >= enough {
            if self.left == 0 {
                if rest[0] != VALUES {
                    return Err("a field other than values".into());
                }
                rest = &rest[1..];
                self.left = usize::try_from(decode_varint(&mut rest)?)?;
            }
            while self.left > 0 && rest.len() >= enough {
                let before = rest.len();
                let zigzag = decode_varint(&mut rest)?;
                self.values.push((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed());
                self.left = self.left.checked_sub(before - rest.len()).ok_or("a value goes on after its run")?;
            }
        }
        Ok(data.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_however_it_is_cut() {
        let mut values = large_list::random(1, RUN + 10);
        values.extend(-70..70);
        let payload = payload(&values);
        assert_eq!(ComputeRequest::decode(&*payload).expect("well formed").values, values);
        for size in [1, 2, 7, 11, 23, 4096, payload.len() - 1, payload.len()] {
            let mut decoder = Decoder::default();
            for piece in payload.chunks(size) {
                decoder.push(piece).expect("well formed");
            }
            assert_eq!(decoder.finish().expect("whole"), values, "in pieces of {size}");
        }
    }

    #[test]
    fn a_list_that_is_cut_short_is_an_error() {
        let payload = payload(&[1, i64::MAX]);
        let mut decoder = Decoder::default();
        decoder.push(&payload[..payload.len() - 1]).expect("nothing is known yet");
        assert!(decoder.finish().is_err());
    }
}
