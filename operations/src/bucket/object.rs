//! Objects read as streams, which go on where a connection broke.

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{Bucket, BucketError, causes};

/// An object that is being read.
pub(crate) struct Object {
    bucket: Bucket,
    key: String,
    size: Option<u64>,
    e_tag: Option<String>,
    /// How many of its bytes have been read.
    read: u64,
    /// None after the connection broke.
    body: Option<ByteStream>,
}

/// Why the next bytes of an object are not there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The connection broke, or S3 cannot be asked: the next attempt goes on where this one ended.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The object was deleted or replaced while it was read.
    #[error("the object {key} is not the one any more whose first bytes were read")]
    Changed {
        /// The object's key.
        key: String,
    },
}

impl Bucket {
    /// Starts to read an object; none if there is none.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<Object>, BucketError> {
        match self.client.get_object().bucket(&*self.name).key(key).send().await {
            Ok(answer) => Ok(Some(Object::new(self, key, answer))),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.error("GetObject", &error)),
        }
    }
}

impl Object {
    fn new(bucket: &Bucket, key: &str, answer: GetObjectOutput) -> Self {
        Self {
            bucket: bucket.clone(),
            key: key.to_owned(),
            size: answer.content_length.and_then(|size| u64::try_from(size).ok()),
            e_tag: answer.e_tag,
            read: 0,
            body: Some(answer.body),
        }
    }

    /// Its bytes, as S3 says before it sends them.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Its next bytes; none at the end. After [`ReadError::Bucket`] it may be asked again.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let body = match &mut self.body {
            Some(body) => body,
            None if self.size == Some(self.read) => return Ok(None),
            broken => broken.insert(reopen(&self.bucket, &self.key, self.e_tag.as_deref(), self.read).await?),
        };
        let reason = match body.next().await {
            Some(Ok(chunk)) => {
                self.read += chunk.len() as u64;
                return Ok(Some(chunk));
            }
            None if self.size.is_none_or(|size| size == self.read) => return Ok(None),
            None => format!("the body of {} ended early", self.key),
            Some(Err(error)) => causes(&error),
        };
        self.body = None;
        Err(self.bucket.failed("GetObject", reason).into())
    }
}

/// Reads on, if the object still is the same.
async fn reopen(bucket: &Bucket, key: &str, e_tag: Option<&str>, from: u64) -> Result<ByteStream, ReadError> {
    let request = bucket.client.get_object().bucket(&*bucket.name).key(key).range(format!("bytes={from}-"));
    match request.set_if_match(e_tag.map(str::to_owned)).send().await {
        Ok(answer) => Ok(answer.body),
        Err(error) if matches!(error.code(), Some("NoSuchKey" | "PreconditionFailed" | "InvalidRange")) => {
            Err(ReadError::Changed { key: key.to_owned() })
        }
        Err(error) => Err(bucket.error("GetObject", &error).into()),
    }
}
