//! Everything a request to the AWS port passes before SQS or S3 sees it: counted, and, if asked for, mistreated.
//!
//! AWS misbehaves rarely, and never when one looks: it delivers messages twice and out of order, throttles, fails, is slow, takes
//! a request and loses the answer. With a [`Chaos`] the embedded endpoint does all of this often and on purpose, so that an hour
//! shows what a year of production would. What each fault is, and what a worker in any language has to do about it, stands in
//! `local/CHAOS.md`.
//!
//! - `spec`: which faults, how often; its text form.
//! - `dice`: the decisions, drawn from the seed.
//! - `gate`: what happens to a request before and after SQS or S3 handle it. Always there, because it counts.
//! - `disorder`: what happens inside of SQS: duplicates, order, batches that fail in part.
//! - `outage`: SQS or S3 is down, until a test says otherwise.
//! - `operation`, `traffic`: what is counted.

mod dice;
mod disorder;
mod gate;
mod operation;
mod outage;
mod spec;
mod traffic;

pub use disorder::Disorder;
pub use gate::Gate;
pub use operation::{Operation, Service};
pub use outage::Outage;
pub use spec::{Chaos, ChaosError, Delay, Rate};
pub(crate) use traffic::NoMessages;
pub use traffic::{Fault, Requests, Traffic};

pub(crate) use dice::Draws;
pub(crate) use disorder::QueueDisorder;
