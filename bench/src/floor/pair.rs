//! A gateway and a worker of the floor, as processes.

use serde::Serialize;

use super::{Batching, echo};
use crate::BoxError;
use crate::processes::Process;
use crate::queues::Queues;
use crate::system::{LOG_BUCKET, LogMode, System};

/// How a pair is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// How many requests each of its tasks has under way: sends, polls, receives that are worked on.
    pub(crate) slots: usize,
    /// How many messages may be on their way there or back.
    pub(crate) window: usize,
}

/// A pair that is up. Dropping it ends the processes.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) gateway: Process,
    pub(crate) worker: Process,
    pub(crate) client: echo::Client,
    pub(crate) address: std::net::SocketAddr,
    /// The names of its queues, there and back.
    pub(crate) queues: [String; 2],
}

impl Pair {
    /// Starts a pair with queues of its own, of this name, and waits until it serves.
    pub(crate) async fn start(
        system: &System,
        name: &str,
        (batching, log_mode): (Batching, LogMode),
        setting: Setting,
        connections: usize,
    ) -> Result<Self, BoxError> {
        let (sqs, queues) = (Queues::of(system), [format!("{name}-requests"), format!("{name}-replies")]);
        let (requests, replies) = (sqs.create(&queues[0]).await?, sqs.create(&queues[1]).await?);
        let (slots, window) = (setting.slots.to_string(), setting.window.to_string());
        let both = ["--request-queue", &requests, "--reply-queue", &replies, "--batching", batching.name()];
        let both = [&both[..], &["--slots", &slots]].concat();

        let own = ["floor-worker", "--log-bucket", LOG_BUCKET, "--log-mode", log_mode.name()];
        let mut worker = system.part(&format!("{name}-worker"), &[&own[..], &both].concat())?;
        worker.event("ready").await?;
        let own = ["floor-gateway", "--listen", "127.0.0.1:0", "--window", &window];
        let mut gateway = system.part(&format!("{name}-gateway"), &[&own[..], &both].concat())?;
        let ready = gateway.event("ready").await?;
        let address = ready.get("address").and_then(serde_json::Value::as_str).ok_or("no address")?.parse()?;
        let client = echo::Client::new(address, connections)?;
        Ok(Self { gateway, worker, client, address, queues })
    }

    /// Ends both processes.
    pub(crate) async fn stop(self) -> Result<(), BoxError> {
        self.gateway.kill().await?;
        self.worker.kill().await
    }
}
