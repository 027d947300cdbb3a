//! Conditional requests: what `If-Match` and its kin say, and whether an object meets it.
//!
//! Precedence as in RFC 9110, section 13.2.2: a condition on the ETag overrides the one on the date.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::failure::no_such_key;

/// The condition under which an object may be written or removed.
#[derive(Debug, Default)]
pub(super) struct WriteCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// # Errors
    /// `NotImplemented` for an `If-None-Match` other than `*`, which S3 does not take on a write either.
    pub(super) fn new(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Self> {
        if if_none_match.as_ref().is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(NotImplemented, "If-None-Match on a write takes * only"));
        }
        Ok(Self { if_match, if_none_match })
    }

    /// Compares the condition with the object that is there now, if there is one; its ETag is asked for only when it counts.
    ///
    /// # Errors
    /// `PreconditionFailed`; `NoSuchKey` if an object must match and there is none.
    pub(super) fn check(&self, exists: bool, etag: impl FnOnce() -> S3Result<String>) -> S3Result<()> {
        if self.if_none_match.is_some() && exists {
            return Err(failed("If-None-Match"));
        }
        match &self.if_match {
            Some(_) if !exists => Err(no_such_key()),
            Some(condition) if !matches(condition, &etag()?) => Err(failed("If-Match")),
            _ => Ok(()),
        }
    }
}

/// The condition under which an object is wanted.
#[derive(Debug, Default)]
pub(super) struct ReadCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// # Errors
    /// `PreconditionFailed`, or status 304 if the caller has it already.
    pub(super) fn check(&self, etag: &str, modified: SystemTime) -> S3Result<()> {
        let modified = whole_second(modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, etag) => return Err(failed("If-Match")),
            (None, Some(since)) if modified > *since => return Err(failed("If-Unmodified-Since")),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if matches(condition, etag) => Err(not_modified()),
            (None, Some(since)) if modified <= *since => Err(not_modified()),
            _ => Ok(()),
        }
    }

    /// As for the source of a copy, where there is no 304.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub(super) fn check_source(&self, etag: &str, modified: SystemTime) -> S3Result<()> {
        self.check(etag, modified).map_err(|_| failed("x-amz-copy-source-if"))
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.value() == etag)
}

/// Dates in headers have whole seconds.
fn whole_second(time: SystemTime) -> Timestamp {
    let below = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    (time - Duration::from_nanos(u64::from(below))).into()
}

fn failed(condition: &str) -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold: {condition}")
}

fn not_modified() -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_status_code(StatusCode::NOT_MODIFIED);
    error
}

/// An ETag as it stands in a response.
pub(super) fn strong(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}
