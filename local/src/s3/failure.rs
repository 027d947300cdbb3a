//! Errors that many calls share: what is not there, and failures that are ours, of the disk or of a task.

use std::io;

use s3s::{S3Error, S3Result, s3_error};

/// Turns an I/O error into S3's `InternalError`, noting it in the log: it says more than a caller can use.
pub(super) fn failed(what: &'static str) -> impl Fn(io::Error) -> S3Error {
    move |error| {
        tracing::error!(%error, "cannot {what}");
        s3_error!(InternalError, "cannot {what}: {error}")
    }
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(super) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

pub(super) fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

/// Runs a blocking function off the asynchronous threads.
///
/// # Errors
/// The function's own, or `InternalError` if it panicked.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> S3Result<T> + Send + 'static) -> S3Result<T> {
    finished(tokio::task::spawn_blocking(work).await)?
}

/// What a blocking function came to.
///
/// # Errors
/// `InternalError` if it panicked.
pub(super) fn finished<T>(joined: Result<T, tokio::task::JoinError>) -> S3Result<T> {
    joined.map_err(|error| failed("finish the request")(io::Error::other(error)))
}
