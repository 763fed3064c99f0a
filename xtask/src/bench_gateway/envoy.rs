//! Envoy's configuration: a file for each start, and the descriptor set of the
//! services with their routes, made once. The compiler is part of this program, so
//! that nobody needs protoc.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use protox::Compiler;

use super::backend::Backend;

const TEMPLATE: &str = include_str!("envoy.yaml");
/// Below the repository's root.
const PROTO: &str = "xtask/src/bench_gateway/proto";
const ANNOTATED: &str = "annotated.proto";

/// Lines are formatted and handed to the kernel, and no disk takes part.
const ACCESS_LOG: &str = "/dev/null";

/// Writes the descriptor set into `folder`.
pub(super) fn descriptor_set(root: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let bytes = compile(&root.join(PROTO), ANNOTATED)?.encode_file_descriptor_set();
    written(folder.join("services.pb"), &bytes)
}

/// Writes the configuration of one start into `folder`.
pub(super) fn configuration(
    folder: &Path,
    descriptor_set: &Path,
    port: u16,
    backend: &Backend,
) -> anyhow::Result<PathBuf> {
    let text = filled_in(descriptor_set, port, backend.a_port(), backend.b_port());
    written(folder.join("envoy.yaml"), text.as_bytes())
}

fn filled_in(descriptor_set: &Path, port: u16, a_port: u16, b_port: u16) -> String {
    // A string of JSON is one of YAML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    TEMPLATE
        .replace("$PORT", &port.to_string())
        .replace("$A_PORT", &a_port.to_string())
        .replace("$B_PORT", &b_port.to_string())
        .replace("$ACCESS_LOG", &quoted(ACCESS_LOG))
        .replace(
            "$DESCRIPTOR_SET",
            &quoted(&descriptor_set.to_string_lossy()),
        )
}

fn compile(folder: &Path, file: &str) -> anyhow::Result<Compiler> {
    let mut compiler = Compiler::new([folder])?;
    compiler.include_imports(true);
    compiler
        .open_file(file)
        .with_context(|| format!("cannot compile {file} in {}", folder.display()))?;
    Ok(compiler)
}

fn written(file: PathBuf, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use protox::prost_reflect::DescriptorPool;

    use super::*;
    use crate::folders;

    /// Every method with its messages' fields, as text.
    fn methods(pool: &DescriptorPool) -> Vec<String> {
        let fields = |message: protox::prost_reflect::MessageDescriptor| -> Vec<_> {
            let of = |field: protox::prost_reflect::FieldDescriptor| {
                let name = field.name().to_owned();
                (name, field.number(), field.kind(), field.cardinality())
            };
            message.fields().map(of).collect()
        };
        let services = pool.services().collect::<Vec<_>>();
        let methods = services.iter().flat_map(|service| service.methods());
        let text = methods.map(|method| {
            let streams = (method.is_client_streaming(), method.is_server_streaming());
            let (input, output) = (fields(method.input()), fields(method.output()));
            format!("{} {streams:?} {input:?} {output:?}", method.full_name())
        });
        text.collect()
    }

    #[test]
    fn the_annotated_services_are_the_published_ones() {
        let root = folders::repository().expect("a repository");
        let published = compile(&root.join("proto"), "services.proto").expect("valid");
        let annotated = compile(&root.join(PROTO), ANNOTATED).expect("valid");
        let published = methods(&published.descriptor_pool());
        assert_eq!(published.len(), 2, "{published:?}");
        assert_eq!(methods(&annotated.descriptor_pool()), published);
    }

    #[test]
    fn the_routes_are_in_the_descriptor_set() {
        let root = folders::repository().expect("a repository");
        let compiler = compile(&root.join(PROTO), ANNOTATED).expect("valid");
        let set = compiler.encode_file_descriptor_set();
        for route in [&b"/a/hello"[..], b"/b/numbers", b"/b/array"] {
            let mut parts = set.windows(route.len());
            assert!(parts.any(|part| part == route), "{route:?}");
        }
    }

    #[test]
    fn everything_is_filled_in() {
        let text = filled_in(Path::new("/a folder/\"x\".pb"), 1001, 1002, 1003);
        for part in [
            "port_value: 1001",
            "port_value: 1002",
            "port_value: 1003",
            r#"proto_descriptor: "/a folder/\"x\".pb""#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let left: Vec<_> = text.lines().filter(|line| line.contains(": $")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
