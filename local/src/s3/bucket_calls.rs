//! Calls on buckets.

use std::sync::Arc;

use s3s::dto::{
    Bucket, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner,
};
use s3s::{S3Result, s3_error};

use super::failure::{blocking, failed};
use super::store::{CreateBucketError, Store};

pub(super) async fn create(store: &Arc<Store>, input: CreateBucketInput) -> S3Result<CreateBucketOutput> {
    let store = Arc::clone(store);
    blocking(move || match store.create_bucket(&input.bucket) {
        Ok(true) => Ok(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }),
        Ok(false) => Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        )),
        Err(error @ CreateBucketError::Name { .. }) => Err(s3_error!(InvalidBucketName, "{error}")),
        Err(CreateBucketError::Io(error)) => Err(failed("make the bucket's folder")(error)),
    })
    .await
}

pub(super) fn head(store: &Store, input: &HeadBucketInput) -> S3Result<HeadBucketOutput> {
    store.bucket(&input.bucket)?;
    Ok(HeadBucketOutput::default())
}

/// No location constraint, which is how S3 says `us-east-1`.
pub(super) fn location(store: &Store, input: &GetBucketLocationInput) -> S3Result<GetBucketLocationOutput> {
    store.bucket(&input.bucket)?;
    Ok(GetBucketLocationOutput::default())
}

pub(super) async fn delete(store: &Arc<Store>, input: DeleteBucketInput) -> S3Result<DeleteBucketOutput> {
    let store = Arc::clone(store);
    blocking(move || store.delete_bucket(&input.bucket)).await?;
    Ok(DeleteBucketOutput::default())
}

/// All buckets with the prefix; a page ends after `max_buckets`, and its token is the last name.
pub(super) fn list(store: &Store, input: ListBucketsInput) -> ListBucketsOutput {
    let limit = input.max_buckets.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let after = input.continuation_token.as_deref().unwrap_or_default();
    let mut found = store.buckets();
    found.retain(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
    let more = found.len() > limit;
    found.truncate(limit);
    ListBucketsOutput {
        continuation_token: found.last().filter(|_| more).map(|(name, _)| name.clone()),
        buckets: Some(
            found
                .into_iter()
                .map(|(name, bucket)| Bucket {
                    name: Some(name),
                    creation_date: Some(bucket.created.into()),
                    ..Bucket::default()
                })
                .collect(),
        ),
        owner: Some(Owner { display_name: Some("local".into()), id: Some("local".into()) }),
        prefix: input.prefix,
    }
}
