//! The content of a batch: one record a line, as JSON, in ascending order of ids; compressed with gzip.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use uuid::Uuid;

use crate::bucket::Content;

pub(super) const CONTENT: Content = Content { media_type: "application/gzip" };

/// Above so many bytes, compressed or not, coding is left to a thread for blocking work.
pub(super) const INLINE: usize = 16 << 10;

/// The largest batch that is read, decompressed. Writers make them of 4 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: Uuid,
    /// Without the newline.
    pub(super) json: Bytes,
}

/// A batch that was read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Those that can be read, as far as their ids.
    pub(super) lines: Vec<Line>,
    /// Why there may have been more.
    pub(super) damage: Option<String>,
}

/// The part of a record that tells where it belongs.
#[derive(Deserialize)]
struct OnlyId {
    id: Uuid,
}

/// Writes the content of a batch.
pub(super) async fn encode(lines: Vec<Line>) -> Bytes {
    let size: usize = lines.iter().map(|line| line.json.len()).sum();
    beside_when_large(size, move || compress(&lines)).await
}

/// Reads the content of a batch.
pub(super) async fn decode(content: Bytes) -> Batch {
    beside_when_large(content.len(), move || decompress(&content)).await
}

async fn beside_when_large<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if size <= INLINE {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down, and this task with it.
        Err(_cancelled) => std::future::pending().await,
    }
}

fn compress(lines: &[Line]) -> Bytes {
    // Records are much alike: the fastest level makes them several times smaller, and higher ones little smaller still.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = lines.iter().try_for_each(|line| {
        encoder.write_all(&line.json)?;
        encoder.write_all(b"\n")
    });
    written.and_then(|()| encoder.finish()).expect("writing to memory cannot fail").into()
}

fn decompress(content: &[u8]) -> Batch {
    let mut text = Vec::new();
    let read = MultiGzDecoder::new(content).take(MAX_BYTES + 1).read_to_end(&mut text);
    let mut damage = match read {
        Ok(size) if size as u64 > MAX_BYTES => Some(format!("it is larger than {MAX_BYTES} bytes")),
        Ok(_) => None,
        Err(error) => Some(format!("it is not gzip: {error}")),
    };
    if text.last().is_some_and(|&last| last != b'\n') {
        // Half a line may read as a whole one to those who only look for its id.
        damage.get_or_insert_with(|| "its last line has no end".to_owned());
        text.truncate(text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
    }
    let text = Bytes::from(text);
    let mut lines = Vec::new();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(OnlyId { id }) => lines.push(Line { id, json: text.slice_ref(line) }),
            Err(error) => drop(damage.get_or_insert_with(|| format!("a line of it is no record: {error}"))),
        }
    }
    Batch { lines, damage }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn line(number: u128, text: &str) -> Line {
        let id = Uuid::from_u128(number);
        Line { id, json: format!(r#"{{"method":{text:?},"id":"{id}"}}"#).into() }
    }

    proptest! {
        #[test]
        fn every_batch_reads_back(texts in vec("[a-z0-9 ]{0,40}", 0..50)) {
            let lines: Vec<_> = texts.iter().zip(1..).map(|(text, number)| line(number, text)).collect();
            let Batch { lines: read, damage } = decompress(&compress(&lines));
            prop_assert_eq!((read, damage), (lines, None));
        }

        #[test]
        fn of_a_batch_cut_off_anywhere_whole_lines_and_the_damage_are_told(cut in 0_usize..1_000) {
            let lines: Vec<_> = (1..50).map(|number| line(number, &format!("{:x}", number * 0x9E37_79B9))).collect();
            let content = compress(&lines);
            prop_assume!(cut < content.len() && cut > 0);
            let Batch { lines: read, damage } = decompress(&content[..cut]);
            prop_assert!(damage.is_some());
            prop_assert_eq!(&lines[..read.len()], &read[..]);
        }

        #[test]
        fn whatever_stands_in_a_batch_is_read_without_a_panic(content in vec(any::<u8>(), 0..200)) {
            decompress(&content);
        }
    }

    #[test]
    fn a_line_that_is_no_record_is_damage_and_the_others_are_read() {
        let lines = [line(1, "a"), Line { id: Uuid::nil(), json: "nonsense".into() }, line(3, "c")];
        let Batch { lines: read, damage } = decompress(&compress(&lines));
        assert_eq!(read, [lines[0].clone(), lines[2].clone()]);
        assert!(damage.is_some_and(|damage| damage.contains("no record")));
    }
}
