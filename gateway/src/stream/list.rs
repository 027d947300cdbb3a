//! The list of a stream, as it grows.

use compute_operations::BucketError;
use compute_operations::payload::{PayloadWriter, Stored};
use compute_proto::v1::ComputeRequest;
use compute_proto::validate::{FieldViolation, count_violation};
use tokio::task::yield_now;

use super::form::{self, Run};
use super::message::PackedValues;
use super::text::TextLength;
use super::{Received, Streams, varint};
use crate::memory::{Exhausted, Taken, of_list};

/// A list whose JSON text is longer than this goes to S3. A message above 448 KiB costs more than an object; the rest is for
/// the other fields, at most 100 quantiles, and for the attributes.
pub(super) const MAX_INLINE_TEXT: usize = 440 << 10;

/// What the way to S3 takes: the parts of the writer, one that fills and two under way, and a run.
const WRITER_MEMORY: u64 = 25 << 20;

/// A list that grows.
pub(super) struct List<'a> {
    streams: &'a Streams,
    /// The request without its values.
    options: ComputeRequest,
    count: usize,
    place: Place,
}

/// Where the values go.
enum Place {
    /// Into a message, so far: all of them are here.
    Message { packed: Vec<u8>, text: TextLength, memory: Taken },
    /// To S3.
    Payload(Box<Payload>),
}

/// A payload that is being written.
struct Payload {
    run: Run,
    writer: PayloadWriter,
    _memory: Taken,
}

/// Why a list cannot grow, or cannot be completed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error("{}", .0.description)]
    Count(FieldViolation),
    #[error(transparent)]
    Memory(#[from] Exhausted),
    #[error(transparent)]
    Payload(#[from] BucketError),
}

impl<'a> List<'a> {
    /// A list without values, yet.
    pub(super) fn new(streams: &'a Streams, options: ComputeRequest) -> Self {
        let memory = streams.memory.take_nothing();
        let place = Place::Message { packed: Vec::new(), text: TextLength::default(), memory };
        Self { streams, options, count: 0, place }
    }

    /// Appends values. Waits while S3 is slower than they come.
    pub(super) async fn extend(&mut self, more: &PackedValues) -> Result<(), ListError> {
        let more = more.as_bytes();
        self.count += varint::count(more);
        if self.count > self.streams.max_values {
            return self.check_count();
        }
        match &mut self.place {
            Place::Message { packed, text, memory } => {
                if text.extend(varint::values(more), MAX_INLINE_TEXT) {
                    memory.raise_to(of_list(self.count, text.bytes()))?;
                    packed.extend_from_slice(more);
                    return Ok(());
                }
                let packed = std::mem::take(packed);
                let mut payload = self.begin_payload().await?;
                payload.extend(&packed).await?;
                drop(packed);
                payload.extend(more).await?;
                self.place = Place::Payload(payload);
                Ok(())
            }
            Place::Payload(payload) => Ok(payload.extend(more).await?),
        }
    }

    /// Ends the list, and completes its payload if there is one.
    pub(super) async fn complete(self) -> Result<Received, ListError> {
        self.check_count()?;
        match self.place {
            Place::Message { packed, memory, .. } => {
                let mut values = Vec::with_capacity(self.count);
                values.extend(varint::values(&packed));
                Ok(Received::Message { request: ComputeRequest { values, ..self.options }, memory })
            }
            Place::Payload(payload) => {
                let stored = payload.complete().await?;
                let payload = self.streams.payloads.unsent(stored.id);
                Ok(Received::Payload { options: self.options, stored, payload })
            }
        }
    }

    async fn begin_payload(&self) -> Result<Box<Payload>, ListError> {
        let memory = self.streams.memory.take(WRITER_MEMORY)?;
        let mut writer = self.streams.payloads.write(form::MEDIA_TYPE);
        writer.write(&form::options(&self.options)).await?;
        Ok(Box::new(Payload { run: Run::new(), writer, _memory: memory }))
    }

    fn check_count(&self) -> Result<(), ListError> {
        count_violation(self.count, self.streams.max_values)
            .map_or(Ok(()), |violation| Err(ListError::Count(violation)))
    }
}

impl Payload {
    async fn extend(&mut self, mut packed: &[u8]) -> Result<(), BucketError> {
        while !packed.is_empty() {
            self.run.fill(&mut packed);
            if self.run.is_full() {
                self.writer.write(self.run.take()).await?;
                // Others have their turn after each run, however many there are in a message.
                yield_now().await;
            }
        }
        Ok(())
    }

    async fn complete(mut self) -> Result<Stored, BucketError> {
        self.writer.write(self.run.take()).await?;
        self.writer.finish().await
    }
}

#[cfg(test)]
mod tests {
    use compute_operations::Bucket;
    use compute_operations::payload::Payloads;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::memory::MemoryBudget;

    /// Streams of at most ten values, to an S3 that does not exist.
    fn streams(memory: u64) -> Streams {
        let aws = compute_process::aws::for_endpoint("http://127.0.0.1:9");
        let payloads = Payloads::new(Bucket::new(&aws, "none"));
        Streams { payloads, memory: MemoryBudget::new(memory), max_values: 10, ended: CancellationToken::new() }
    }

    #[tokio::test]
    async fn a_list_may_have_as_many_values_as_are_allowed_and_not_one_more() {
        let streams = streams(u64::MAX);
        for (pieces, is_allowed) in [(vec![10], true), (vec![3, 7, 0], true), (vec![11], false), (vec![3, 7, 1], false)]
        {
            let mut list = List::new(&streams, ComputeRequest::default());
            let mut grown = Ok(());
            for piece in pieces {
                grown = list.extend(&PackedValues::of(&vec![0; piece])).await;
            }
            assert_eq!(grown.is_ok(), is_allowed);
            match grown {
                Ok(()) => assert!(list.complete().await.is_ok()),
                Err(error) => assert_eq!(error.to_string(), "the list holds 11 values, at most 10 are allowed"),
            }
        }
    }

    #[tokio::test]
    async fn a_short_list_takes_memory_as_it_grows_and_no_more_than_there_is() {
        // Three values take 48 bytes, and the text of seven bytes 14.
        let streams = streams(48 + 14);
        let mut list = List::new(&streams, ComputeRequest::default());
        list.extend(&PackedValues::of(&[1, 2])).await.expect("there is room");
        assert_eq!(streams.memory.taken(), 32 + 10);
        list.extend(&PackedValues::of(&[3])).await.expect("there is just enough");
        assert!(matches!(list.extend(&PackedValues::of(&[4])).await, Err(ListError::Memory(_))));
        drop(list);
        assert_eq!(streams.memory.taken(), 0);
    }
}
