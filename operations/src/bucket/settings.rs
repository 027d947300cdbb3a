//! How the bucket was made, as far as the process may see it.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{self, BucketVersioningStatus, ExpirationStatus};

use super::{Bucket, BucketError};

/// A setting of the bucket, as S3 tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// It is set to this.
    Is(T),
    /// Nobody has set it.
    Unset,
    /// The process may not see it. It does not need to, for its work.
    Hidden,
    /// The endpoint knows no such setting; S3 itself does.
    Unknown,
}

/// A rule of the bucket's lifecycle that goes by the names of objects alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name.
    pub id: String,
    /// What the names of its objects start with; empty: all objects.
    pub prefix: String,
    /// After how many days its objects are deleted.
    pub expires_after_days: Option<u32>,
    /// After how many days uploads in parts are given up that were not completed.
    pub aborts_uploads_after_days: Option<u32>,
}

impl Bucket {
    /// The enabled rules that go by names alone. Those that go by tags or sizes as well are left out.
    pub(crate) async fn lifecycle(&self) -> Result<Setting<Vec<LifecycleRule>>, BucketError> {
        let answer = self.client.get_bucket_lifecycle_configuration().bucket(&*self.name).send().await;
        let rules = answer.map(|answer| answer.rules.unwrap_or_default().iter().filter_map(rule).collect());
        self.setting("GetBucketLifecycleConfiguration", rules)
    }

    /// Whether all four ways to make the bucket or an object public are shut.
    pub(crate) async fn blocks_public_access(&self) -> Result<Setting<bool>, BucketError> {
        let answer = self.client.get_public_access_block().bucket(&*self.name).send().await;
        let blocks = answer.map(|answer| {
            let is_on = |on: Option<bool>| on == Some(true);
            answer.public_access_block_configuration.is_some_and(|block| {
                is_on(block.block_public_acls)
                    && is_on(block.ignore_public_acls)
                    && is_on(block.block_public_policy)
                    && is_on(block.restrict_public_buckets)
            })
        });
        self.setting("GetPublicAccessBlock", blocks)
    }

    /// The algorithm that new objects are encrypted with, such as `AES256` or `aws:kms`.
    pub(crate) async fn encryption(&self) -> Result<Setting<String>, BucketError> {
        let answer = self.client.get_bucket_encryption().bucket(&*self.name).send().await;
        let algorithm = answer.map(|answer| {
            let rules = answer.server_side_encryption_configuration.map(|all| all.rules).unwrap_or_default();
            let defaults = rules.into_iter().filter_map(|rule| rule.apply_server_side_encryption_by_default);
            defaults.map(|default| default.sse_algorithm.as_str().to_owned()).next().unwrap_or_default()
        });
        self.setting("GetBucketEncryption", algorithm)
    }

    /// Whether S3 keeps what was deleted or replaced.
    pub(crate) async fn keeps_versions(&self) -> Result<Setting<bool>, BucketError> {
        let answer = self.client.get_bucket_versioning().bucket(&*self.name).send().await;
        let keeps = answer.map(|answer| answer.status == Some(BucketVersioningStatus::Enabled));
        self.setting("GetBucketVersioning", keeps)
    }

    fn setting<T, E>(&self, operation: &'static str, answer: Result<T, SdkError<E>>) -> Result<Setting<T>, BucketError>
    where
        E: std::error::Error + 'static,
        SdkError<E>: ProvideErrorMetadata,
    {
        const UNSET: [&str; 3] = [
            "NoSuchLifecycleConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError",
        ];
        let error = match answer {
            Ok(value) => return Ok(Setting::Is(value)),
            Err(error) => error,
        };
        match error.code() {
            Some("AccessDenied") => Ok(Setting::Hidden),
            Some("NotImplemented") => Ok(Setting::Unknown),
            Some(code) if UNSET.contains(&code) => Ok(Setting::Unset),
            _ => Err(self.error(operation, &error)),
        }
    }
}

fn rule(rule: &types::LifecycleRule) -> Option<LifecycleRule> {
    let days = |days: Option<i32>| days.and_then(|days| u32::try_from(days).ok());
    let by_name_alone = rule.filter.as_ref().is_none_or(|filter| {
        filter.tag.is_none()
            && filter.and.is_none()
            && filter.object_size_greater_than.is_none()
            && filter.object_size_less_than.is_none()
    });
    // The prefix of a rule itself is the older form.
    #[allow(deprecated, reason = "S3 still gives it for rules that were made with it")]
    let prefix = rule.filter.as_ref().and_then(|filter| filter.prefix.clone()).or_else(|| rule.prefix.clone());
    (rule.status == ExpirationStatus::Enabled && by_name_alone).then(|| LifecycleRule {
        id: rule.id.clone().unwrap_or_default(),
        prefix: prefix.unwrap_or_default(),
        expires_after_days: days(rule.expiration.as_ref().and_then(|expiration| expiration.days)),
        aborts_uploads_after_days: days(
            rule.abort_incomplete_multipart_upload.as_ref().and_then(|abort| abort.days_after_initiation),
        ),
    })
}
