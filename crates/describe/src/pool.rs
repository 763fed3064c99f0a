//! Descriptor sets, from bytes to a pool. A step of its own because the library
//! trusts sets to come from a compiler: it panics on a syntax that it does not
//! know, which every file in a protobuf edition has, and never comes back from
//! files that import each other. A set may come from any server.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// What is described by a serialized `FileDescriptorSet`; or why nothing is.
pub(crate) fn read(set: &[u8]) -> Result<DescriptorPool, String> {
    let files = FileDescriptorSet::decode(set).map_err(|error| error.to_string())?;
    for file in &files.file {
        check_syntax(file)?;
    }
    check_imports(&files.file)?;
    DescriptorPool::decode(set).map_err(|error| error.to_string())
}

/// Refuses files that import each other, by taking away, again and again, those
/// that import nothing that is left.
fn check_imports(files: &[FileDescriptorProto]) -> Result<(), String> {
    let mut left: BTreeMap<_, _> = files.iter().map(|file| (file.name(), file)).collect();
    loop {
        let before = left.len();
        let names: Vec<_> = left.keys().copied().collect();
        let is_left = |name: &String| names.binary_search(&name.as_str()).is_ok();
        left.retain(|_, file| file.dependency.iter().any(is_left));
        match left.first_key_value() {
            None => return Ok(()),
            Some((name, _)) if left.len() == before => {
                return Err(format!("{name} imports itself, or a file that does"));
            }
            Some(_) => {}
        }
    }
}

fn check_syntax(file: &FileDescriptorProto) -> Result<(), String> {
    match file.syntax.as_deref() {
        None | Some("proto2" | "proto3") => Ok(()),
        Some("editions") => Err(format!(
            "{} is written in a protobuf edition; only proto2 and proto3 are read yet",
            file.name()
        )),
        Some(other) => Err(format!(
            "{} has the syntax {other:?}; only proto2 and proto3 are read",
            file.name()
        )),
    }
}

#[cfg(test)]
mod tests;
