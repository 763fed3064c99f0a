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

/// Refuses files that import each other, by taking away those that import nothing
/// that is left until there are none. Each file and each import is looked at once
/// (Kahn 1962, *Topological sorting of large networks*, Communications of the ACM
/// 5(11)).
fn check_imports(files: &[FileDescriptorProto]) -> Result<(), String> {
    let by_name: BTreeMap<&str, &FileDescriptorProto> =
        files.iter().map(|file| (file.name(), file)).collect();
    let mut importers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // How many of its imports are left, for each file that is.
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, file) in &by_name {
        let imports = file.dependency.iter().map(String::as_str);
        let mut count = 0;
        for import in imports.filter(|import| by_name.contains_key(import)) {
            importers.entry(import).or_default().push(name);
            count += 1;
        }
        left.insert(name, count);
    }
    let mut free: Vec<&str> = left
        .keys()
        .copied()
        .filter(|name| left[name] == 0)
        .collect();
    while let Some(name) = free.pop() {
        left.remove(name);
        for importer in importers.remove(name).unwrap_or_default() {
            if let Some(imports) = left.get_mut(importer) {
                *imports -= 1;
                if *imports == 0 {
                    free.push(importer);
                }
            }
        }
    }
    match left.first_key_value() {
        None => Ok(()),
        Some((name, _)) => Err(format!("{name} imports itself, or a file that does")),
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
