//! Calls that read objects.

use std::ops::Range;
use std::sync::Arc;

use s3s::dto::{
    GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ObjectAttributes, StorageClass,
};
use s3s::{S3Result, s3_error};

use super::bucket::Opened;
use super::checksums::set_checksum;
use super::conditions::{ReadCondition, strong};
use super::content;
use super::failure::blocking;
use super::store::Store;
use super::write_calls::refuse_version;

/// An object and what of it is wanted.
struct Selected {
    opened: Opened,
    /// The part that was asked for, `None` for all of it.
    part: Option<Range<u64>>,
    with_checksum: bool,
    expiration: Option<String>,
}

/// Opens the object that a `GetObjectInput` or a `HeadObjectInput` wants.
macro_rules! select {
    ($bucket:expr, $input:expr) => {{
        let opened = $bucket.open(&$input.key)?;
        let condition = ReadCondition {
            if_match: $input.if_match,
            if_none_match: $input.if_none_match,
            if_modified_since: $input.if_modified_since,
            if_unmodified_since: $input.if_unmodified_since,
        };
        condition.check(&opened.attributes.etag, opened.stamp.modified)?;
        let part = wanted_part($input.range, $input.part_number, &opened)?;
        let expiration = $bucket.expiration(&$input.key, opened.stamp.modified);
        Selected { opened, part, with_checksum: $input.checksum_mode.is_some(), expiration }
    }};
}

/// Fills the fields that `GetObjectOutput` and `HeadObjectOutput` share.
macro_rules! describe {
    ($output:ident, $selected:expr) => {{
        let selected: &Selected = $selected;
        let Selected { opened: Opened { stamp, attributes, .. }, part, with_checksum, expiration } = selected;
        let headers = &attributes.headers;
        let range = selected.range();
        let mut output = $output {
            accept_ranges: Some("bytes".into()),
            cache_control: headers.cache_control.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_length: i64::try_from(range.end - range.start).ok(),
            content_range: part.as_ref().map(|part| content_range(part, stamp.size)),
            content_type: Some(headers.content_type().to_owned()),
            e_tag: Some(strong(&attributes.etag)),
            expiration: expiration.clone(),
            expires: headers.expires.clone(),
            last_modified: Some(stamp.modified.into()),
            metadata: Some(headers.metadata.clone().into_iter().collect()),
            website_redirect_location: headers.website_redirect_location.clone(),
            ..$output::default()
        };
        // It is the whole object's, so it must not stand beside a part of it.
        if *with_checksum && range == (0..stamp.size) {
            set_checksum!(output, &attributes.checksum);
            output.checksum_type = Some(attributes.checksum.kind());
        }
        output
    }};
}

impl Selected {
    fn range(&self) -> Range<u64> {
        self.part.clone().unwrap_or(0..self.opened.stamp.size)
    }
}

pub(super) async fn get(store: &Arc<Store>, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || {
        let selected = select!(bucket, input);
        let mut output = describe!(GetObjectOutput, &selected);
        let tags = selected.opened.attributes.headers.tags.len();
        output.tag_count = i32::try_from(tags).ok().filter(|&tags| tags > 0);
        let range = selected.range();
        output.body = Some(content::read(selected.opened.file, range)?);
        Ok(output)
    })
    .await
}

pub(super) async fn head(store: &Arc<Store>, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || Ok(describe!(HeadObjectOutput, &select!(bucket, input)))).await
}

fn wanted_part(range: Option<s3s::dto::Range>, part: Option<i32>, opened: &Opened) -> S3Result<Option<Range<u64>>> {
    let is_multipart = opened.attributes.etag.contains('-');
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(range), None) => Ok(Some(range.check(opened.stamp.size)?)),
        (None, None) => Ok(None),
        (None, Some(_)) if is_multipart => {
            Err(s3_error!(NotImplemented, "where the parts of a completed upload began is not kept"))
        }
        (None, Some(1)) => Ok(None),
        (None, Some(_)) => Err(s3_error!(InvalidRange, "The requested partnumber is not satisfiable")),
    }
}

/// As in RFC 9110, section 14.4.
fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

pub(super) async fn attributes(
    store: &Arc<Store>,
    input: GetObjectAttributesInput,
) -> S3Result<GetObjectAttributesOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    let opened = blocking(move || bucket.open(&input.key)).await?;
    // The names come in one header, or in several.
    let names = input.object_attributes.iter().flat_map(|names| names.as_str().split(',')).map(str::trim);
    let wanted = |name| names.clone().any(|wanted| wanted == name);
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
