//! Calls on objects: put, get, head, attributes, delete.

use std::sync::Arc;

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ObjectAttributes, PutObjectInput, PutObjectOutput, StorageClass,
};
use s3s::{S3Result, s3_error};

use super::attributes::{Attributes, headers_of};
use super::bucket::{Opened, Written};
use super::checksums::{Claim, claimed_checksums, set_checksum};
use super::conditions::{ReadCondition, WriteCondition, strong};
use super::content;
use super::failure::{blocking, failed};
use super::index::Stamp;
use super::receive::{Claims, Received};
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
    };
    let body = Received::read(input.body.take(), claims, store.scratch()).await?;
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
        let (content, metadata) = body.into_file(&scratch).map_err(failed("write the object"))?;
        let stamp = Stamp::of(&metadata).map_err(failed("write the object"))?;
        bucket.publish(&input.key, Written { content, stamp, attributes }, &condition, &scratch)?;
        Ok(output)
    })
    .await
}

/// Fills the fields that `GetObjectOutput` and `HeadObjectOutput` share.
macro_rules! describe {
    ($output:ident, $opened:expr, $checksum:expr) => {{
        let Opened { stamp, attributes, .. } = $opened;
        let headers = &attributes.headers;
        let mut output = $output {
            accept_ranges: Some("bytes".into()),
            cache_control: headers.cache_control.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_type: Some(headers.content_type().to_owned()),
            e_tag: Some(strong(&attributes.etag)),
            expires: headers.expires.clone(),
            last_modified: Some(stamp.modified.into()),
            metadata: Some(headers.metadata.clone().into_iter().collect()),
            website_redirect_location: headers.website_redirect_location.clone(),
            ..$output::default()
        };
        if $checksum {
            set_checksum!(output, &attributes.checksum);
            output.checksum_type = Some(attributes.checksum.kind());
        }
        output
    }};
}

pub(super) async fn get(store: &Arc<Store>, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || {
        let opened = bucket.open(&input.key)?;
        let size = opened.stamp.size;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        condition.check(&opened.attributes.etag, opened.stamp.modified)?;
        let wanted = wanted_range(input.range, input.part_number, &opened)?;
        let range = wanted.clone().unwrap_or(0..size);
        // The checksum is the whole object's, so it must not stand beside a part of it.
        let with_checksum = input.checksum_mode.is_some() && range == (0..size);
        let mut output = describe!(GetObjectOutput, &opened, with_checksum);
        let tags = opened.attributes.headers.tags.len();
        output.tag_count = i32::try_from(tags).ok().filter(|&tags| tags > 0);
        output.content_length = i64::try_from(range.end - range.start).ok();
        output.content_range = wanted.map(|range| content_range(&range, size));
        output.body = Some(content::read(opened.file, range)?);
        Ok(output)
    })
    .await
}

pub(super) async fn head(store: &Arc<Store>, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || {
        let opened = bucket.open(&input.key)?;
        let size = opened.stamp.size;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        condition.check(&opened.attributes.etag, opened.stamp.modified)?;
        let wanted = wanted_range(input.range, input.part_number, &opened)?;
        let range = wanted.clone().unwrap_or(0..size);
        let with_checksum = input.checksum_mode.is_some() && range == (0..size);
        let mut output = describe!(HeadObjectOutput, &opened, with_checksum);
        output.content_length = i64::try_from(range.end - range.start).ok();
        output.content_range = wanted.map(|range| content_range(&range, size));
        Ok(output)
    })
    .await
}

/// The part of the object that is asked for, `None` for all of it.
fn wanted_range(
    range: Option<s3s::dto::Range>,
    part: Option<i32>,
    opened: &Opened,
) -> S3Result<Option<std::ops::Range<u64>>> {
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(range), None) => Ok(Some(range.check(opened.stamp.size)?)),
        (None, None) => Ok(None),
        (None, Some(1)) if !opened.attributes.etag.contains('-') => Ok(None),
        (None, Some(_)) if opened.attributes.etag.contains('-') => {
            Err(s3_error!(NotImplemented, "where the parts of a completed upload began is not kept"))
        }
        (None, Some(_)) => Err(s3_error!(InvalidRange, "The requested partnumber is not satisfiable")),
    }
}

/// As in RFC 9110, section 14.4.
fn content_range(range: &std::ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

pub(super) async fn attributes(
    store: &Arc<Store>,
    input: GetObjectAttributesInput,
) -> S3Result<GetObjectAttributesOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    let opened = blocking(move || bucket.open(&input.key)).await?;
    let wanted = |name| input.object_attributes.iter().any(|attribute| attribute.as_str() == name);
    let mut checksum = s3s::dto::Checksum::default();
    set_checksum!(checksum, &opened.attributes.checksum);
    checksum.checksum_type = Some(opened.attributes.checksum.kind());
    Ok(GetObjectAttributesOutput {
        checksum: wanted(ObjectAttributes::CHECKSUM).then_some(checksum),
        e_tag: wanted(ObjectAttributes::ETAG).then(|| strong(&opened.attributes.etag)),
        last_modified: Some(opened.stamp.modified.into()),
        object_size: i64::try_from(opened.stamp.size).ok().filter(|_| wanted(ObjectAttributes::OBJECT_SIZE)),
        storage_class: wanted(ObjectAttributes::STORAGE_CLASS)
            .then(|| StorageClass::from_static(StorageClass::STANDARD)),
        ..GetObjectAttributesOutput::default()
    })
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
