//! What every process of this system owes its operator, whatever the process is for.
//!
//! - [`logging`]: structured logs on standard error, as text or JSON;
//! - [`telemetry`]: traces, sent to a collector;
//! - [`shutdown`]: SIGINT and SIGTERM as a future, and a second one that does not wait;
//! - [`admin`]: a port of its own for `/livez`, `/readyz` and `/metrics`, fed by a [`Readiness`] and by what tells metrics to
//!   an [`Exposition`](exposition::Exposition);
//! - [`histogram`]: what is observed in between;
//! - [`resources`]: what the process takes of its machine;
//! - [`memory`]: how much memory the process may use;
//! - [`open_files`]: how many files and connections it may have open;
//! - [`blocking`]: work that would be in the way of other tasks;
//! - [`aws`]: one configuration, and one HTTP client, for all AWS clients of the process, and a count of their requests;
//! - [`flags`]: the value parsers of the flags that several of the binaries have.

pub mod admin;
pub mod aws;
pub mod blocking;
pub mod exposition;
pub mod flags;
pub mod histogram;
pub mod logging;
pub mod memory;
pub mod open_files;
mod readiness;
pub mod resources;
pub mod shutdown;
pub mod telemetry;

pub use readiness::{Readiness, State};

/// The allocator of every program here. A call is some hundred small pieces of memory that one thread asks for and another gives
/// back, which the C library's allocator takes a fifth of the gateway's time for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
