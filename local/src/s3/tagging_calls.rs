//! Calls on the tags of an object. `aws s3 cp` asks for them when it copies a large one.

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Result, s3_error};

use super::failure::blocking;
use super::store::Store;
use super::write_calls::refuse_version;

/// S3's limits: tags of an object, characters of a tag's key and of its value.
const MAX_TAGS: usize = 10;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

pub(super) async fn get(store: &Arc<Store>, input: GetObjectTaggingInput) -> S3Result<GetObjectTaggingOutput> {
    refuse_version(input.version_id.as_deref())?;
    let bucket = store.bucket(&input.bucket)?;
    let opened = blocking(move || bucket.open(&input.key)).await?;
    let tags = opened.attributes.headers.tags.iter();
    let tag_set = tags.map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect();
    Ok(GetObjectTaggingOutput { tag_set, version_id: None })
}

pub(super) async fn put(store: &Arc<Store>, input: PutObjectTaggingInput) -> S3Result<PutObjectTaggingOutput> {
    refuse_version(input.version_id.as_deref())?;
    let pairs =
        input.tagging.tag_set.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    let tags = checked(pairs)?;
    replace(store, &input.bucket, input.key, tags).await?;
    Ok(PutObjectTaggingOutput::default())
}

pub(super) async fn delete(store: &Arc<Store>, input: DeleteObjectTaggingInput) -> S3Result<DeleteObjectTaggingOutput> {
    refuse_version(input.version_id.as_deref())?;
    replace(store, &input.bucket, input.key, BTreeMap::new()).await?;
    Ok(DeleteObjectTaggingOutput::default())
}

async fn replace(store: &Arc<Store>, bucket: &str, key: String, tags: BTreeMap<String, String>) -> S3Result<()> {
    let bucket = store.bucket(bucket)?;
    let scratch = Arc::clone(store.scratch());
    blocking(move || bucket.edit(&key, &scratch, |attributes| attributes.headers.tags = tags)).await
}

/// The tags in the header `x-amz-tagging`, written like a query string.
///
/// # Errors
/// `InvalidTag`.
pub(super) fn from_header(header: Option<&str>) -> S3Result<BTreeMap<String, String>> {
    let pairs = header.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut decoded = Vec::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        decoded.push((decode(key)?, decode(value)?));
    }
    checked(decoded)
}

fn decode(text: &str) -> S3Result<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text)
        .decode_utf8()
        .map_err(|_| s3_error!(InvalidTag, "The tag set is not a valid query string"))?;
    Ok(decoded.into_owned())
}

fn checked(pairs: impl IntoIterator<Item = (String, String)>) -> S3Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY || value.chars().count() > MAX_TAG_VALUE {
            return Err(s3_error!(
                InvalidTag,
                "a tag has a key of 1 to {MAX_TAG_KEY} and a value of up to {MAX_TAG_VALUE} characters"
            ));
        }
        if tags.insert(key, value).is_some() {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(s3_error!(InvalidTag, "Object tags cannot be greater than {MAX_TAGS}"));
    }
    Ok(tags)
}
