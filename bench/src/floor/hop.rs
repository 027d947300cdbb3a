//! One hop: a queue, through nothing but the AWS SDK.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};

use crate::BoxError;

/// The most entries of a batch, and messages of a receive.
const TEN: usize = 10;

/// The wait of a long poll, in seconds: the longest there is.
const WAIT: i32 = 20;

/// The timeout of an attempt: longer than a long poll waits, and the same for every request, so that none has a configuration
/// of its own to be merged.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);

/// How many messages a request to SQS is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Batching {
    /// Ten of each, and deletes while the next ones are on their way: the floor
    Tens,
    /// One of each, and each delete is waited for: the naive way
    Ones,
}

impl Batching {
    /// How many messages go with one request.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Tens => TEN,
            Self::Ones => 1,
        }
    }

    /// As a flag has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tens => "tens",
            Self::Ones => "ones",
        }
    }
}

/// A queue, and what is sent to it. Clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    client: Client,
    url: String,
    body: &'static str,
    batching: Batching,
}

impl Hop {
    /// The queue at this URL. Its messages all have this body and no attributes.
    pub(crate) fn new(aws: &SdkConfig, url: &str, body: &'static str, batching: Batching) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = aws_sdk_sqs::config::Builder::from(aws).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), url: url.to_owned(), body, batching }
    }

    pub(crate) fn batching(&self) -> Batching {
        self.batching
    }

    /// Sends one message by itself.
    pub(crate) async fn send_one(&self) -> Result<(), BoxError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(self.body);
        request.send().await.map_err(failed)?;
        Ok(())
    }

    /// Sends so many messages, up to ten, with one request.
    pub(crate) async fn send(&self, count: usize) -> Result<(), BoxError> {
        if self.batching == Batching::Ones && count == 1 {
            return self.send_one().await;
        }
        let entry =
            |index: usize| SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(self.body);
        let entries = (0..count).map(|index| entry(index).build()).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(failed)?;
        all_done(answer.failed.len())
    }

    /// Waits for messages; the receipts of up to ten, or of one.
    pub(crate) async fn receive(&self) -> Result<Vec<String>, BoxError> {
        let request = self.client.receive_message().queue_url(&self.url).wait_time_seconds(WAIT);
        let most = i32::try_from(self.batching.size())?;
        let answer = request.max_number_of_messages(most).send().await.map_err(failed)?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(|message| message.receipt_handle).collect())
    }

    /// Deletes messages by their receipts, as many with a request as go.
    pub(crate) async fn delete(&self, receipts: &[String]) -> Result<(), BoxError> {
        for receipts in receipts.chunks(self.batching.size()) {
            match (self.batching, receipts) {
                (Batching::Ones, [receipt]) => {
                    let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
                    request.send().await.map_err(failed)?;
                }
                _ => self.delete_batch(receipts).await?,
            }
        }
        Ok(())
    }

    async fn delete_batch(&self, receipts: &[String]) -> Result<(), BoxError> {
        let entry = |(index, receipt): (usize, &String)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
        };
        let entries = receipts.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(failed)?;
        all_done(answer.failed.len())
    }
}

/// A floor is measured where nothing fails, or it is none.
fn all_done(failed: usize) -> Result<(), BoxError> {
    if failed == 0 { Ok(()) } else { Err(format!("SQS has failed {failed} entries of a batch").into()) }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(error: E) -> BoxError {
    DisplayErrorContext(error).to_string().into()
}
