//! Compiles `proto/` with protox, so that no `protoc` has to be installed, and keeps the descriptor set for gRPC reflection.
//! The gateway generates the server for itself.

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/compute");

    let descriptors = protox::compile(["compute/v1/compute.proto"], ["proto"])?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("compute.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
