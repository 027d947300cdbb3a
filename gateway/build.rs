//! Generates the server side of `ComputeService` from `proto/`, with a type of the gateway's own for the messages of a stream.
//! All other messages are those of `compute-proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../proto/compute");

    let descriptors = protox::compile(["compute/v1/compute.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .extern_path(".compute.v1", "::compute_proto::v1")
        .extern_path(".compute.v1.ComputeStreamRequest", "crate::stream::PackedRequest")
        .compile_fds(descriptors)?;
    Ok(())
}
