//! Objects in the log's bucket, put and got with the AWS SDK and none of the system's code. The only place here that knows the
//! SDK of S3.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio_util::task::AbortOnDropHandle;

use crate::BoxError;

/// A bucket. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    client: Client,
    bucket: String,
}

/// How a large object is put: in parts of so many bytes, so many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) size: usize,
    pub(crate) at_once: usize,
}

impl Store {
    pub(crate) fn new(aws: &SdkConfig, bucket: &str) -> Self {
        let config = aws_sdk_s3::config::Builder::from(aws).force_path_style(true).build();
        Self { client: Client::from_conf(config), bucket: bucket.to_owned() }
    }

    /// Puts an object in one piece.
    pub(crate) async fn put(&self, key: &str, data: Bytes) -> Result<(), BoxError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(data));
        request.send().await.map_err(failed)?;
        Ok(())
    }

    /// Puts an object in one piece where none is yet.
    pub(crate) async fn create(&self, key: &str, data: Bytes) -> Result<(), BoxError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*");
        request.body(ByteStream::from(data)).send().await.map_err(failed)?;
        Ok(())
    }

    /// Puts an object in parts.
    pub(crate) async fn put_in_parts(&self, key: &str, data: &Bytes, parts: Parts) -> Result<(), BoxError> {
        let upload =
            self.client.create_multipart_upload().bucket(&self.bucket).key(key).send().await.map_err(failed)?;
        let upload = upload.upload_id.unwrap_or_default();
        let uploads = (1..).zip(pieces(data, parts.size)).map(|(number, piece)| {
            let request =
                self.client.upload_part().bucket(&self.bucket).key(key).upload_id(&upload).part_number(number);
            on_its_own(async move {
                let done = request.body(ByteStream::from(piece)).send().await.map_err(failed)?;
                let part = CompletedPart::builder().part_number(number).set_e_tag(done.e_tag);
                Ok(part.set_checksum_crc32(done.checksum_crc32).build())
            })
        });
        let done: Vec<_> = stream::iter(uploads).buffered(parts.at_once).try_collect().await?;
        let whole = CompletedMultipartUpload::builder().set_parts(Some(done)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(&upload);
        request.multipart_upload(whole).send().await.map_err(failed)?;
        Ok(())
    }

    /// Gets an object as one stream of pieces.
    pub(crate) async fn get(&self, key: &str) -> Result<ByteStream, BoxError> {
        Ok(self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(failed)?.body)
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), BoxError> {
        self.client.delete_object().bucket(&self.bucket).key(key).send().await.map_err(failed)?;
        Ok(())
    }
}

/// Has a request go on in a task of its own, on any processor. It starts at the first poll.
async fn on_its_own<T: Send + 'static>(
    request: impl Future<Output = Result<T, BoxError>> + Send + 'static,
) -> Result<T, BoxError> {
    AbortOnDropHandle::new(tokio::spawn(request)).await?
}

/// Pieces of this size, and what is left.
fn pieces(data: &Bytes, size: usize) -> impl Iterator<Item = Bytes> {
    (0..data.len()).step_by(size).map(move |start| data.slice(start..data.len().min(start + size)))
}

fn failed<E: std::error::Error + Send + Sync + 'static>(error: E) -> BoxError {
    DisplayErrorContext(error).to_string().into()
}
