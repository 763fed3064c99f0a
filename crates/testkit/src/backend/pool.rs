//! Descriptor pools and messages, as tests make and compare them.

use std::path::{Path, PathBuf};

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, ReflectMessage,
    SerializeOptions,
};
use protox::{
    Compiler,
    file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver},
};
use serde_json::Value;

/// Where the files of `google.api` are that our gateway has built in.
const GOOGLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../describe/protos");

/// Compiles `.proto` files, with what lies beside them. Fails the test when they
/// are wrong.
#[track_caller]
pub fn compile(files: &[PathBuf]) -> DescriptorPool {
    let folders = files.iter().filter_map(|file| file.parent());
    let mut includes: Vec<_> = folders.map(Path::to_owned).collect();
    includes.push(GOOGLE.into());
    match compile_in(files, &includes) {
        Ok(pool) => pool,
        Err(error) => panic!("{error}"),
    }
}

/// Compiles `.proto` files whose imports are in these folders, Google's well-known
/// ones aside.
///
/// # Errors
///
/// What is wrong with them, and where.
pub fn compile_in(files: &[PathBuf], includes: &[PathBuf]) -> Result<DescriptorPool, String> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(GoogleFileResolver::new());
    for include in includes {
        resolver.add(IncludeFileResolver::new(include.clone()));
    }
    let mut compiler = Compiler::with_file_resolver(resolver);
    match compiler.include_imports(true).open_files(files) {
        Ok(compiler) => Ok(compiler.descriptor_pool()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A message by full name, from the JSON of its fields.
#[track_caller]
pub fn message(pool: &DescriptorPool, full_name: &str, fields: Value) -> DynamicMessage {
    let Some(descriptor) = pool.get_message_by_name(full_name) else {
        panic!("there is no message {full_name}");
    };
    let options = DeserializeOptions::new();
    match DynamicMessage::deserialize_with_options(descriptor, fields, &options) {
        Ok(message) => message,
        Err(error) => panic!("no {full_name}: {error}"),
    }
}

/// A message as JSON: original names, and only the fields that are set.
pub fn json_of(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(true);
    let json = message.serialize_with_options(serde_json::value::Serializer, &options);
    json.unwrap_or_else(|error| Value::String(format!("not JSON: {error}")))
}

/// An answer that has the request's fields where it knows them by name and type.
pub(super) fn echo(request: &DynamicMessage, output: MessageDescriptor) -> DynamicMessage {
    if request.descriptor() == output {
        return request.clone();
    }
    let mut answer = DynamicMessage::new(output.clone());
    for (field, value) in request.fields() {
        let same = output.get_field_by_name(field.name()).filter(|same| {
            same.kind() == field.kind() && same.cardinality() == field.cardinality()
        });
        if let Some(same) = same {
            answer.set_field(&same, value.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_echo_has_the_fields_that_both_know() {
        let proto = "syntax = \"proto3\";
            message In { string name = 1; int32 size = 2; repeated string tags = 3; }
            message Out { string name = 7; int64 size = 2; repeated string tags = 3; }";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("echo.proto");
        std::fs::write(&file, proto).expect("written");
        let pool = compile(&[file]);
        let sent = message(&pool, "In", json!({"name": "a", "size": 1, "tags": ["x"]}));
        let output = pool.get_message_by_name("Out").expect("a message");
        // A size of another type is another thing.
        assert_eq!(
            json_of(&echo(&sent, output)),
            json!({"name": "a", "tags": ["x"]})
        );
        assert_eq!(echo(&sent, sent.descriptor()), sent);
    }
}
