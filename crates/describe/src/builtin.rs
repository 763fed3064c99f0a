//! The files of `google.api` and `google.rpc` that services import and folders of
//! `.proto` files often lack. In: a file's name; out: the file. Status and error
//! details come from the gRPC library, which ships their descriptors; no small
//! crate ships those of `google.api`, so that these are written here, as far as
//! annotations need them. Whatever a user brings has precedence.

use prost::Message;
use prost_reflect::{DescriptorPool, FileDescriptor};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use protox::{
    Error,
    file::{File, FileResolver},
};

/// What is written here: names and texts.
const TEXTS: [(&str, &str); 7] = [
    (
        "google/api/annotations.proto",
        include_str!("../protos/google/api/annotations.proto"),
    ),
    (
        "google/api/client.proto",
        include_str!("../protos/google/api/client.proto"),
    ),
    (
        "google/api/field_behavior.proto",
        include_str!("../protos/google/api/field_behavior.proto"),
    ),
    (
        "google/api/http.proto",
        include_str!("../protos/google/api/http.proto"),
    ),
    (
        "google/api/httpbody.proto",
        include_str!("../protos/google/api/httpbody.proto"),
    ),
    (
        "google/api/resource.proto",
        include_str!("../protos/google/api/resource.proto"),
    ),
    (
        "google/rpc/code.proto",
        include_str!("../protos/google/rpc/code.proto"),
    ),
];

/// Well-known types that are messages in themselves, as details of errors are.
const WELL_KNOWN: [&str; 7] = [
    "google/protobuf/any.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/wrappers.proto",
];

/// Resolves the names of the built-in files.
pub(crate) struct BuiltIn;

impl FileResolver for BuiltIn {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        if let Some((_, text)) = TEXTS.iter().find(|(known, _)| *known == name) {
            return File::from_source(name, text);
        }
        let shipped = google_rpc().find(|file| file.name() == name);
        shipped.map_or_else(|| Err(Error::file_not_found(name)), |file| Ok(file.into()))
    }
}

/// Adds the types of error details to `pool` as far as it lacks them.
pub(crate) fn add_details(pool: &mut DescriptorPool) {
    let global = DescriptorPool::global();
    let well_known = WELL_KNOWN
        .iter()
        .filter_map(|name| global.get_file_by_name(name));
    let well_known = well_known.map(|file: FileDescriptor| file.file_descriptor_proto().clone());
    let mut files: Vec<_> = well_known.chain(google_rpc()).collect();
    for file in &mut files {
        let package = file.package().to_owned();
        file.message_type.retain(|message| {
            let name = format!("{package}.{}", message.name());
            pool.get_message_by_name(&name).is_none()
        });
    }
    files.retain(|file| {
        !file.message_type.is_empty() && pool.get_file_by_name(file.name()).is_none()
    });
    // Together they need nothing else. Where something of the pool is in the way,
    // the others may still be added, those first that others import.
    if !add(pool, files.clone()) {
        for file in files {
            add(pool, vec![file]);
        }
    }
}

/// Adds the files to `pool`, if that is possible.
fn add(pool: &mut DescriptorPool, files: Vec<FileDescriptorProto>) -> bool {
    // To a copy: one that has refused files may have lost extensions.
    let mut with = pool.clone();
    let is_added = with.add_file_descriptor_protos(files).is_ok();
    if is_added {
        *pool = with;
    }
    is_added
}

/// The files of `google.rpc` that the gRPC library ships, which knows them by the
/// last part of their names.
fn google_rpc() -> impl Iterator<Item = FileDescriptorProto> {
    let set = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET);
    let files = set.unwrap_or_default().file.into_iter();
    files
        .filter(|file| file.package() == "google.rpc")
        .map(|file| {
            let name = file.name().rsplit('/').next().unwrap_or_default();
            FileDescriptorProto {
                name: Some(format!("google/rpc/{name}")),
                ..file
            }
        })
}

#[cfg(test)]
mod tests;
