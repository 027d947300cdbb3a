//! Actions on move tasks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sqs::Sqs;
use crate::sqs::error::SqsError;
use crate::sqs::move_task::{MoveTask, TaskReport};
use crate::sqs::protocol::{Answer, in_range, required};
use crate::sqs::queue::Queue;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct StartInput {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct ListInput {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct CancelInput {
    task_handle: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartOutput {
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput {
    results: Vec<TaskReport>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CancelOutput {
    approximate_number_of_messages_moved: u64,
}

impl Sqs {
    pub(in crate::sqs) fn start_message_move_task(&self, input: StartInput) -> Result<Answer, SqsError> {
        let source = self.queue_of_arn("SourceArn", input.source_arn)?;
        let rate = in_range("MaxNumberOfMessagesPerSecond", input.max_number_of_messages_per_second, 1, 500)?;
        let sources = self.registry.dead_letter_sources(&source);
        if sources.is_empty() {
            let message = "Source queue must be configured as a Dead Letter Queue.";
            return Err(SqsError::InvalidParameterValue(message.to_owned()));
        }
        let destination = match input.destination_arn {
            Some(arn) => Some(self.queue_of_arn("DestinationArn", Some(arn))?),
            None => None,
        };
        if destination.as_ref().is_some_and(|destination| destination.id == source.id) {
            let message = "Source queue arn and destination queue arn cannot be the same.";
            return Err(SqsError::InvalidParameterValue(message.to_owned()));
        }
        let task = self.move_tasks.start(MoveTask::new(source, destination, rate), Arc::clone(&self.registry))?;
        Ok(Answer::new(&StartOutput { task_handle: task.handle() }))
    }

    pub(in crate::sqs) fn list_message_move_tasks(&self, input: &ListInput) -> Result<Answer, SqsError> {
        let source = self.queue_of_arn("SourceArn", input.source_arn.clone())?;
        let limit = in_range("MaxResults", input.max_results, 1, 10)?.unwrap_or(1);
        let results = self.move_tasks.latest(&source, usize::try_from(limit).unwrap_or(1));
        Ok(Answer::new(&ListOutput { results }))
    }

    pub(in crate::sqs) fn cancel_message_move_task(&self, input: &CancelInput) -> Result<Answer, SqsError> {
        let handle = required("TaskHandle", input.task_handle.as_deref())?;
        let moved = self.move_tasks.cancel(handle)?;
        Ok(Answer::new(&CancelOutput { approximate_number_of_messages_moved: moved }))
    }

    fn queue_of_arn(&self, parameter: &'static str, arn: Option<String>) -> Result<Arc<Queue>, SqsError> {
        let arn = required(parameter, arn)?;
        self.registry.by_arn(&arn).ok_or_else(|| {
            let message = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
            SqsError::ResourceNotFound(message)
        })
    }
}
