//! One function per action: read the parameters, ask the queue, shape the answer.

mod acknowledge;
mod move_tasks;
mod queues;
mod receive;
mod send;
mod tags;
