//! Server reflection (`grpc.reflection.v1`) for whatever a pool has: the names of
//! its services, and for a file or a symbol the file with all that it imports.
//! Options come whole, `google.api.http` included.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use prost::Message;
use prost_reflect::{DescriptorPool, FileDescriptor};
use tonic_reflection::pb::v1::{
    ErrorResponse, FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse, server_reflection_request::MessageRequest as Ask,
    server_reflection_response::MessageResponse as Answer,
};

use super::{
    Status,
    call::{Gone, Out, framed},
};

pub(super) const PATH: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

const NOT_FOUND: i32 = 5;
const UNIMPLEMENTED: i32 = 12;

/// Answers every question of the stream.
pub(super) async fn converse(
    pool: &DescriptorPool,
    mut body: RecvStream,
    out: &mut Out,
) -> Result<(), Gone> {
    let mut unread = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(|_| Gone)?;
        let released = body.flow_control().release_capacity(piece.len());
        released.map_err(|_| Gone)?;
        unread.extend_from_slice(&piece);
        while let Some(message) = next(&mut unread) {
            let question = ServerReflectionRequest::decode(message).map_err(|_| Gone)?;
            let answer = ServerReflectionResponse {
                valid_host: question.host.clone(),
                message_response: Some(answer(pool, question.message_request.as_ref())),
                original_request: Some(question),
            };
            out.send(framed(&answer.encode_to_vec())).await?;
        }
    }
    out.end(&Status::default(), ::http::HeaderMap::new())
}

/// The next whole message, if it has come.
fn next(unread: &mut BytesMut) -> Option<Bytes> {
    let length = unread.get(1..5)?.try_into().map(u32::from_be_bytes).ok()? as usize;
    if unread.len() < 5 + length {
        return None;
    }
    Some(unread.split_to(5 + length).split_off(5).freeze())
}

fn answer(pool: &DescriptorPool, question: Option<&Ask>) -> Answer {
    let file = match question {
        Some(Ask::ListServices(_)) => return services(pool),
        Some(Ask::FileByFilename(name)) => pool.get_file_by_name(name),
        Some(Ask::FileContainingSymbol(symbol)) => containing(pool, symbol),
        _ => return error(UNIMPLEMENTED, "not asked for by any test"),
    };
    let Some(file) = file else {
        return error(NOT_FOUND, "there is no such file or symbol");
    };
    let mut files = BTreeMap::new();
    collect(&file, &mut files);
    Answer::FileDescriptorResponse(FileDescriptorResponse {
        file_descriptor_proto: files.into_values().collect(),
    })
}

fn services(pool: &DescriptorPool) -> Answer {
    let names = pool
        .services()
        .map(|service| service.full_name().to_owned());
    Answer::ListServicesResponse(ListServiceResponse {
        service: names.map(|name| ServiceResponse { name }).collect(),
    })
}

fn containing(pool: &DescriptorPool, symbol: &str) -> Option<FileDescriptor> {
    let service = pool
        .get_service_by_name(symbol)
        .map(|found| found.parent_file());
    let message = || {
        pool.get_message_by_name(symbol)
            .map(|found| found.parent_file())
    };
    let an_enum = || {
        pool.get_enum_by_name(symbol)
            .map(|found| found.parent_file())
    };
    service.or_else(message).or_else(an_enum)
}

fn collect(file: &FileDescriptor, files: &mut BTreeMap<String, Vec<u8>>) {
    if files
        .insert(file.name().to_owned(), file.encode_to_vec())
        .is_none()
    {
        for import in file.dependencies() {
            collect(&import, files);
        }
    }
}

fn error(code: i32, message: &str) -> Answer {
    Answer::ErrorResponse(ErrorResponse {
        error_code: code,
        error_message: message.to_owned(),
    })
}
