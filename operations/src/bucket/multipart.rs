//! Uploads in parts.

use std::time::Duration;

use aws_sdk_s3::config::{self, timeout::TimeoutConfig};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::{Bucket, BucketError, Content};

/// How long one attempt to send an object or a part may take: 8 MiB at 1 Mbit/s. One that makes no progress at all is given up
/// after some seconds by the SDK's protection against stalled streams.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(70);

/// How long one attempt to make an object of its parts may take: "several minutes", says S3's documentation.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(300);

/// An upload in parts that was begun and has neither been completed nor aborted.
#[derive(Debug, Clone)]
pub(crate) struct Multipart {
    bucket: Bucket,
    key: String,
    upload_id: String,
}

/// A part that S3 has.
#[derive(Debug, Clone)]
pub(crate) struct Part(CompletedPart);

impl Bucket {
    /// Writes an object, in place of one of that name.
    pub(crate) async fn put(&self, key: &str, content: Content, data: Bytes) -> Result<(), BucketError> {
        let request = self.client.put_object().bucket(&*self.name).key(key).content_type(content.media_type);
        let request = request.body(ByteStream::from(data)).customize();
        let answer = request.config_override(attempts_of(TRANSFER_TIMEOUT)).send().await;
        answer.map_err(|error| self.error("PutObject", &error))?;
        Ok(())
    }

    /// Begins an upload in parts. S3 keeps the parts, and bills them, until the upload is completed or aborted.
    pub(crate) async fn begin_multipart(&self, key: &str, content: Content) -> Result<Multipart, BucketError> {
        let request =
            self.client.create_multipart_upload().bucket(&*self.name).key(key).content_type(content.media_type);
        // Said here, S3 takes no part without this checksum of it, and no list of parts without all of theirs.
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let answer = request.send().await.map_err(|error| self.error("CreateMultipartUpload", &error))?;
        let Some(upload_id) = answer.upload_id else {
            return Err(self.failed("CreateMultipartUpload", "the answer has no id of an upload".to_owned()));
        };
        Ok(Multipart { bucket: self.clone(), key: key.to_owned(), upload_id })
    }
}

impl Multipart {
    /// Uploads one part: numbers from 1 to 10,000 give their order, and all but the last have at least 5 MiB.
    pub(crate) async fn put(&self, number: i32, data: Bytes) -> Result<Part, BucketError> {
        let Bucket { client, name } = &self.bucket;
        let request =
            client.upload_part().bucket(&**name).key(&self.key).upload_id(&self.upload_id).part_number(number);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from(data)).customize();
        // The part's checksum guards it, and TLS. A signature of the part itself would cost a second SHA-256 of all of it.
        let request = request.disable_payload_signing().config_override(attempts_of(TRANSFER_TIMEOUT));
        let answer = request.send().await.map_err(|error| self.bucket.error("UploadPart", &error))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag);
        Ok(Part(part.set_checksum_crc32(answer.checksum_crc32).build()))
    }

    /// Makes the object of its parts.
    pub(crate) async fn complete(&self, mut parts: Vec<Part>) -> Result<(), BucketError> {
        parts.sort_by_key(|Part(part)| part.part_number);
        let parts = parts.into_iter().map(|Part(part)| part).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let Bucket { client, name } = &self.bucket;
        let request = client.complete_multipart_upload().bucket(&**name).key(&self.key).upload_id(&self.upload_id);
        let request = request.multipart_upload(parts).customize();
        match request.config_override(attempts_of(COMPLETION_TIMEOUT)).send().await {
            Ok(_) => Ok(()),
            // An attempt whose answer was lost has done it, and left no upload for the next one.
            Err(error) if error.code() == Some("NoSuchUpload") && self.is_object().await => Ok(()),
            Err(error) => Err(self.bucket.error("CompleteMultipartUpload", &error)),
        }
    }

    async fn is_object(&self) -> bool {
        let Bucket { client, name } = &self.bucket;
        client.head_object().bucket(&**name).key(&self.key).send().await.is_ok()
    }

    /// Throws the parts away. No part may be under way: it would stay.
    pub(crate) async fn abort(&self) -> Result<(), BucketError> {
        let Bucket { client, name } = &self.bucket;
        let request = client.abort_multipart_upload().bucket(&**name).key(&self.key).upload_id(&self.upload_id);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(self.bucket.error("AbortMultipartUpload", &error)),
        }
    }
}

/// The client's configuration, but for the time that each attempt may take.
fn attempts_of(timeout: Duration) -> config::Builder {
    config::Config::builder().timeout_config(TimeoutConfig::builder().operation_attempt_timeout(timeout).build())
}
