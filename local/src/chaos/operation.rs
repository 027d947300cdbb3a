//! Which operation of which service a request asks for, told from its head alone.

use std::fmt;

use http::header::HOST;
use http::{HeaderName, Method, Request};
use serde::{Serialize, Serializer};

use crate::s3::bucket_in_host;

/// A service behind the AWS port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Amazon SQS.
    Sqs,
    /// Amazon S3.
    S3,
}

/// An operation of a service, by its name in the API. A request that is none of those named here is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Whose it is.
    pub service: Service,
    /// For example `SendMessageBatch`.
    pub name: &'static str,
}

const OTHER: &str = "Other";

const SQS: [&str; 20] = [
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
];

const S3: [&str; 19] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteBucketLifecycle",
    "DeleteObject",
    "DeleteObjects",
    "GetBucketLifecycleConfiguration",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListObjects",
    "ListParts",
    "PutBucketLifecycleConfiguration",
    "PutObject",
    "UploadPart",
];

impl Operation {
    /// Of SQS, by the name in the header `X-Amz-Target`, such as `AmazonSQS.SendMessage`.
    pub(crate) fn of_sqs(target: &[u8]) -> Self {
        let named = target.strip_prefix(b"AmazonSQS.").unwrap_or_default();
        let name = SQS.into_iter().find(|name| name.as_bytes() == named).unwrap_or(OTHER);
        Self { service: Service::Sqs, name }
    }

    /// Of S3, by method, path and query.
    pub(crate) fn of_s3<B>(request: &Request<B>) -> Self {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let path = request.uri().path().trim_start_matches('/');
        let (has_bucket, has_key) = match bucket_in_host(host) {
            Some(_) => (true, !path.is_empty()),
            None => (!path.is_empty(), path.split_once('/').is_some_and(|(_, key)| !key.is_empty())),
        };
        let name = match (has_bucket, has_key) {
            (_, true) => of_object(request),
            (true, false) => of_bucket(request),
            (false, false) if request.method() == Method::GET => "ListBuckets",
            (false, false) => OTHER,
        };
        Self { service: Service::S3, name }
    }

    /// All that are told apart.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of = |service, names: &'static [&'static str]| names.iter().map(move |name| Self { service, name });
        of(Service::Sqs, &SQS)
            .chain(of(Service::S3, &S3))
            .chain(of(Service::Sqs, &[OTHER]))
            .chain(of(Service::S3, &[OTHER]))
    }
}

fn of_object<B>(request: &Request<B>) -> &'static str {
    const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
    let query = request.uri().query();
    let is_of_upload = has(query, "uploadId");
    // Tags, attributes and the like are sub-resources: the query has a name that is not of a plain call.
    let is_plain =
        !["tagging", "attributes", "acl", "retention", "legal-hold"].into_iter().any(|name| has(query, name));
    match *request.method() {
        Method::PUT if is_of_upload => "UploadPart",
        Method::PUT if request.headers().contains_key(COPY_SOURCE) => "CopyObject",
        Method::PUT if is_plain => "PutObject",
        Method::GET if is_of_upload => "ListParts",
        Method::GET if is_plain => "GetObject",
        Method::HEAD => "HeadObject",
        Method::DELETE if is_of_upload => "AbortMultipartUpload",
        Method::DELETE if is_plain => "DeleteObject",
        Method::POST if is_of_upload => "CompleteMultipartUpload",
        Method::POST if has(query, "uploads") => "CreateMultipartUpload",
        _ => OTHER,
    }
}

fn of_bucket<B>(request: &Request<B>) -> &'static str {
    let query = request.uri().query();
    match *request.method() {
        Method::PUT if has(query, "lifecycle") => "PutBucketLifecycleConfiguration",
        Method::GET if has(query, "lifecycle") => "GetBucketLifecycleConfiguration",
        Method::DELETE if has(query, "lifecycle") => "DeleteBucketLifecycle",
        Method::PUT if query.is_none() => "CreateBucket",
        Method::HEAD => "HeadBucket",
        Method::DELETE if query.is_none() => "DeleteBucket",
        Method::POST if has(query, "delete") => "DeleteObjects",
        Method::GET if !has(query, "uploads") && !has(query, "location") => "ListObjects",
        _ => OTHER,
    }
}

/// Whether a parameter of this name is there, with or without a value.
fn has(query: Option<&str>, name: &str) -> bool {
    query.unwrap_or_default().split('&').any(|pair| pair.split('=').next() == Some(name))
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = match self.service {
            Service::Sqs => "sqs",
            Service::S3 => "s3",
        };
        write!(f, "{service}:{}", self.name)
    }
}

/// As it is displayed: `sqs:SendMessageBatch`.
impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(method: &str, host: &str, target: &str) -> &'static str {
        let request = Request::builder().method(method).uri(target).header(HOST, host).body(()).expect("a request");
        Operation::of_s3(&request).name
    }

    #[test]
    fn sqs_names_its_operation_itself() {
        assert_eq!(Operation::of_sqs(b"AmazonSQS.SendMessageBatch").to_string(), "sqs:SendMessageBatch");
        assert_eq!(Operation::of_sqs(b"AmazonSQS.Anything").to_string(), "sqs:Other");
        assert_eq!(Operation::of_sqs(b"\xFF").to_string(), "sqs:Other");
    }

    #[test]
    fn s3_is_told_by_method_path_and_query() {
        for (expected, method, target) in [
            ("ListBuckets", "GET", "/"),
            ("CreateBucket", "PUT", "/bucket"),
            ("HeadBucket", "HEAD", "/bucket/"),
            ("ListObjects", "GET", "/bucket?list-type=2&prefix=a"),
            ("GetBucketLifecycleConfiguration", "GET", "/bucket?lifecycle"),
            ("PutBucketLifecycleConfiguration", "PUT", "/bucket?lifecycle="),
            ("DeleteBucketLifecycle", "DELETE", "/bucket?lifecycle"),
            ("DeleteObjects", "POST", "/bucket/?delete"),
            ("PutObject", "PUT", "/bucket/a/b?x-id=PutObject"),
            ("GetObject", "GET", "/bucket/a/b"),
            ("HeadObject", "HEAD", "/bucket/a"),
            ("CreateMultipartUpload", "POST", "/bucket/a?uploads"),
            ("UploadPart", "PUT", "/bucket/a?partNumber=1&uploadId=x"),
            ("CompleteMultipartUpload", "POST", "/bucket/a?uploadId=x"),
            ("Other", "GET", "/bucket/a?tagging"),
            ("Other", "GET", "/bucket?location"),
            ("Other", "PATCH", "/bucket/a"),
        ] {
            assert_eq!(s3(method, "127.0.0.1:4566", target), expected, "{method} {target}");
        }
    }

    #[test]
    fn a_bucket_may_be_in_the_host_name() {
        assert_eq!(s3("GET", "bucket.localhost:4566", "/"), "ListObjects");
        assert_eq!(s3("PUT", "bucket.localhost:4566", "/a"), "PutObject");
    }
}
