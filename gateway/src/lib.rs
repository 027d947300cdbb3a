//! The gateway: gRPC, gRPC-Web and a page in, requests and replies over SQS out.
//!
//! # The way of a call
//!
//! `edge` accepts connections and says who may call, `server` routes, `front` has a short way for most calls. `protocol` turns
//! away what is no call. tonic-web unwraps gRPC-Web. `calls` gives the call an operation id and a deadline (`deadline`) and
//! holds its body to them, to the limit of its size and to the memory that is left (`upload`, `memory`); what is generated
//! (`api`) decodes the message. `service` validates it and finds its `tenant`; `exchange` makes it JSON, puts that into S3 if
//! it is too large for a message (`claim_check`), has `sqs-rpc` send it and wait, and answers with the reply and where the time
//! went (`timing`), which it counts (`latency`). A request that comes as a stream of messages goes through `stream` to S3.
//! `operations` keeps the answer for a while, looks up in the log what it does not keep, and sees to calls that are repeated.
//! Whatever goes wrong becomes a status with details in `status`. `gateway` holds all that together: start, serve, drain, end.
//! [`doctor`] looks whether AWS is as a gateway needs it.
//!
//! # Example
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use compute_gateway::{Config, Listeners};
//! use compute_process::Readiness;
//! use tokio::net::TcpListener;
//!
//! let listeners = Listeners { calls: TcpListener::bind("127.0.0.1:8080").await?, admin: None };
//! let aws = compute_process::aws::load().await;
//! let shutdown = compute_process::shutdown::requested()?;
//! let config = Config::new("compute-requests", "compute-logs");
//! compute_gateway::run(config, &aws, listeners, Readiness::new(), shutdown).await?;
//! # Ok(())
//! # }
//! ```

mod answered;
mod api;
mod blocking;
mod calls;
mod claim_check;
mod config;
mod deadline;
mod digest;
pub mod doctor;
mod edge;
mod exchange;
mod front;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gateway;
mod latency;
mod memory;
mod metrics;
mod operations;
mod page;
mod protocol;
mod server;
mod service;
mod status;
mod stream;
mod tenant;
mod timing;
mod trace;
mod upload;

pub use config::{Config, ConfigError};
pub use edge::config::EdgeConfig;
pub use edge::reload::FileError;
pub use gateway::{Listeners, RunError, run};
