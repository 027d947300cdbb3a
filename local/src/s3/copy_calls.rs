//! Calls that copy inside the store: a whole object, or a range of one into a part.

use std::ops::Range;
use std::sync::Arc;

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, MetadataDirective,
    TaggingDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Result, s3_error};

use super::attributes::{Attributes, headers_of};
use super::bucket::{Bucket, Opened, Written};
use super::checksums::{Algorithm, set_checksum};
use super::conditions::{ReadCondition, WriteCondition, strong};
use super::content;
use super::failure::{blocking, failed};
use super::index::Stamp;
use super::multipart::Upload;
use super::parts::Part;
use super::store::Store;
use super::write_calls::refuse_version;

/// The most that one copy may take, in bytes (S3's limit); more is copied in parts.
const MAX_COPIED: u64 = 5 << 30;

/// The condition on the source of a copy.
macro_rules! source_condition {
    ($input:expr) => {
        ReadCondition {
            if_match: $input.copy_source_if_match.clone(),
            if_none_match: $input.copy_source_if_none_match.clone(),
            if_modified_since: $input.copy_source_if_modified_since.clone(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.clone(),
        }
    };
}

pub(super) async fn object(store: &Arc<Store>, mut input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
    let (source_bucket, source_key) = source(store, &input.copy_source)?;
    let target = store.bucket(&input.bucket)?;
    let condition = source_condition!(input);
    let replaces = |directive: Option<&str>| directive == Some(MetadataDirective::REPLACE);
    let replace_headers = replaces(input.metadata_directive.as_ref().map(MetadataDirective::as_str));
    let replace_tags = replaces(input.tagging_directive.as_ref().map(TaggingDirective::as_str));
    let asked = headers_of!(input);
    let algorithm = input.checksum_algorithm.as_ref().map(|name| Algorithm::parse(name.as_str())).transpose()?;
    if Arc::ptr_eq(&source_bucket, &target) && source_key == input.key && !replace_headers {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing its metadata"
        ));
    }
    let scratch = Arc::clone(store.scratch());
    blocking(move || {
        let mut opened = open(&source_bucket, &source_key, &condition)?;
        let size = opened.stamp.size;
        if size > MAX_COPIED {
            return Err(s3_error!(
                InvalidRequest,
                "The specified copy source is larger than the maximum allowable size"
            ));
        }
        let algorithm = algorithm.unwrap_or(opened.attributes.checksum.algorithm);
        let copied = content::copy(&mut opened.file, 0..size, algorithm, &scratch);
        let (content, metadata, digests) = copied.map_err(failed("copy the object"))?;
        let kept = &opened.attributes.headers;
        let tags = if replace_tags { asked.tags.clone() } else { kept.tags.clone() };
        let mut headers = if replace_headers { asked } else { kept.clone() };
        headers.tags = tags;
        let attributes = Attributes { etag: digests.etag(), checksum: digests.checksum, headers };
        let stamp = Stamp::of(&metadata).map_err(failed("copy the object"))?;
        let mut result = CopyObjectResult {
            e_tag: Some(strong(&attributes.etag)),
            last_modified: Some(stamp.modified.into()),
            checksum_type: Some(attributes.checksum.kind()),
            ..CopyObjectResult::default()
        };
        set_checksum!(result, &attributes.checksum);
        target.publish(&input.key, Written { content, stamp, attributes }, &WriteCondition::default(), &scratch)?;
        Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
    })
    .await
}

pub(super) async fn part(store: &Arc<Store>, input: UploadPartCopyInput) -> S3Result<UploadPartCopyOutput> {
    let (source_bucket, source_key) = source(store, &input.copy_source)?;
    store.bucket(&input.bucket)?;
    let condition = source_condition!(input);
    let range = input.copy_source_range.as_deref().map(s3s::dto::Range::parse).transpose();
    let range = range.map_err(|_| {
        s3_error!(InvalidArgument, "The x-amz-copy-source-range value must be of the form bytes=first-last")
    })?;
    let uploads = store.uploads(&input.bucket);
    let scratch = Arc::clone(store.scratch());
    blocking(move || {
        let upload = Upload::open(&uploads, &input.upload_id, &input.key)?;
        let mut opened = open(&source_bucket, &source_key, &condition)?;
        let range: Range<u64> = match range {
            Some(range) => range.check(opened.stamp.size)?,
            None => 0..opened.stamp.size,
        };
        if range.end - range.start > MAX_COPIED {
            return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed object size"));
        }
        let copied = content::copy(&mut opened.file, range, upload.part_algorithm(), &scratch);
        let (content, _, digests) = copied.map_err(failed("copy the part"))?;
        let part: Part = upload.add(input.part_number, content, &digests)?;
        let mut result = CopyPartResult {
            e_tag: Some(strong(&digests.etag())),
            last_modified: Some(part.modified.into()),
            ..CopyPartResult::default()
        };
        set_checksum!(result, &digests.checksum);
        Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() })
    })
    .await
}

fn source(store: &Store, source: &CopySource) -> S3Result<(Arc<Bucket>, String)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => {
            refuse_version(version_id.as_deref())?;
            Ok((store.bucket(bucket)?, key.to_string()))
        }
        _ => Err(s3_error!(NotImplemented, "a copy's source is <bucket>/<key> here")),
    }
}

fn open(bucket: &Bucket, key: &str, condition: &ReadCondition) -> S3Result<Opened> {
    let opened = bucket.open(key)?;
    condition.check_source(&opened.attributes.etag, opened.stamp.modified)?;
    Ok(opened)
}
