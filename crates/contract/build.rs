//! Generates the messages and service traits from the files of `proto/`, with a
//! compiler written in Rust so that no `protoc` is needed.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 2] = ["services.proto", "streams.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let proto_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    for file in FILES {
        println!("cargo:rerun-if-changed={}", proto_dir.join(file).display());
    }

    let mut compiler = protox::Compiler::new([&proto_dir])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("services.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
