//! Answers of server reflection, one a question. In: what the upstreams describe of
//! themselves; out: names, and files with all that they import, since two upstreams may
//! have different files of one name.

use std::collections::{BTreeSet, HashSet};

use prost_reflect::{DescriptorPool, FileDescriptor};
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{respond::Code, table::Table};

/// Bytes of the files of one answer; clients take 4 MiB unless told otherwise. Beyond it
/// a file comes alone, and the client asks for what it imports.
const FILES_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Versions v1 and v1alpha have the same messages.
pub(super) fn answer(
    table: &Table,
    own: &[DescriptorPool],
    question: ServerReflectionRequest,
) -> ServerReflectionResponse {
    let mut pools = table.pools().iter().chain(own);
    let answer = match &question.message_request {
        Some(MessageRequest::ListServices(_)) => Some(services(table)),
        Some(MessageRequest::FileByFilename(name)) => pools
            .find_map(|pool| pool.get_file_by_name(name))
            .map(|file| files(&file)),
        Some(MessageRequest::FileContainingSymbol(name)) => {
            let name = name.trim_start_matches('.');
            pools
                .find_map(|pool| symbol(pool, name))
                .map(|file| files(&file))
        }
        Some(MessageRequest::FileContainingExtension(asked)) => {
            let number = u32::try_from(asked.extension_number).unwrap_or_default();
            let found = pools.find_map(|pool| {
                let message = pool.get_message_by_name(&asked.containing_type)?;
                let mut extensions = message.extensions();
                extensions.find(|extension| extension.number() == number)
            });
            found.map(|extension| files(&extension.parent_file()))
        }
        Some(MessageRequest::AllExtensionNumbersOfType(name)) => numbers(pools, name),
        None => Some(error(Code::InvalidArgument, "nothing is asked".to_owned())),
    };
    let answer = answer.unwrap_or_else(|| error(Code::NotFound, "nothing of that name".to_owned()));
    ServerReflectionResponse {
        valid_host: question.host.clone(),
        original_request: Some(question),
        message_response: Some(answer),
    }
}

fn error(code: Code, message: String) -> MessageResponse {
    MessageResponse::ErrorResponse(ErrorResponse {
        error_code: i32::try_from(code.number()).unwrap_or_default(),
        error_message: message,
    })
}

/// What is served, with the gateway's own.
fn services(table: &Table) -> MessageResponse {
    let names: BTreeSet<_> = table
        .services()
        .map(ToOwned::to_owned)
        .chain(super::names())
        .collect();
    let services = names.into_iter().map(|name| ServiceResponse { name });
    MessageResponse::ListServicesResponse(ListServiceResponse {
        service: services.collect(),
    })
}

/// The file that declares `name`, whatever kind of thing it is.
fn symbol(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    declared(pool, name).or_else(|| {
        // A method, a field or a value.
        let (parent, member) = name.rsplit_once('.')?;
        if let Some(service) = pool.get_service_by_name(parent) {
            let has = service.methods().any(|method| method.name() == member);
            return has.then(|| service.parent_file());
        }
        if let Some(message) = pool.get_message_by_name(parent) {
            let has = message.get_field_by_name(member).is_some()
                || message.oneofs().any(|oneof| oneof.name() == member);
            return has.then(|| message.parent_file());
        }
        let parent = pool.get_enum_by_name(parent)?;
        let has = parent.get_value_by_name(member).is_some();
        has.then(|| parent.parent_file())
    })
}

fn declared(pool: &DescriptorPool, name: &str) -> Option<FileDescriptor> {
    let service = pool.get_service_by_name(name);
    service
        .map(|service| service.parent_file())
        .or_else(|| Some(pool.get_message_by_name(name)?.parent_file()))
        .or_else(|| Some(pool.get_enum_by_name(name)?.parent_file()))
        .or_else(|| Some(pool.get_extension_by_name(name)?.parent_file()))
}

/// The file and all that it imports, itself first.
fn files(file: &FileDescriptor) -> MessageResponse {
    let first = file.encode_to_vec();
    let mut bytes = first.len();
    let mut written = vec![first];
    let mut seen = HashSet::from([file.name().to_owned()]);
    let mut open: Vec<_> = file.dependencies().collect();
    while let Some(next) = open.pop() {
        if !seen.insert(next.name().to_owned()) {
            continue;
        }
        let encoded = next.encode_to_vec();
        bytes += encoded.len();
        written.push(encoded);
        open.extend(next.dependencies());
    }
    if bytes > FILES_BYTES_MAX {
        written.truncate(1);
    }
    MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
        file_descriptor_proto: written,
    })
}

fn numbers<'p>(
    mut pools: impl Iterator<Item = &'p DescriptorPool>,
    name: &str,
) -> Option<MessageResponse> {
    let message = pools.find_map(|pool| pool.get_message_by_name(name))?;
    let numbers = message.extensions().map(|extension| extension.number());
    let response = ExtensionNumberResponse {
        base_type_name: name.to_owned(),
        extension_number: numbers
            .filter_map(|number| i32::try_from(number).ok())
            .collect(),
    };
    Some(MessageResponse::AllExtensionNumbersResponse(response))
}
