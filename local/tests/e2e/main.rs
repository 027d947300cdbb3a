//! The end-to-end promises, each through real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod aws_port;
mod calls;
mod chaos;
mod chaos_calls;
mod drain;
mod edge;
mod endings;
mod endpoint;
mod grpc_web;
mod http1;
mod kit;
mod large;
mod operator;
mod payloads;
mod proxy;
mod reply_queues;
mod responder;
mod s3;
mod s3_files;
mod s3_multipart;
mod stream;
mod tenants;
