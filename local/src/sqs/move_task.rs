//! Move tasks: dead letters on their way back, or to another queue.
//!
//! A task takes what is visible in the source queue, message by message, until nothing is; what is in flight stays. As on AWS, a
//! moved message is a new one: new id, new time of sending, receive count 0. One task runs per source queue at a time; the last
//! ten are remembered.
//!
//! Source: [StartMessageMoveTask](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html) and
//! [its redrive guide](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::yield_now;
use tokio::time::sleep;
use uuid::Uuid;

use super::error::SqsError;
use super::queue::{Queue, now};
use super::queue_state::{Message, Millis, QueueState};
use super::registry::Registry;

const REMEMBERED: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Running,
    Cancelling,
    Cancelled,
    Completed,
    Failed,
}

#[derive(Debug)]
struct Progress {
    status: Status,
    moved: u64,
    failure: Option<&'static str>,
}

/// One task.
#[derive(Debug)]
pub(super) struct MoveTask {
    id: Uuid,
    source: Arc<Queue>,
    /// `None`: to the queue that each message came from.
    destination: Option<Arc<Queue>>,
    /// Messages a second; `None`: as fast as it goes.
    rate: Option<u64>,
    started_at: Millis,
    to_move: usize,
    progress: Mutex<Progress>,
}

/// A task as `ListMessageMoveTasks` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaskReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: Status,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u64>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    started_timestamp: Millis,
}

impl MoveTask {
    pub(super) fn new(source: Arc<Queue>, destination: Option<Arc<Queue>>, rate: Option<u64>) -> Self {
        let to_move = source.with(|state, now| state.counts(now).visible);
        let progress = Mutex::new(Progress { status: Status::Running, moved: 0, failure: None });
        Self { id: Uuid::new_v4(), source, destination, rate, started_at: now(), to_move, progress }
    }

    /// What stands for the task in later calls.
    pub(super) fn handle(&self) -> String {
        self.id.to_string()
    }

    fn report(&self) -> TaskReport {
        let progress = self.progress();
        TaskReport {
            task_handle: (progress.status == Status::Running).then(|| self.handle()),
            status: progress.status,
            source_arn: self.source.arn.to_string(),
            destination_arn: self.destination.as_ref().map(|queue| queue.arn.to_string()),
            max_number_of_messages_per_second: self.rate,
            approximate_number_of_messages_moved: progress.moved,
            approximate_number_of_messages_to_move: self.to_move,
            failure_reason: progress.failure,
            started_timestamp: self.started_at,
        }
    }

    fn is_active(&self) -> bool {
        matches!(self.progress().status, Status::Running | Status::Cancelling)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, registry: Arc<Registry>) {
        while self.step(&registry) {
            match self.rate {
                Some(rate) => sleep(Duration::from_secs(1) / u32::try_from(rate).unwrap_or(1)).await,
                None => yield_now().await,
            }
        }
    }

    /// Moves one message. False once the task has ended.
    fn step(&self, registry: &Registry) -> bool {
        let mut progress = self.progress();
        if progress.status == Status::Cancelling {
            progress.status = Status::Cancelled;
            return false;
        }
        let Some(message) = self.source.with(QueueState::take_out) else {
            progress.status = Status::Completed;
            return false;
        };
        match self.destination_of(&message, registry) {
            Ok(destination) => {
                let content = Arc::new(message.content.with_new_id());
                destination.with(|state, now| state.take_in(Message::new(content, now)));
                progress.moved += 1;
                true
            }
            Err(reason) => {
                self.source.with(|state, _| state.take_in(message));
                progress.status = Status::Failed;
                progress.failure = Some(reason);
                false
            }
        }
    }

    fn destination_of(&self, message: &Message, registry: &Registry) -> Result<Arc<Queue>, &'static str> {
        let destination = match &self.destination {
            Some(destination) => Some(Arc::clone(destination)).filter(|queue| !queue.is_deleted()),
            None => {
                let source = message.dead_letter_source.as_ref().ok_or("CouldNotDetermineMessageSource")?;
                registry.by_arn(source)
            }
        };
        destination.ok_or("AWS.SimpleQueueService.NonExistentQueue")
    }
}

/// The tasks of all queues, newest first, by the source queue's id.
#[derive(Debug, Default)]
pub(super) struct MoveTasks {
    tasks: Mutex<HashMap<u64, VecDeque<Arc<MoveTask>>>>,
}

impl MoveTasks {
    /// Starts a task, in the background.
    ///
    /// # Errors
    ///
    /// [`UnsupportedOperation`](SqsError::UnsupportedOperation) while another one runs on the same source.
    pub(super) fn start(&self, task: MoveTask, registry: Arc<Registry>) -> Result<Arc<MoveTask>, SqsError> {
        let mut tasks = self.tasks();
        let of_source = tasks.entry(task.source.id).or_default();
        if of_source.iter().any(|task| task.is_active()) {
            let message = "There is already a task running. Only one active task is allowed for a source queue arn at a given time.";
            return Err(SqsError::UnsupportedOperation(message.to_owned()));
        }
        let task = Arc::new(task);
        of_source.push_front(Arc::clone(&task));
        of_source.truncate(REMEMBERED);
        tokio::spawn(Arc::clone(&task).run(registry));
        Ok(task)
    }

    pub(super) fn latest(&self, source: &Queue, limit: usize) -> Vec<TaskReport> {
        self.tasks().get(&source.id).into_iter().flatten().take(limit).map(|task| task.report()).collect()
    }

    /// Tells a running task to end and says how many messages it has moved.
    pub(super) fn cancel(&self, handle: &str) -> Result<u64, SqsError> {
        let tasks = self.tasks();
        let task = tasks.values().flatten().find(|task| task.handle() == handle);
        let mut progress = task.map(|task| task.progress()).filter(|progress| progress.status == Status::Running);
        match &mut progress {
            Some(progress) => {
                progress.status = Status::Cancelling;
                Ok(progress.moved)
            }
            None => Err(SqsError::ResourceNotFound("The specified task doesn't exist or is not running.".to_owned())),
        }
    }

    /// Ends and forgets the tasks of a queue that is deleted.
    pub(super) fn forget(&self, source: &Queue) {
        for task in self.tasks().remove(&source.id).into_iter().flatten() {
            let mut progress = task.progress();
            if progress.status == Status::Running {
                progress.status = Status::Cancelling;
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<u64, VecDeque<Arc<MoveTask>>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
