//! Takes a request's body: hashes it, holds a short one in memory and puts a long one into a temporary file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, s3_error};

use super::checksums::{Algorithm, Claim, Digests, Hasher, base64};
use super::durable::TempFile;
use super::failure::{blocking, failed};
use super::unsigned::Trailers;

/// Bytes gathered before they go to the disk. A body up to this size touches it only once, when it is known to be wanted.
const CHUNK: usize = 1 << 20;
/// The most that one PUT or one part may have, in bytes (S3's limit).
const MAX_SIZE: u64 = 5 << 30;

/// What a request says of its body.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) length: Option<i64>,
    /// Base64, from `Content-MD5`.
    pub(super) md5: Option<&'a str>,
    pub(super) checksum: Option<Claim>,
    /// Where the trailer of a chunked body ends up once the body is read.
    pub(super) trailers: Option<&'a Trailers>,
}

/// A body that was received whole and is what the request said it is.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) digests: Digests,
    content: Content,
}

#[derive(Debug)]
struct Content {
    file: Option<TempFile>,
    /// What comes after the part in the file.
    rest: Vec<Bytes>,
}

impl Received {
    /// Reads the body to its end.
    ///
    /// # Errors
    /// `IncompleteBody`, `EntityTooLarge`, `BadDigest`, `InvalidDigest`; `InternalError` if it cannot be written.
    pub(super) async fn read(
        body: Option<StreamingBlob>,
        claims: Claims<'_>,
        scratch: &Arc<PathBuf>,
    ) -> S3Result<Self> {
        // S3, too, computes a CRC-64 for an object that comes without a checksum.
        let algorithm = claims.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |claim| claim.algorithm);
        let mut hasher = Hasher::new(algorithm);
        let mut content = Content { file: None, rest: Vec::new() };
        let mut held = 0;
        let mut size = 0;
        let mut body = body.into_iter();
        let mut body = futures_util::stream::iter(&mut body).flatten();
        while let Some(data) = body.next().await {
            let data = data.map_err(incomplete)?;
            hasher.update(&data);
            held += data.len();
            size += data.len() as u64;
            content.rest.push(data);
            if size > MAX_SIZE {
                return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed object size"));
            }
            if held > CHUNK {
                held = 0;
                let scratch = Arc::clone(scratch);
                content = blocking(move || content.spill(&scratch).map_err(failed("write the body"))).await?;
            }
        }
        let digests = hasher.finish();
        check(&digests, &claims)?;
        Ok(Self { digests, content })
    }

    /// Puts the content into a temporary file, complete and on the disk.
    pub(super) fn into_file(self, scratch: &std::path::Path) -> io::Result<(TempFile, std::fs::Metadata)> {
        let mut file = self.content.spill(scratch)?.file.ok_or_else(|| io::Error::other("spilling makes a file"))?;
        let metadata = file.sync()?;
        Ok((file, metadata))
    }
}

impl Content {
    fn spill(mut self, scratch: &std::path::Path) -> io::Result<Self> {
        let mut temp = match self.file.take() {
            Some(temp) => temp,
            None => TempFile::create(scratch)?,
        };
        for data in self.rest.drain(..) {
            temp.file()?.write_all(&data)?;
        }
        Ok(Self { file: Some(temp), rest: self.rest })
    }
}

fn check(digests: &Digests, claims: &Claims<'_>) -> S3Result<()> {
    if claims.length.is_some_and(|length| u64::try_from(length) != Ok(digests.size)) {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }
    if let Some(md5) = claims.md5 {
        let decoded =
            STANDARD.decode(md5).map_err(|_| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid"))?;
        if decoded.len() != digests.md5.len() {
            return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid"));
        }
        if md5 != base64(digests.md5) {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
    }
    match &claims.checksum {
        Some(claim) => claim.check(&digests.checksum, claims.trailers.map(Trailers::get).as_ref()),
        None => Ok(()),
    }
}

fn incomplete(source: Box<dyn std::error::Error + Send + Sync>) -> S3Error {
    let mut error = s3_error!(IncompleteBody, "the body ended early or is malformed: {source}");
    error.set_source(source);
    error
}
