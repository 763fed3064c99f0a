//! The files that a server has sent, and which of their imports are missing. Pure.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::FileDescriptorProto;

/// Files by name. They stay the bytes they came as, so that options which this
/// program does not know are kept.
#[derive(Default)]
pub(super) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    /// Imports of these files that were not looked for yet.
    imports: Vec<Import>,
}

/// A file that another needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) name: String,
    /// The file that imports it.
    pub(super) by: String,
}

/// Bytes that are no file.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) prost::DecodeError);

impl Files {
    /// Adds a file, unless one of its name is there.
    pub(super) fn add(&mut self, bytes: Vec<u8>) -> Result<(), Unreadable> {
        let file = FileDescriptorProto::decode(&bytes[..]).map_err(Unreadable)?;
        let by = file.name.unwrap_or_default();
        if !self.contains(&by) {
            let imports = file.dependency.into_iter();
            self.imports.extend(imports.map(|name| Import {
                name,
                by: by.clone(),
            }));
            self.files.insert(by, bytes);
        }
        Ok(())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The next import that is not there; each is told once.
    pub(super) fn missing(&mut self) -> Option<Import> {
        while let Some(import) = self.imports.pop() {
            if !self.contains(&import.name) {
                return Some(import);
            }
        }
        None
    }

    /// All of them as a serialized `FileDescriptorSet`.
    pub(super) fn into_set(self) -> Vec<u8> {
        let file = self.files.into_values().collect();
        FileSet { file }.encode_to_vec()
    }
}

/// A `FileDescriptorSet`, whose messages look on the wire as bytes do.
#[derive(Clone, PartialEq, Message)]
struct FileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, imports: &[&str]) -> Vec<u8> {
        let file = FileDescriptorProto {
            name: Some(name.to_owned()),
            dependency: imports.iter().map(|&import| import.to_owned()).collect(),
            ..FileDescriptorProto::default()
        };
        file.encode_to_vec()
    }

    #[test]
    fn what_is_imported_and_not_there_is_missing() {
        let mut files = Files::default();
        files.add(file("a", &["b", "c"])).expect("a file");
        files.add(file("b", &["c"])).expect("a file");
        files.add(file("b", &["never looked at"])).expect("a file");
        let import = |name: &str, by: &str| Import {
            name: name.to_owned(),
            by: by.to_owned(),
        };
        assert_eq!(files.missing(), Some(import("c", "b")));
        files.add(file("c", &["a"])).expect("a file");
        assert_eq!(files.missing(), None);
        let set = prost_types::FileDescriptorSet::decode(&files.into_set()[..]);
        let names: Vec<_> = set.expect("a set").file;
        let names: Vec<_> = names.iter().map(FileDescriptorProto::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn bytes_that_are_no_file_are_refused() {
        assert!(Files::default().add(vec![0xff]).is_err());
    }
}
