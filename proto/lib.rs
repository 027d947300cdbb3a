//! The public API of the compute service, `compute.v1`, generated from `proto/` at build time, its limits, and its form on
//! the queues.

pub mod validate;
pub mod wire;

/// Messages and client of the package `compute.v1`. The documentation of each is in `proto/compute/v1/compute.proto`.
pub mod v1 {
    #![allow(missing_docs, clippy::all, clippy::unwrap_used, unreachable_pub)]
    tonic::include_proto!("compute.v1");
}

/// The serialized `google.protobuf.FileDescriptorSet` of the API, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("compute.v1");

/// The name of the method `Compute`, as gRPC addresses it and as messages on the request queue name it.
pub const COMPUTE_METHOD: &str = "compute.v1.ComputeService/Compute";
