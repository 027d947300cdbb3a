//! Calls that store and remove objects.

use std::sync::Arc;

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    PutObjectInput, PutObjectOutput,
};
use s3s::{S3Result, s3_error};

use super::attributes::{Attributes, headers_of};
use super::bucket::Written;
use super::checksums::{Claim, claimed_checksums, set_checksum};
use super::conditions::{WriteCondition, strong};
use super::failure::{blocking, failed};
use super::index::Stamp;
use super::receive::{Claims, Received, Scratch};
use super::store::Store;
use super::unsigned::Trailers;

pub(super) async fn put(
    store: &Arc<Store>,
    mut input: PutObjectInput,
    trailers: Option<&Trailers>,
) -> S3Result<PutObjectOutput> {
    let bucket = store.bucket(&input.bucket)?;
    let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.take())?;
    let headers = headers_of!(input);
    let claims = Claims {
        length: input.content_length,
        md5: input.content_md5.as_deref(),
        checksum: Claim::new(claimed_checksums!(input), input.checksum_algorithm.as_ref())?,
        trailers,
        also: None,
    };
    let body = Received::read(input.body.take(), claims, Scratch::new(store.scratch())).await?;
    let scratch = Arc::clone(store.scratch());
    blocking(move || {
        // The one that counts comes when the object is published; this one saves most losers the writing.
        bucket.check(&input.key, &condition)?;
        let attributes = Attributes { etag: body.digests.etag(), checksum: body.digests.checksum.clone(), headers };
        let mut output = PutObjectOutput {
            e_tag: Some(strong(&attributes.etag)),
            checksum_type: Some(attributes.checksum.kind()),
            ..PutObjectOutput::default()
        };
        set_checksum!(output, &attributes.checksum);
        let (content, metadata) = body.into_file().map_err(failed("write the object"))?;
        let stamp = Stamp::of(&metadata).map_err(failed("write the object"))?;
        output.expiration = bucket.expiration(&input.key, stamp.modified);
        bucket.publish(&input.key, Written { content, stamp, attributes }, &condition, &scratch)?;
        Ok(output)
    })
    .await
}

pub(super) async fn delete(store: &Arc<Store>, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    let condition = WriteCondition::new(input.if_match, None)?;
    blocking(move || bucket.remove(&input.key, &condition)).await?;
    Ok(DeleteObjectOutput::default())
}

/// S3's limit for one call.
const MAX_DELETED: usize = 1000;

pub(super) async fn delete_many(store: &Arc<Store>, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
    let bucket = store.bucket(&input.bucket)?;
    let quiet = input.delete.quiet.unwrap_or(false);
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_DELETED {
        return Err(s3_error!(
            MalformedXML,
            "1 to {MAX_DELETED} keys can be deleted in one call, not {}",
            objects.len()
        ));
    }
    blocking(move || {
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in objects {
            let condition = WriteCondition::new(object.e_tag.map(s3s::dto::ETagCondition::ETag), None)?;
            let removed =
                refuse_version(object.version_id.as_deref()).and_then(|()| bucket.remove(&object.key, &condition));
            match removed {
                Ok(_) => deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    key: Some(object.key),
                    version_id: object.version_id,
                }),
            }
        }
        Ok(DeleteObjectsOutput {
            deleted: Some(deleted).filter(|_| !quiet),
            errors: Some(errors),
            ..Default::default()
        })
    })
    .await
}

/// Without versions an object has one, called `null`.
pub(super) fn refuse_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(NoSuchVersion, "objects here have no versions")),
    }
}
