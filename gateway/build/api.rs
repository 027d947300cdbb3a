//! Generates the server side of `ComputeService` from `proto/`, with a type of the gateway's own for the messages of a stream.
//! All other messages are those of `compute-proto`.

use std::error::Error;

/// Writes the module that `src/api.rs` includes.
pub(crate) fn generate() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../proto/compute");

    let descriptors = protox::compile(["compute/v1/compute.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .extern_path(".compute.v1", "::compute_proto::v1")
        .extern_path(".compute.v1.ComputeStreamRequest", "crate::stream::PackedRequest")
        .compile_fds(descriptors)?;
    Ok(())
}
