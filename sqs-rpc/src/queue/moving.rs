//! Where the dead letters of a queue go, and the tasks of SQS that move them back.

use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, QueueAttributeName};

use super::{Queue, QueueError, Sqs};

/// A move task, as SQS reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoveTask {
    /// `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
    pub(crate) status: String,
    pub(crate) moved: u64,
    /// Messages there were at the start, if the task has counted them.
    pub(crate) to_move: Option<u64>,
    pub(crate) failure: Option<String>,
    /// Unix milliseconds, on SQS's clock.
    pub(crate) started: i64,
}

impl MoveTask {
    fn new(entry: &ListMessageMoveTasksResultEntry) -> Self {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Self {
            status: entry.status().unwrap_or_default().to_owned(),
            moved: count(entry.approximate_number_of_messages_moved()),
            to_move: entry.approximate_number_of_messages_to_move().map(count),
            failure: entry.failure_reason().map(str::to_owned),
            started: entry.started_timestamp(),
        }
    }
}

impl Sqs {
    /// The queue with this ARN, `arn:<partition>:sqs:<region>:<account>:<name>`, which is looked up.
    pub(crate) async fn queue_of_arn(&self, arn: &str) -> Result<Queue, QueueError> {
        let mut parts = arn.rsplitn(3, ':');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let request = self.client.get_queue_url().queue_name(name).queue_owner_aws_account_id(account);
        let answer = request.send().await.map_err(|error| QueueError::from_sdk("GetQueueUrl", arn, &error))?;
        Ok(self.queue_at(answer.queue_url().unwrap_or_default()))
    }
}

impl Queue {
    /// The queue's `RedrivePolicy`, if it has one.
    pub(crate) async fn redrive_policy(&self) -> Result<Option<String>, QueueError> {
        let wanted = QueueAttributeName::RedrivePolicy;
        let request = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(wanted.clone());
        let answer = request.send().await.map_err(|error| self.error("GetQueueAttributes", &error))?;
        Ok(answer.attributes.and_then(|mut attributes| attributes.remove(&wanted)))
    }

    /// Starts to move all messages of this queue, whose ARN this is, to the queues that they came from.
    pub(crate) async fn start_move(&self, arn: &str, max_per_second: Option<u32>) -> Result<(), QueueError> {
        let rate = max_per_second.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX));
        let request = self.client.start_message_move_task().source_arn(arn);
        let answer = request.set_max_number_of_messages_per_second(rate).send().await;
        answer.map_err(|error| self.error("StartMessageMoveTask", &error))?;
        Ok(())
    }

    /// The move task of this queue, whose ARN this is, that was started last.
    pub(crate) async fn latest_move(&self, arn: &str) -> Result<Option<MoveTask>, QueueError> {
        let answer = self.client.list_message_move_tasks().source_arn(arn).max_results(10).send().await;
        let answer = answer.map_err(|error| self.error("ListMessageMoveTasks", &error))?;
        Ok(answer.results().iter().map(MoveTask::new).max_by_key(|task| task.started))
    }
}
