//! Calls on the lifecycle rules of a bucket.

use std::num::NonZeroU32;
use std::sync::Arc;

use s3s::dto::{
    DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput, ExpirationStatus, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    PutBucketLifecycleConfigurationInput, PutBucketLifecycleConfigurationOutput,
};
use s3s::{S3Error, S3Result, s3_error};
use uuid::Uuid;

use super::failure::blocking;
use super::lifecycle::{AbortIncompleteMultipartUpload, Configuration, Expiration, Filter, Rule, Status};
use super::store::Store;

pub(super) async fn put(
    store: &Arc<Store>,
    input: PutBucketLifecycleConfigurationInput,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    let bucket = store.bucket(&input.bucket)?;
    let asked = input.lifecycle_configuration.ok_or_else(|| s3_error!(MalformedXML, "there are no rules"))?;
    let rules = asked.rules.into_iter().map(rule).collect::<S3Result<_>>()?;
    let configuration = Configuration { rules };
    configuration.check()?;
    let scratch = Arc::clone(store.scratch());
    blocking(move || bucket.set_lifecycle(configuration, false, &scratch)).await?;
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

pub(super) fn get(
    store: &Store,
    input: &GetBucketLifecycleConfigurationInput,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let configuration = store.bucket(&input.bucket)?.lifecycle()?;
    let configuration = configuration
        .ok_or_else(|| s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist"))?;
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(configuration.rules.iter().map(listed).collect()),
        ..GetBucketLifecycleConfigurationOutput::default()
    })
}

pub(super) async fn delete(
    store: &Arc<Store>,
    input: DeleteBucketLifecycleInput,
) -> S3Result<DeleteBucketLifecycleOutput> {
    let bucket = store.bucket(&input.bucket)?;
    blocking(move || bucket.delete_lifecycle()).await?;
    Ok(DeleteBucketLifecycleOutput::default())
}

/// A rule as it was asked for, if all that it asks for is done here.
fn rule(asked: LifecycleRule) -> S3Result<Rule> {
    let unsupported = [
        ("Transition", asked.transitions.is_some()),
        ("NoncurrentVersionTransition", asked.noncurrent_version_transitions.is_some()),
        ("NoncurrentVersionExpiration", asked.noncurrent_version_expiration.is_some()),
    ];
    refuse(unsupported)?;
    Ok(Rule {
        // Like S3, which makes up an id for a rule that has none.
        id: asked.id.filter(|id| !id.is_empty()).unwrap_or_else(|| Uuid::new_v4().to_string()),
        filter: asked.filter.map(filter).transpose()?,
        prefix: asked.prefix,
        status: match asked.status.as_str() {
            ExpirationStatus::ENABLED => Status::Enabled,
            ExpirationStatus::DISABLED => Status::Disabled,
            other => return Err(s3_error!(MalformedXML, "a rule is Enabled or Disabled, not {other:?}")),
        },
        expiration: asked.expiration.as_ref().map(expiration).transpose()?,
        abort_incomplete_multipart_upload: asked
            .abort_incomplete_multipart_upload
            .as_ref()
            .map(abortion)
            .transpose()?,
    })
}

fn filter(asked: LifecycleRuleFilter) -> S3Result<Filter> {
    let unsupported = [
        ("Filter.And", asked.and.is_some()),
        ("Filter.Tag", asked.tag.is_some()),
        ("Filter.ObjectSizeGreaterThan", asked.object_size_greater_than.is_some()),
        ("Filter.ObjectSizeLessThan", asked.object_size_less_than.is_some()),
    ];
    refuse(unsupported)?;
    Ok(Filter { prefix: asked.prefix })
}

fn expiration(asked: &LifecycleExpiration) -> S3Result<Expiration> {
    let unsupported = [
        ("Expiration.Date", asked.date.is_some()),
        ("Expiration.ExpiredObjectDeleteMarker", asked.expired_object_delete_marker.is_some()),
    ];
    refuse(unsupported)?;
    Ok(Expiration { days: days(asked.days, "Days", "Expiration")? })
}

fn abortion(asked: &s3s::dto::AbortIncompleteMultipartUpload) -> S3Result<AbortIncompleteMultipartUpload> {
    let days = days(asked.days_after_initiation, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")?;
    Ok(AbortIncompleteMultipartUpload { days_after_initiation: days })
}

fn days(asked: Option<i32>, name: &str, action: &str) -> S3Result<NonZeroU32> {
    let asked = asked.ok_or_else(|| s3_error!(MalformedXML, "{action} needs {name}"))?;
    let days = u32::try_from(asked).ok().and_then(NonZeroU32::new);
    days.ok_or_else(|| s3_error!(InvalidArgument, "'{name}' for {action} action must be a positive integer"))
}

/// Refuses the first of these elements that is there.
fn refuse<const N: usize>(elements: [(&str, bool); N]) -> S3Result<()> {
    let found = elements.into_iter().find(|(_, is_there)| *is_there);
    found.map_or(Ok(()), |(name, _)| Err(unsupported(name)))
}

fn unsupported(element: &str) -> S3Error {
    s3_error!(
        InvalidArgument,
        "{element} is not supported here: a rule has Expiration.Days, AbortIncompleteMultipartUpload or both, for a prefix"
    )
}

fn listed(rule: &Rule) -> LifecycleRule {
    let status = match rule.status {
        Status::Enabled => ExpirationStatus::ENABLED,
        Status::Disabled => ExpirationStatus::DISABLED,
    };
    let in_days = |days: NonZeroU32| i32::try_from(days.get()).ok();
    LifecycleRule {
        id: Some(rule.id.clone()),
        filter: rule
            .filter
            .as_ref()
            .map(|filter| LifecycleRuleFilter { prefix: filter.prefix.clone(), ..LifecycleRuleFilter::default() }),
        prefix: rule.prefix.clone(),
        status: ExpirationStatus::from_static(status),
        expiration: rule
            .expiration
            .map(|expiration| LifecycleExpiration { days: in_days(expiration.days), ..LifecycleExpiration::default() }),
        abort_incomplete_multipart_upload: rule.abort_incomplete_multipart_upload.map(|abort| {
            s3s::dto::AbortIncompleteMultipartUpload { days_after_initiation: in_days(abort.days_after_initiation) }
        }),
        noncurrent_version_expiration: None,
        noncurrent_version_transitions: None,
        transitions: None,
    }
}
