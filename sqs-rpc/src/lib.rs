//! Request/reply over Amazon SQS.
//!
//! A [`Requester`] turns a call into a message on a *request queue* and waits for its answer on a *reply queue* of its own.
//! A [`Responder`] takes messages from the request queue, hands each to a [`tower::Service`], and sends what the service
//! answers to the reply queue that the message names. Callers and workers share nothing but the queues: workers have no open
//! port, and either side may be restarted or written in another language.
//!
//! # Promises
//!
//! - **A request is worked at least once.** It is deleted from its queue only after its reply was accepted by SQS and its
//!   record was written by the [`Journal`]. A process that dies in between leads to a redelivery, the same reply and the same
//!   record.
//! - **A reply reaches only the call it belongs to.** It is matched by correlation id *and* by the digest of the request; a
//!   late, duplicate, unknown or mismatched one is counted ([`RequesterStats`]) and deleted.
//! - **A call ends.** By its reply, its deadline, its caller leaving (the future is dropped), or shutdown; each takes the
//!   waiter out of the table.
//! - **Deadlines travel.** A message says how much time it had left when it was sent. A responder does not start what nobody
//!   waits for any more, judged on SQS's own clock, so that the clocks of hosts do not matter.
//! - **Hopeless calls are refused at once.** When the wait for a responder would be longer than the call can wait, or none is
//!   heard from, the caller is told so, and when to come back.
//! - **A message waits for others only if they come.** A free send slot takes what is waiting, up to ten messages and 1 MiB: an
//!   idle process sends at once. One that is so busy that a batch will be full within two and a half round trips to SQS lets it
//!   be full, which makes six requests for ten calls. Only deletes, for which nobody waits, wait up to 50 ms whatever comes.
//!
//! What users of other libraries complain about, and what becomes of each complaint here, is listed in [`complaints`].
//!
//! # On the wire
//!
//! Both sides speak version 1 of the wire contract: the body is the payload, everything else is in message attributes.
//!
//! | attribute | on | type | meaning |
//! | --- | --- | --- | --- |
//! | `CorrelationId` | both | String | the call's UUID (version 7) |
//! | `ReplyTo` | request | String | URL of the reply queue; absent: nobody waits (a submitted request) |
//! | `Method` | request | String | what to do, for example `compute.v1.ComputeService/Compute` |
//! | `TimeoutMs` | request | Number | time left when the message was sent; absent: no limit |
//! | `Deadline` | request | Number | Unix milliseconds after which nobody waits, on SQS's clock as far as the requester knows it; absent: none |
//! | `Digest` | both | String | hex SHA-256 of the request's payload |
//! | `ContentType` | request | String | absent: `application/json` |
//! | `traceparent` | request | String | W3C trace context |
//! | `ExtendedPayloadSize` | both | Number | bytes of a payload in S3, to which the body is a [`Pointer`]; absent: the body is the payload |
//! | `Status` | reply | Number | gRPC status code, 0 is success |
//! | `Worker` | reply | String | the responder's id |
//! | `Timing` | reply | String | JSON, see [`ReplyTiming`] |
//!
//! Where there is a `traceparent`, SQS's own `AWSTraceHeader` has the same for X-Ray, on the reply too.
//!
//! The body of a reply whose status is not 0 is a [`Failure`] as JSON. The tenant of a request is its `MessageGroupId`, which
//! makes SQS share a standard queue fairly between tenants.
//!
//! # Reply queues
//!
//! A requester makes a reply queue `<prefix>-replies-<uuid>`, whose UUID of version 7 tells when, keeps replies on it for 300 s,
//! and deletes it at the end. The tag `sqs-rpc:last-active` on it is renewed every few minutes ([`ReplyQueueUpkeep`]). What dead
//! requesters left is deleted by the others: at a start and every 10 minutes each looks at the queues that follow its own in the
//! order of names, up to the second one that is alive, and deletes those that were made and last active longer ago than 15
//! minutes. Queues without that tag, or with another name, are not touched. Times are written and judged by SQS's clock, which
//! its responses tell (`Date`): a host whose clock is wrong deletes nothing that lives.
//!
//! Where a requester may not make queues it is given one ([`RequesterConfig::reply_queue`]). Its tags `sqs-rpc:owner` and
//! `sqs-rpc:lease` name the owner and the end of its lease, 15 minutes after it was last renewed. Another requester does not
//! start meanwhile ([`StartError::ReplyQueueInUse`]), unless the owner was a process of the same
//! [`instance`](RequesterConfig::instance) that does not run here any more. An owner that finds the queue taken gives way. Young
//! replies to unknown calls are left on a given queue, since another owner may wait for them.
//!
//! When the reply queue is lost, calls that wait on it end at once with [`CallError::Unavailable`]. A requester then makes
//! another queue, or waits for the given one to be there again and free.
//!
//! # Limits
//!
//! A message, attributes included, is at most 1,048,576 bytes ([`MAX_MESSAGE_BYTES`]); a larger call is refused before it is
//! sent. SQS keeps the receipt of a message alive for at most 12 hours after its first receipt, so a service that works longer
//! on one request sees it delivered again.
//!
//! # Where things are
//!
//! - `requester`: calls, which of them to let in, the table of waiters, the reply queue and its pollers.
//! - `responder`: pollers of the request queue, the life of one delivery, visibility, replies.
//! - `dead_letters`: what lies in the dead-letter queue of the request queue, why, and the way back.
//! - [`probe`]: what a process can find out about its queues before it relies on them.
//! - `request`, `reply`, `failure`, `pointer`: what stands on the queues, written and read.
//! - `trace`: the trace of a call on the queues, and its spans.
//! - `settings`, `backoff`, `clock`: what settings may be; pauses after failures; SQS's clock.
//! - `queue`, `batch`, `message`: the only code that knows the AWS SDK, and the group commit on top of it.

mod backoff;
mod batch;
mod body;
mod clock;
mod dead_letters;
mod deletes;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod golden;
mod message;
mod pointer;
pub mod probe;
mod queue;
mod redrive_policy;
mod reply;
mod request;
mod requester;
mod responder;
mod settings;
mod trace;

pub use body::Body;
pub use dead_letters::{DeadLetter, DeadLetters, DeadLettersError, Listing, Moved, WhyDead};
pub use failure::{Failure, code};
pub use message::MAX_MESSAGE_BYTES;
pub use pointer::{Pointer, PointerError};
pub use queue::{BatchFill, BatchSizes, QueueError, SharedInterceptor};
pub use reply::ReplyTiming;
pub use request::{Request, RequestTimes};
pub use requester::{Call, CallError, CallTiming, Reply, ReplyQueueUpkeep, Requester, RequesterConfig, RequesterStats};
pub use responder::{Answer, Journal, NoJournal, Operation, Responder, ResponderConfig, ResponderStats, WorkTimes};
pub use settings::StartError;
pub use trace::{CallSpan, TraceContext, record_code};

#[doc = include_str!("../COMPLAINTS.md")]
pub mod complaints {}

/// An error of any type, for causes that are reported but not matched on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
