//! What every test starts from: the whole system on ports that the system picks.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use compute_local::stack::{DEAD_LETTER_QUEUE, REQUEST_QUEUE};
use compute_local::{Config, Stack};
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};

use crate::recorded_calls;

/// How long a condition may take to come true before the test fails. Long, since machines under test are slow: a test that
/// passes does not wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running system with a data folder of its own.
pub(crate) struct TestStack {
    pub(crate) stack: Stack,
    data: TempDir,
}

impl TestStack {
    /// Everything at its default.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_config| {}).await
    }

    /// Everything at its default but for what `change` sets.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let stack = start_in(data.path(), change).await;
        Self { stack, data }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.stack.address()
    }

    pub(crate) async fn client(&self) -> ComputeServiceClient<Channel> {
        ComputeServiceClient::new(self.channel().await)
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address())).expect("a valid URL");
        endpoint.connect().await.expect("the gateway listens")
    }

    pub(crate) fn aws(&self) -> aws_config::SdkConfig {
        compute_process::aws::for_endpoint(&self.stack.aws_endpoint())
    }

    /// For what does the work of a `gateway`, a `worker` or an `operator`: with credentials that tell which, as those of
    /// the stack's own.
    pub(crate) fn aws_of(&self, role: &str) -> aws_config::SdkConfig {
        let http_client = recorded_calls::http_client().unwrap_or_else(compute_process::aws::http_client);
        compute_process::aws::for_endpoint_as(role, &self.stack.aws_endpoint(), http_client)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.aws())
    }

    /// All log records, read from the files.
    pub(crate) fn log_records(&self) -> Vec<Value> {
        log_records_in(self.stack.log_dir())
    }

    /// Waits until neither request queue nor dead-letter queue holds a message.
    pub(crate) async fn until_queues_are_empty(&self) {
        for queue in [REQUEST_QUEUE, DEAD_LETTER_QUEUE] {
            until(async || message_counts(&self.sqs(), queue).await == (0, 0)).await;
        }
    }

    /// Stops everything and gives back the data folder.
    pub(crate) async fn stop(self) -> TempDir {
        self.stack.stop().await;
        self.data
    }
}

/// Starts the system on an existing data folder.
pub(crate) async fn start_in(data: &Path, change: impl FnOnce(&mut Config)) -> Stack {
    let mut config = config(data);
    change(&mut config);
    let listeners = (local_listener().await, local_listener().await);
    Stack::start(config, listeners.0, listeners.1).await.expect("the stack starts")
}

/// Everything at its default.
pub(crate) fn config(data: &Path) -> Config {
    Config { http_client: recorded_calls::http_client(), ..Config::new(data) }
}

async fn local_listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// The messages of a queue: visible ones, and those in flight.
pub(crate) async fn message_counts(sqs: &aws_sdk_sqs::Client, queue: &str) -> (u64, u64) {
    let (visible, in_flight) =
        (Attribute::ApproximateNumberOfMessages, Attribute::ApproximateNumberOfMessagesNotVisible);
    let request = sqs.get_queue_attributes().queue_url(queue_url(sqs, queue).await);
    let request = request.attribute_names(visible.clone()).attribute_names(in_flight.clone());
    let attributes: HashMap<_, _> = request.send().await.expect("the queue is there").attributes.unwrap_or_default();
    let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).expect("a count");
    (count(visible), count(in_flight))
}

pub(crate) async fn queue_url(sqs: &aws_sdk_sqs::Client, queue: &str) -> String {
    let answer = sqs.get_queue_url().queue_name(queue).send().await.expect("the queue is there");
    answer.queue_url.expect("a URL")
}

/// The names of all queues, in order.
pub(crate) async fn queue_names(sqs: &aws_sdk_sqs::Client) -> Vec<String> {
    let urls = sqs.list_queues().send().await.expect("the endpoint answers").queue_urls.unwrap_or_default();
    let mut names: Vec<_> = urls.iter().filter_map(|url| Some(url.rsplit_once('/')?.1.to_owned())).collect();
    names.sort();
    names
}

/// Waits for a condition, looking again and again.
///
/// # Panics
///
/// When it does not come true within a minute.
pub(crate) async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the condition comes true");
}

/// All log records in a folder, which may be that of a system that has been stopped.
pub(crate) fn log_records_in(folder: &Path) -> Vec<Value> {
    let mut records = Vec::new();
    collect_records(folder, &mut records);
    records
}

fn collect_records(folder: &Path, records: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect_records(&path, records);
        } else {
            let json = std::fs::read_to_string(&path).expect("a readable record");
            records.push(serde_json::from_str(&json).expect("a record is JSON"));
        }
    }
}
