//! Uploads in parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::{Bucket, BucketError, Content};

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
    /// Begins an upload in parts. S3 keeps the parts, and bills them, until the upload is completed or aborted.
    pub(crate) async fn begin_multipart(&self, key: &str, content: Content) -> Result<Multipart, BucketError> {
        let request =
            self.client.create_multipart_upload().bucket(&*self.name).key(key).content_type(content.media_type);
        let answer = request.send().await.map_err(|error| self.error("CreateMultipartUpload", &error))?;
        let upload_id = answer.upload_id.unwrap_or_default();
        Ok(Multipart { bucket: self.clone(), key: key.to_owned(), upload_id })
    }
}

impl Multipart {
    /// Uploads one part: numbers from 1 to 10,000 give their order, and all but the last have at least 5 MiB.
    pub(crate) async fn put(&self, number: i32, data: Bytes) -> Result<Part, BucketError> {
        let Bucket { client, name } = &self.bucket;
        let request =
            client.upload_part().bucket(&**name).key(&self.key).upload_id(&self.upload_id).part_number(number);
        let answer = request.body(ByteStream::from(data)).send().await;
        let answer = answer.map_err(|error| self.bucket.error("UploadPart", &error))?;
        // S3 demands the checksum of a part again, which the SDK has computed.
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
        let answer = request.multipart_upload(parts).send().await;
        answer.map_err(|error| self.bucket.error("CompleteMultipartUpload", &error))?;
        Ok(())
    }

    /// Throws the parts away.
    pub(crate) async fn abort(&self) -> Result<(), BucketError> {
        let Bucket { client, name } = &self.bucket;
        let request = client.abort_multipart_upload().bucket(&**name).key(&self.key).upload_id(&self.upload_id);
        let answer = request.send().await;
        answer.map_err(|error| self.bucket.error("AbortMultipartUpload", &error))?;
        Ok(())
    }
}
