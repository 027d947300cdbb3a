//! The gateway of the floor and of the naive way: bare calls, and bare messages there and back.

use std::net::SocketAddr;
use std::sync::Arc;

use compute_process::aws;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::transport::server::TcpIncoming;

use crate::BoxError;
use crate::floor::echo::{Pump, Server};
use crate::floor::hop::{Batching, Hop};

/// The body of a request: as long as those of the questions are.
const REQUEST: &str = r#"{"values":[-4812,5077,-9210,35,2452,-377,8841,-1906,7003,-52]}"#;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Where to take calls
    #[arg(long)]
    listen: SocketAddr,
    /// URL of the queue to the worker
    #[arg(long)]
    request_queue: String,
    /// URL of the queue back
    #[arg(long)]
    reply_queue: String,
    /// How many messages go with one request to SQS
    #[arg(long, value_enum)]
    batching: Batching,
    /// How many requests to SQS may send at once, and how many poll for replies
    #[arg(long)]
    slots: usize,
    /// How many messages may be under way
    #[arg(long)]
    window: usize,
}

/// Messages to the worker and back.
#[derive(Debug)]
struct Messages {
    requests: Hop,
    /// A permit is free for each reply that came and that nobody has counted yet.
    replies: Arc<Semaphore>,
    slots: usize,
    window: usize,
}

/// Serves until `shutdown` is ready.
pub(crate) async fn run(flags: Flags, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    let aws = aws::load().await;
    let replies = Arc::new(Semaphore::new(0));
    for _ in 0..flags.slots {
        let hop = Hop::new(&aws, &flags.reply_queue, "", flags.batching);
        tokio::spawn(poll(hop, replies.clone()));
    }
    let requests = Hop::new(&aws, &flags.request_queue, REQUEST, flags.batching);
    let messages = Messages { requests, replies, slots: flags.slots, window: flags.window };
    let listener = TcpListener::bind(flags.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "ready");
    let server = tonic::transport::Server::builder().add_service(Server::new(messages));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    server.serve_with_incoming_shutdown(incoming, shutdown).await?;
    Ok(())
}

/// Counts replies and deletes them, over and over.
async fn poll(hop: Hop, replies: Arc<Semaphore>) {
    loop {
        let receipts = match hop.receive().await {
            Ok(receipts) => receipts,
            Err(error) => return tracing::error!(error, "cannot receive replies"),
        };
        let count = receipts.len();
        match hop.batching() {
            Batching::Tens if count > 0 => {
                let hop = hop.clone();
                replies.add_permits(count);
                tokio::spawn(async move { delete(&hop, &receipts).await });
            }
            Batching::Tens => {}
            Batching::Ones => {
                delete(&hop, &receipts).await;
                replies.add_permits(count);
            }
        }
    }
}

async fn delete(hop: &Hop, receipts: &[String]) {
    if let Err(error) = hop.delete(receipts).await {
        tracing::error!(error, "cannot delete replies");
    }
}

impl Messages {
    /// Takes note of so many replies, when they are there.
    async fn count(&self, replies: usize) -> Result<(), BoxError> {
        self.replies.acquire_many(u32::try_from(replies)?).await?.forget();
        Ok(())
    }
}

impl Pump for Messages {
    async fn round_trip(&self) -> Result<(), BoxError> {
        self.requests.send_one().await?;
        self.count(1).await
    }

    async fn pump(&self, count: u64) -> Result<(), BoxError> {
        let (window, slots) = (Arc::new(Semaphore::new(self.window)), Arc::new(Semaphore::new(self.slots)));
        let size = self.requests.batching().size() as u64;
        let sizes =
            || (0..count).step_by(self.requests.batching().size()).map(|start| size.min(count - start) as usize);
        let sending = async {
            for size in sizes() {
                window.acquire_many(u32::try_from(size)?).await?.forget();
                let slot = slots.clone().acquire_owned().await?;
                tokio::spawn(send(self.requests.clone(), size, slot));
            }
            Ok::<_, BoxError>(())
        };
        let counting = async {
            for size in sizes() {
                self.count(size).await?;
                window.add_permits(size);
            }
            Ok(())
        };
        tokio::try_join!(sending, counting)?;
        Ok(())
    }
}

async fn send(hop: Hop, count: usize, slot: OwnedSemaphorePermit) {
    if let Err(error) = hop.send(count).await {
        tracing::error!(error, "cannot send requests");
    }
    drop(slot);
}
