//! Calls that list a bucket's objects, in both versions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass, Owner,
};
use s3s::{S3Result, s3_error};

use super::conditions::strong;
use super::failure::blocking;
use super::index::{Entry, Item, Page, Query};
use super::store::Store;

/// The most rows a page has, and what it has when the caller does not say.
const MAX_KEYS: i32 = 1000;

/// What S3 leaves as it is in a key when asked to encode it.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

pub(super) async fn list_v2(store: &Arc<Store>, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let token = input.continuation_token.as_deref().map(decode_token).transpose()?;
    let listing = Listing {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        after: token.or_else(|| input.start_after.clone()),
        limit: limit(input.max_keys)?,
        encode: is_url(input.encoding_type.as_ref()),
        owner: input.fetch_owner.unwrap_or(false),
    };
    let (listing, page) = listing.page(store, &input.bucket).await?;
    let next = page.items.last().filter(|_| page.truncated).map(|item| encode_token(item.name()));
    let (contents, common_prefixes) = listing.rows(page.items);
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
        max_keys: i32::try_from(listing.limit).ok(),
        is_truncated: Some(page.truncated),
        next_continuation_token: next,
        continuation_token: input.continuation_token,
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        start_after: input.start_after.map(|key| listing.text(&key)),
        delimiter: listing.delimiter.as_deref().map(|delimiter| listing.text(delimiter)),
        prefix: Some(listing.text(&listing.prefix)),
        encoding_type: input.encoding_type,
        name: Some(input.bucket),
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn list_v1(store: &Arc<Store>, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let listing = Listing {
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|delimiter| !delimiter.is_empty()),
        after: input.marker.clone(),
        limit: limit(input.max_keys)?,
        encode: is_url(input.encoding_type.as_ref()),
        owner: true,
    };
    let (listing, page) = listing.page(store, &input.bucket).await?;
    // S3 gives it with a delimiter only: without one it is the last key.
    let next = page.items.last().filter(|_| page.truncated && listing.delimiter.is_some());
    let next = next.map(|item| listing.text(item.name()));
    let (contents, common_prefixes) = listing.rows(page.items);
    Ok(ListObjectsOutput {
        max_keys: i32::try_from(listing.limit).ok(),
        is_truncated: Some(page.truncated),
        next_marker: next,
        marker: Some(listing.text(input.marker.as_deref().unwrap_or_default())),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: listing.delimiter.as_deref().map(|delimiter| listing.text(delimiter)),
        prefix: Some(listing.text(&listing.prefix)),
        encoding_type: input.encoding_type,
        name: Some(input.bucket),
        ..ListObjectsOutput::default()
    })
}

/// What both versions of the call ask for.
struct Listing {
    prefix: String,
    delimiter: Option<String>,
    after: Option<String>,
    limit: usize,
    encode: bool,
    owner: bool,
}

impl Listing {
    async fn page(self, store: &Arc<Store>, bucket: &str) -> S3Result<(Self, Page)> {
        let bucket = store.bucket(bucket)?;
        blocking(move || {
            let page = bucket.page(Query {
                prefix: &self.prefix,
                delimiter: self.delimiter.as_deref(),
                after: self.after.as_deref(),
                limit: self.limit,
            })?;
            Ok((self, page))
        })
        .await
    }

    fn rows(&self, items: Vec<Item>) -> (Vec<Object>, Vec<CommonPrefix>) {
        let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Object(key, entry) => objects.push(self.object(&key, &entry)),
                Item::CommonPrefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(self.text(&prefix)) }),
            }
        }
        (objects, prefixes)
    }

    fn object(&self, key: &str, entry: &Entry) -> Object {
        let attributes = entry.attributes.as_deref();
        Object {
            key: Some(self.text(key)),
            size: i64::try_from(entry.stamp.size).ok(),
            last_modified: Some(entry.stamp.modified.into()),
            e_tag: attributes.map(|attributes| strong(&attributes.etag)),
            checksum_algorithm: attributes
                .map(|attributes| vec![ChecksumAlgorithm::from_static(attributes.checksum.algorithm.name())]),
            checksum_type: attributes.map(|attributes| attributes.checksum.kind()),
            owner: self.owner.then(|| Owner { display_name: Some("local".into()), id: Some("local".into()) }),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Object::default()
        }
    }

    /// A key, or a piece of one, as the response writes it: XML cannot hold every character.
    fn text(&self, key: &str) -> String {
        if self.encode { utf8_percent_encode(key, ENCODED).to_string() } else { key.to_owned() }
    }
}

fn is_url(encoding: Option<&EncodingType>) -> bool {
    encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL)
}

fn limit(max_keys: Option<i32>) -> S3Result<usize> {
    let max_keys = max_keys.unwrap_or(MAX_KEYS);
    usize::try_from(max_keys.min(MAX_KEYS))
        .map_err(|_| s3_error!(InvalidArgument, "max-keys is {max_keys}, and must be 0 or more"))
}

/// A token is opaque to callers; it holds the last key or common prefix they were given.
fn encode_token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

fn decode_token(token: &str) -> S3Result<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
