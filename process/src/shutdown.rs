//! The signals that end a process.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// A future that is done when the operator asks the process to end: at the first SIGINT (Ctrl-C) or SIGTERM.
///
/// From then on the process drains. A second signal says that the operator does not want to wait for that: the process
/// exits at once, with 128 + the number of the signal, as a shell reports a process that a signal ended.
///
/// The handlers are in place when this function returns, so that no signal is lost before the future is first polled.
///
/// # Errors
///
/// When the handlers cannot be installed.
///
/// # Panics
///
/// Outside a Tokio runtime.
pub fn requested() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!(signal = name, "shutting down; a second signal does not wait");
        tokio::spawn(async move {
            let (name, number) = tokio::select! {
                _ = interrupt.recv() => ("SIGINT", SignalKind::interrupt().as_raw_value()),
                _ = terminate.recv() => ("SIGTERM", SignalKind::terminate().as_raw_value()),
            };
            tracing::warn!(signal = name, "leaving at once, work in flight is abandoned");
            std::process::exit(128 + number);
        });
    })
}
