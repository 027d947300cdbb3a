//! The end-to-end promises, each through real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod aws_port;
mod calls;
mod chaos;
mod chaos_calls;
mod claims;
mod drain;
mod edge;
mod edge_limits;
mod edge_tokens;
mod endings;
mod endpoint;
mod grpc_web;
mod http1;
mod kit;
mod large;
mod last_delivery;
mod log;
mod log_batches;
mod log_deletion;
mod log_kit;
mod log_model;
mod operations;
mod operations_kit;
mod operations_list;
mod operations_repeat;
mod operator;
mod page;
mod payloads;
mod proxy;
mod recorded_calls;
mod reply_queues;
mod responder;
mod s3;
mod s3_files;
mod s3_lifecycle;
mod s3_multipart;
mod stream;
mod tenants;
