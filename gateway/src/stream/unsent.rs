//! Payloads that no message points to yet.

use std::panic::resume_unwind;

use compute_operations::BucketError;
use compute_operations::payload::{PayloadWriter, Payloads, Stored};
use sqs_rpc::{Body, Pointer};
use tokio::runtime::Handle;

use super::form;

/// A payload in S3. Deleted in the background when this is dropped, unless a message may point to it ([`set_sent`](Self::set_sent)).
#[derive(Debug)]
pub(crate) struct UnsentPayload {
    payloads: Payloads,
    stored: Stored,
    is_sent: bool,
}

/// Completes a payload. When the caller of this leaves meanwhile, it is completed and deleted: a request that S3 works on
/// cannot be called back.
pub(super) async fn finish(payloads: Payloads, writer: PayloadWriter) -> Result<UnsentPayload, BucketError> {
    let finishing = async move {
        let stored = writer.finish().await?;
        Ok(UnsentPayload { payloads, stored, is_sent: false })
    };
    match tokio::spawn(finishing).await {
        Ok(finished) => finished,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

impl UnsentPayload {
    /// The body of the request's message.
    pub(crate) fn body(&self) -> Body {
        Body::InS3 { pointer: Pointer::new(self.payloads.bucket(), self.stored.id), size: self.stored.size }
    }

    /// The SHA-256 of the request, in hex.
    pub(crate) fn digest(&self) -> &str {
        &self.stored.digest
    }

    /// The media type of the request.
    pub(crate) fn media_type(&self) -> &'static str {
        form::MEDIA_TYPE
    }

    /// Notes whether a message may point to it.
    pub(crate) fn set_sent(&mut self, is_sent: bool) {
        self.is_sent = is_sent;
    }
}

impl Drop for UnsentPayload {
    fn drop(&mut self) {
        if self.is_sent {
            return;
        }
        let (payloads, id) = (self.payloads.clone(), self.stored.id);
        // Without a runtime the process ends, and a lifecycle rule has to do.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = payloads.delete(id).await {
                    tracing::warn!(%error, payload = %id, "a payload without a message stays until its lifecycle rule deletes it");
                }
            });
        }
    }
}
