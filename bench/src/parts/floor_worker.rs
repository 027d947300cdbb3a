//! The worker of the floor and of the naive way: receives, replies, logs and deletes, and computes nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compute_process::{aws, flags};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use uuid::Uuid;

use crate::BoxError;
use crate::floor::hop::{Batching, Hop};
use crate::store::Store;
use crate::system::LogMode;

/// The body of a reply: as long as those of the system are.
const REPLY: &str = r#"{"count":"10","min":-9210,"max":8841,"median":-8.5,"mean":705.1,"sum":"7051","variance":29857401.29,"std_dev":5464.19264392}"#;

/// A record of the log: as long as those of the system are.
const RECORD: &[u8] = br#"{"id":"0197a1c2-d3e4-7f56-8123-456789abcdef","method":"compute.v1.ComputeService/Compute","times":{"sent":1750765589480,"first_received":1750765589483,"started":1750765589484,"finished":1750765589485},"worker":"worker-1","status":0,"digest":"c7d5f68268a1e0e7b2cffa701153aabbdff22872148d7d2e5b9434c86eb260e5","count":10,"values":[-4812,5077,-9210,35,2452,-377,8841,-1906,7003,-52],"result":{"count":10,"min":-9210,"max":8841,"median":-8.5,"mean":705.1,"sum":"7051","variance":29857401.29,"std_dev":5464.19264392},"summary":"Liste: [-4812, 5077, -9210, 35, 2452, -377, 8841, -1906, 7003, -52]\nMin:-9210\nMax:8841\nMedian:-8.5\nMean:705.1"}
"#;

/// A batch of the log is put when it has so many records, or at this age: as a worker does that is told nothing.
const BATCH_RECORDS: usize = 250;
const BATCH_AGE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// URL of the queue to take messages from
    #[arg(long)]
    request_queue: String,
    /// URL of the queue back
    #[arg(long)]
    reply_queue: String,
    /// The bucket to log to
    #[arg(long, value_parser = flags::bucket)]
    log_bucket: String,
    /// How to log
    #[arg(long, value_enum)]
    log_mode: LogMode,
    /// How many messages go with one request to SQS
    #[arg(long, value_enum)]
    batching: Batching,
    /// How many requests to SQS poll at once, and how many receives are worked on at once
    #[arg(long)]
    slots: usize,
}

/// The way of a message after its receive.
#[derive(Debug, Clone)]
struct Work {
    requests: Hop,
    replies: Hop,
    log: Log,
}

/// What logs and then deletes.
#[derive(Debug, Clone)]
enum Log {
    Objects(Store),
    Batches(mpsc::UnboundedSender<Vec<String>>),
}

/// Works until `shutdown` is ready.
pub(crate) async fn run(flags: Flags, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    let aws = aws::load().await;
    let requests = Hop::new(&aws, &flags.request_queue, "", flags.batching);
    let replies = Hop::new(&aws, &flags.reply_queue, REPLY, flags.batching);
    let store = Store::new(&aws, &flags.log_bucket);
    let log = match flags.log_mode {
        LogMode::Object => Log::Objects(store),
        LogMode::Batch => {
            let (sender, receipts) = mpsc::unbounded_channel();
            tokio::spawn(log_batches(store, requests.clone(), receipts));
            Log::Batches(sender)
        }
    };
    let (work, slots) = (Work { requests, replies, log }, Arc::new(Semaphore::new(flags.slots)));
    for _ in 0..flags.slots {
        tokio::spawn(poll(work.clone(), slots.clone()));
    }
    tracing::info!("ready");
    shutdown.await;
    Ok(())
}

/// Receives and works, over and over: the naive way one message after the other, the floor as many receives as there are slots.
async fn poll(work: Work, slots: Arc<Semaphore>) {
    loop {
        let receipts = match work.requests.receive().await {
            Ok(receipts) if receipts.is_empty() => continue,
            Ok(receipts) => receipts,
            Err(error) => return tracing::error!(error, "cannot receive requests"),
        };
        match work.requests.batching() {
            Batching::Ones => work.carry_out(receipts).await,
            Batching::Tens => {
                let Ok(slot) = slots.clone().acquire_owned().await else { return };
                let work = work.clone();
                tokio::spawn(async move {
                    work.carry_out(receipts).await;
                    drop(slot);
                });
            }
        }
    }
}

impl Work {
    async fn carry_out(&self, receipts: Vec<String>) {
        if let Err(error) = self.reply_and_log(receipts).await {
            tracing::error!(error, "cannot reply, log or delete");
        }
    }

    async fn reply_and_log(&self, receipts: Vec<String>) -> Result<(), BoxError> {
        self.replies.send(receipts.len()).await?;
        match &self.log {
            Log::Objects(store) => {
                let puts = receipts.iter().map(|_| create(store, Bytes::from_static(RECORD)));
                futures_util::future::try_join_all(puts).await?;
                self.requests.delete(&receipts).await
            }
            Log::Batches(log) => Ok(log.send(receipts)?),
        }
    }
}

/// Puts an object for many messages, then deletes them.
async fn log_batches(store: Store, requests: Hop, mut receipts: mpsc::UnboundedReceiver<Vec<String>>) {
    while let Some(mut batch) = receipts.recv().await {
        let end = Instant::now() + BATCH_AGE;
        while batch.len() < BATCH_RECORDS {
            match tokio::time::timeout_at(end, receipts.recv()).await {
                Ok(Some(more)) => batch.extend(more),
                Ok(None) | Err(_) => break,
            }
        }
        let (store, requests) = (store.clone(), requests.clone());
        tokio::spawn(async move {
            let records = Bytes::from(RECORD.repeat(batch.len()));
            let logged = async {
                create(&store, records).await?;
                requests.delete(&batch).await
            };
            if let Err(error) = logged.await {
                tracing::error!(error, "cannot log or delete");
            }
        });
    }
}

async fn create(store: &Store, data: Bytes) -> Result<(), BoxError> {
    store.create(&format!("floor/{}.json", Uuid::now_v7()), data).await
}
