//! Moves content out of objects' files: to a caller, or into another file.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use s3s::S3Result;
use s3s::dto::StreamingBlob;

use super::checksums::{Algorithm, Digests, Hasher};
use super::durable::TempFile;
use super::failure::{blocking, failed};

/// Bytes read from the disk at a time.
const CHUNK: u64 = 256 << 10;
/// Bytes hashed at a time.
const BLOCK: usize = 64 << 10;

/// The bytes of a file in this range, as a response's body. The first chunk is read at once, so a short object takes one visit
/// to the disk.
pub(super) fn read(mut file: File, range: Range<u64>) -> S3Result<StreamingBlob> {
    file.seek(SeekFrom::Start(range.start)).map_err(failed("read the object"))?;
    let mut reading = Reading { file, left: range.end - range.start };
    let first = reading.chunk().map_err(failed("read the object"))?;
    if reading.left == 0 {
        return Ok(s3s::Body::from(first).into());
    }
    let chunks = stream::unfold((Some(first), Some(reading)), |(ready, reading)| async {
        if let Some(data) = ready {
            return Some((Ok(data), (None, reading)));
        }
        // No reader is left after an error.
        let mut reading = reading.filter(|reading| reading.left > 0)?;
        let read = blocking(move || {
            let data = reading.chunk().map_err(failed("read the object"))?;
            Ok((data, reading))
        });
        match read.await {
            Ok((data, reading)) => Some((Ok(data), (None, Some(reading)))),
            Err(error) => Some((Err(io::Error::other(error)), (None, None))),
        }
    });
    Ok(StreamingBlob::wrap(chunks))
}

struct Reading {
    file: File,
    left: u64,
}

impl Reading {
    fn chunk(&mut self) -> io::Result<Bytes> {
        let mut data = Vec::new();
        let size = self.left.min(CHUNK);
        if (&mut self.file).take(size).read_to_end(&mut data)? as u64 != size {
            // The length was promised already: ending the body here would pass for the whole of it in some clients.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut while it was read"));
        }
        self.left -= size;
        Ok(data.into())
    }
}

/// Copies a range of a file into a new one, hashing it, and syncs that.
pub(super) fn copy(
    source: &mut File,
    range: Range<u64>,
    algorithm: Algorithm,
    scratch: &Path,
) -> io::Result<(TempFile, Metadata, Digests)> {
    source.seek(SeekFrom::Start(range.start))?;
    let mut target = TempFile::create(scratch)?;
    let mut hasher = Hasher::new(algorithm, None);
    let size = range.end - range.start;
    each_block(&mut source.take(size), size, |data| {
        hasher.update(data);
        target.file()?.write_all(data)
    })?;
    let metadata = target.sync()?;
    Ok((target, metadata, hasher.finish()))
}

/// Reads to the end, block by block. A source that is known to be short needs only a small block: `size` is in bytes.
pub(super) fn each_block(
    source: &mut impl Read,
    size: u64,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; usize::try_from(size).map_or(BLOCK, |size| size.clamp(1, BLOCK))];
    loop {
        let read = source.read(&mut buffer)?;
        let Some(data) = buffer.get(..read).filter(|data| !data.is_empty()) else { return Ok(()) };
        take(data)?;
    }
}
