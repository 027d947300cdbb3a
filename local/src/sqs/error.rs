//! Every error an action can answer, and its form on the wire.
//!
//! SQS speaks AWS JSON 1.0 but was a query-protocol service before, so an answer carries two codes: the shape name in the body
//! (`__type`) and the older query code in the header `x-amzn-query-error`. SDKs report the latter, code written long ago tests
//! for it. Both are in [`SqsError::codes`], the one table of this module; the names are those of the service model and of the
//! [API reference](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html).
//!
//! Messages are worded as AWS words them (capitals and full stops too), because people search for them.

use http::StatusCode;

/// Why an action was not carried out. All but the last two are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqsError {
    /// No queue has the name at the end of the queue URL.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// The name is taken by a queue whose attribute (named here) has another value.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    /// The queue was purged less than [`purge_interval`](super::SqsConfig::purge_interval) ago.
    #[error("Only one PurgeQueue operation on {queue} is allowed every {seconds} seconds.")]
    PurgeQueueInProgress {
        /// Its name.
        queue: String,
        /// The interval.
        seconds: u64,
    },
    /// The receipt handle was not made by this endpoint for this queue.
    #[error("The input receipt handle is invalid.")]
    ReceiptHandleIsInvalid,
    /// The message is visible again: its visibility timeout has passed.
    #[error("The specified message isn't in flight.")]
    MessageNotInflight,
    /// A short poll met the limit of messages in flight.
    #[error("Too many messages in flight: the maximum for this queue is {0}.")]
    OverLimit(usize),
    /// A batch without entries.
    #[error("There should be at least one {0} in the request.")]
    EmptyBatchRequest(&'static str),
    /// A batch of more than ten entries.
    #[error("Maximum number of entries per request are 10. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    /// Two entries of a batch have this id.
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    /// An entry's id is empty, too long or has other characters than it may.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    /// The messages of a batch are together (this many bytes) longer than one message may be.
    #[error("Batch requests cannot be longer than 1048576 bytes. You have sent {0} bytes.")]
    BatchRequestTooLong(usize),
    /// No queue attribute has this name, or it cannot be set, or not on a standard queue.
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    /// The value of a queue attribute is out of range or malformed.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(String),
    /// The body or an attribute has a character that XML 1.0 does not allow.
    #[error(
        "Invalid binary character '#x{0:X}' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidMessageContents(u32),
    /// A parameter is out of range or malformed; the text says which and why.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// A required parameter is absent.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(&'static str),
    /// A queue URL without a queue name.
    #[error("The address {0} is not valid for this endpoint.")]
    InvalidAddress(String),
    /// A queue given by its ARN, or a move task given by its handle, does not exist.
    #[error("{0}")]
    ResourceNotFound(String),
    /// SQS has it, this endpoint (or a standard queue) does not; or not now.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// SQS has no action of this name.
    #[error("The action {0} is not valid for this endpoint.")]
    UnknownOperation(String),
    /// The body is not JSON of the action's shape.
    #[error("The request is not JSON of the shape that the action expects: {0}")]
    Serialization(String),
    /// The body of the HTTP request is longer than this many bytes.
    #[error("The request is longer than {0} bytes.")]
    RequestTooLarge(usize),
    /// Too many requests. This endpoint has no limit, it only says so when [chaos](crate::chaos) wants it to.
    #[error("The request was denied due to request throttling.")]
    RequestThrottled,
    /// Something went wrong inside; likewise.
    #[error("The request processing has failed because of an unknown error, exception or failure.")]
    InternalError,
    /// The service is down; likewise.
    #[error("The request has failed due to a temporary failure of the server.")]
    ServiceUnavailable,
}

/// The names of an error on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Codes {
    /// Qualified shape name, the `__type` of the body.
    pub(super) shape: &'static str,
    /// The code of the older query protocol.
    pub(super) query: &'static str,
}

impl SqsError {
    /// "Value … for parameter … is invalid", the form that most of AWS's range checks take.
    pub(super) fn parameter(name: &str, value: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::InvalidParameterValue(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    }

    /// The names under which this error goes out.
    pub(super) fn codes(&self) -> Codes {
        let (shape, query) = match self {
            Self::QueueDoesNotExist => {
                ("com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
            }
            Self::QueueNameExists(_) => ("com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists"),
            Self::PurgeQueueInProgress { .. } => {
                ("com.amazonaws.sqs#PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress")
            }
            Self::ReceiptHandleIsInvalid => ("com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::MessageNotInflight => {
                ("com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight")
            }
            Self::OverLimit(_) => ("com.amazonaws.sqs#OverLimit", "OverLimit"),
            Self::EmptyBatchRequest(_) => {
                ("com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest")
            }
            Self::TooManyEntriesInBatchRequest(_) => (
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::BatchEntryIdsNotDistinct(_) => {
                ("com.amazonaws.sqs#BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            Self::InvalidBatchEntryId => {
                ("com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId")
            }
            Self::BatchRequestTooLong(_) => {
                ("com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            Self::InvalidAttributeName(_) => ("com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidAttributeValue(_) => ("com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue"),
            Self::InvalidMessageContents(_) => ("com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents"),
            Self::InvalidParameterValue(_) => {
                ("com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue")
            }
            Self::MissingParameter(_) => {
                ("com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter")
            }
            Self::InvalidAddress(_) => ("com.amazonaws.sqs#InvalidAddress", "InvalidAddress"),
            Self::ResourceNotFound(_) => ("com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException"),
            Self::UnsupportedOperation(_) => {
                ("com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
            Self::UnknownOperation(_) => ("com.amazon.coral.service#UnknownOperationException", "InvalidAction"),
            Self::Serialization(_) => ("com.amazon.coral.service#SerializationException", "MalformedInput"),
            Self::RequestTooLarge(_) => {
                ("com.amazon.coral.service#RequestEntityTooLargeException", "RequestEntityTooLarge")
            }
            Self::RequestThrottled => ("com.amazonaws.sqs#RequestThrottled", "RequestThrottled"),
            Self::InternalError => ("com.amazon.coral.service#InternalFailure", "InternalError"),
            Self::ServiceUnavailable => ("com.amazon.coral.service#ServiceUnavailableException", "ServiceUnavailable"),
        };
        Codes { shape, query }
    }

    /// Whether the same request would be refused again, as far as one can tell.
    pub(super) fn is_sender_fault(&self) -> bool {
        !self.status().is_server_error()
    }

    /// The HTTP status: 400 for all that the JSON protocol defines and that is the sender's fault.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::RequestTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
