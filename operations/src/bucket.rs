//! The bucket: the only code here that knows the AWS SDK.

mod multipart;
mod object;
mod settings;
mod trace;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
pub use aws_sdk_s3::config::{Intercept, SharedInterceptor};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;

pub(crate) use self::multipart::{Multipart, Part};
pub(crate) use self::object::Object;
pub use self::object::ReadError;
pub use self::settings::{LifecycleRule, Setting};
use self::trace::Traced;

/// How long one attempt of a request may take, so that an S3 that takes an object and never answers does not keep it for ever.
/// The SDK's retries come on top.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an object is tried to be created that is being created by others, and the pause before the second time. The pauses
/// grow by as much each time.
const MAX_CONFLICTS: u32 = 5;
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// A bucket in S3. Clones share the connections.
#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: Arc<str>,
}

/// A request to S3 that failed, retries included.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} on the bucket {bucket} failed: {reason}")]
pub struct BucketError {
    operation: &'static str,
    bucket: String,
    reason: String,
    is_refusal: bool,
    is_denied: bool,
}

/// What S3 says when it will not do as it is asked until somebody changes the bucket or a policy.
const REFUSALS: [&str; 5] =
    ["AccessDenied", "AccountProblem", "AllAccessDisabled", "InvalidBucketName", "NoSuchBucket"];

impl BucketError {
    /// Whether the same request will fail until an operator does something: the bucket is not there, or the process lacks a right.
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// Whether S3 answered that the process may not do this. It also answers so where an object is not there and the process may
    /// not list the bucket.
    pub fn is_denied(&self) -> bool {
        self.is_denied
    }
}

/// Whether a create-only PUT made the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is new.
    New,
    /// An object of that name was there before, and still is.
    Existed,
}

/// What an object is, beside its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
}

impl Content {
    pub(crate) const JSON: Self = Self { media_type: "application/json" };
}

/// A part of a listing.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// In the order of their bytes.
    pub(crate) keys: Vec<String>,
    /// Whether there are more after the last one.
    pub(crate) has_more: bool,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.name).finish()
    }
}

impl Bucket {
    /// The bucket of that name, which must be there.
    ///
    /// # Errors
    ///
    /// When the bucket is not there, or may not be used.
    pub async fn open(aws: &SdkConfig, name: &str) -> Result<Self, BucketError> {
        let bucket = Self::new(aws, name);
        bucket.head().await?;
        Ok(bucket)
    }

    /// The bucket of that name, whether it is there or not: its use will tell.
    pub fn new(aws: &SdkConfig, name: &str) -> Self {
        Self { client: Client::from_conf(config(aws, name).build()), name: name.into() }
    }

    /// The bucket of that name, over a connection whose requests and responses are shown to `observer`.
    pub fn observed(aws: &SdkConfig, name: &str, observer: impl Intercept + 'static) -> Self {
        Self { client: Client::from_conf(config(aws, name).interceptor(observer).build()), name: name.into() }
    }

    /// Asks whether it is there, and may be used.
    ///
    /// # Errors
    ///
    /// When it is not there, or may not be used.
    pub async fn head(&self) -> Result<(), BucketError> {
        match self.client.head_bucket().bucket(&*self.name).send().await {
            Ok(_) => Ok(()),
            // The answer to a HEAD has no text.
            Err(error) if error.code() == Some("NotFound") => {
                let missing = self.failed("HeadBucket", "there is no bucket of that name".to_owned());
                Err(BucketError { is_refusal: true, ..missing })
            }
            Err(error) => Err(self.error("HeadBucket", &error)),
        }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates an object, unless there is one of that name.
    ///
    /// Of several at once S3 may let one create the object and answer others that they are in conflict, which decides nothing:
    /// they are to try again, and do.
    pub(crate) async fn create(&self, key: &str, content: Content, data: Bytes) -> Result<Created, BucketError> {
        let mut conflicts = 0;
        loop {
            let request = self.client.put_object().bucket(&*self.name).key(key).content_type(content.media_type);
            // In a box: the SDK's future has kilobytes, which would else be a part of that of every operation.
            match Box::pin(request.if_none_match("*").body(ByteStream::from(data.clone())).send()).await {
                Ok(_) => return Ok(Created::New),
                Err(error) if error.code() == Some("PreconditionFailed") => return Ok(Created::Existed),
                Err(error) if error.code() == Some("ConditionalRequestConflict") && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(CONFLICT_PAUSE * conflicts).await;
                }
                Err(error) => return Err(self.error("PutObject", &error)),
            }
        }
    }

    /// Reads an object; none if there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, BucketError> {
        let Some(mut object) = self.read(key).await? else { return Ok(None) };
        let mut data = Vec::new();
        loop {
            match object.next().await {
                Ok(Some(chunk)) => data.extend_from_slice(&chunk),
                Ok(None) => return Ok(Some(data.into())),
                Err(ReadError::Bucket(error)) => return Err(error),
                Err(error @ ReadError::Changed { .. }) => return Err(self.failed("GetObject", error.to_string())),
            }
        }
    }

    /// Lists at most 1,000 names that start with `prefix`, those after `after` if that is given.
    pub(crate) async fn list(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Keys, BucketError> {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let request = self.client.list_objects_v2().bucket(&*self.name).prefix(prefix).max_keys(most);
        let answer = request.set_start_after(after.map(str::to_owned)).send().await;
        let answer = answer.map_err(|error| self.error("ListObjectsV2", &error))?;
        Ok(Keys {
            has_more: answer.is_truncated == Some(true),
            keys: answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect(),
        })
    }

    /// Lists the folders, ending in `/`, right under `prefix`, which ends so as well; all of them, in the order of their bytes.
    pub(crate) async fn folders(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let mut folders = Vec::new();
        let mut token = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&*self.name).prefix(prefix).delimiter("/");
            let answer = request.set_continuation_token(token).send().await;
            let answer = answer.map_err(|error| self.error("ListObjectsV2", &error))?;
            folders.extend(answer.common_prefixes.unwrap_or_default().into_iter().filter_map(|folder| folder.prefix));
            token = answer.next_continuation_token;
            if token.is_none() {
                return Ok(folders);
            }
        }
    }

    /// Deletes an object, if there is one of that name.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), BucketError> {
        let answer = self.client.delete_object().bucket(&*self.name).key(key).send().await;
        answer.map_err(|error| self.error("DeleteObject", &error))?;
        Ok(())
    }

    /// Deletes at most 1,000 objects with one request, those of them that are there.
    pub(crate) async fn delete_all(&self, keys: &[String]) -> Result<(), BucketError> {
        if keys.is_empty() {
            return Ok(());
        }
        let failed = |error: &(dyn std::error::Error + 'static)| self.failed("DeleteObjects", causes(error));
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let objects = objects.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
        let objects = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let objects = objects.map_err(|error| failed(&error))?;
        let answer = self.client.delete_objects().bucket(&*self.name).delete(objects).send().await;
        let answer = answer.map_err(|error| self.error("DeleteObjects", &error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
                let reason = format!("{}: {}: {}", text(error.key()), text(error.code()), text(error.message()));
                Err(self.failed("DeleteObjects", reason))
            }
        }
    }

    fn error<E: std::error::Error + 'static>(&self, operation: &'static str, error: &SdkError<E>) -> BucketError
    where
        SdkError<E>: ProvideErrorMetadata,
    {
        // The messages of the error and its causes; the SDK's own rendering adds request and response whole.
        let reason = match (error.code(), error.message()) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
            (None, _) => causes(error),
        };
        let is_refusal = error.code().is_some_and(|code| REFUSALS.contains(&code));
        // The answer to a HEAD has no code.
        let is_denied = error.raw_response().is_some_and(|response| response.status().as_u16() == 403);
        BucketError { is_refusal, is_denied, ..self.failed(operation, reason) }
    }

    fn failed(&self, operation: &'static str, reason: String) -> BucketError {
        BucketError { operation, bucket: self.name.to_string(), reason, is_refusal: false, is_denied: false }
    }
}

fn config(aws: &SdkConfig, bucket: &str) -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    aws_sdk_s3::config::Builder::from(aws)
        .timeout_config(timeouts)
        .interceptor(Traced { bucket: bucket.into() })
        // An endpoint of one's own is often an address without a wildcard name: the bucket then goes into the path.
        .force_path_style(aws.endpoint_url().is_some())
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
