//! A call, prepared once and made many times: its head, and what makes its
//! message. In: a method, a template of its message as proto3 JSON, metadata;
//! out: heads and framed messages, one for each call or as many as it sends. A message that is the same in every request
//! is encoded once; any other is rendered, parsed and encoded for each, which is
//! a cost of the generator and is why constant messages are told apart.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header, uri::Authority,
};
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::Value;

use super::{MESSAGE_BYTES_MAX, answer::Shape};
use crate::{
    messages::{Pace, Sending},
    template::{Template, TemplateError, Values},
};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("pspd/", env!("CARGO_PKG_VERSION")));

/// One call to a method, ready to be made.
#[derive(Debug)]
pub struct Call {
    head: Request<()>,
    shape: Shape,
    /// Where the method takes a stream.
    sending: Option<Sending>,
    body: Body,
}

/// What makes the message.
#[derive(Debug)]
enum Body {
    /// Framed already.
    Constant(Bytes),
    Template(Template, MessageDescriptor),
}

/// Why a call cannot be made as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The target's name cannot stand in a request.
    #[error("the target {given:?} is not a host and port: {reason}")]
    Authority {
        /// The target as given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The method takes one message, and more were to be sent.
    #[error("{method} takes one message; leave messages and every out")]
    OneMessage {
        /// The method as `package.Service/Method`.
        method: String,
    },
    /// The method answers once, and each message was to wait for an answer.
    #[error("{method} answers once, at the end; give every, or leave it out")]
    OneAnswer {
        /// The method as `package.Service/Method`.
        method: String,
    },
    /// The message is not a template.
    #[error("the message of {method}: {reason}")]
    Template {
        /// The method as `package.Service/Method`.
        method: String,
        /// What is wrong with it.
        #[source]
        reason: TemplateError,
    },
    /// The message has a field that its type does not have.
    #[error("{message} has no field {field:?}; its fields are: {}", .fields.join(", "))]
    Field {
        /// The type of the message.
        message: String,
        /// The path of the field in the given message.
        field: String,
        /// The fields that the type has.
        fields: Vec<String>,
    },
    /// The message is not the JSON of its type.
    #[error("not a message of type {message}: {reason}; the message was {text}")]
    Message {
        /// The type of the message.
        message: String,
        /// What is wrong with it.
        reason: String,
        /// The message as rendered, shortened.
        text: String,
    },
    /// A metadata entry that gRPC has no place for.
    #[error("metadata {name:?}: {problem}")]
    Metadata {
        /// The entry's name as given.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

impl Call {
    /// Prepares calls of `method` at `authority` (a host and a port), which send one
    /// message; see [`Call::sending`]. The message is a template of the request as proto3 JSON; metadata entries whose name
    /// ends in `-bin` have values in base64, the others printable ASCII.
    ///
    /// # Errors
    ///
    /// [`CallError`], also when a rendering of the message would not be one. That
    /// is tried for each alternative of each expression by itself.
    pub fn new(
        authority: &str,
        method: &MethodDescriptor,
        message: &str,
        metadata: &[(String, String)],
    ) -> Result<Self, CallError> {
        let path = format!("{}/{}", method.parent_service().full_name(), method.name());
        let shape = match method.is_server_streaming() {
            false => Shape::Unary,
            true => Shape::Stream,
        };
        let sending = Sending::new(1, Pace::AtOnce).ok();
        let sending = sending.filter(|_| method.is_client_streaming());
        let head = head(authority, &path, metadata)?;
        let template = Template::parse(message).map_err(|reason| CallError::Template {
            method: path,
            reason,
        })?;
        let input = method.input();
        let mut constant = Bytes::new();
        for sample in template.samples() {
            constant = encode(&input, &sample)?;
        }
        let body = if template.is_constant() {
            Body::Constant(constant)
        } else {
            Body::Template(template, input)
        };
        Ok(Call {
            head,
            shape,
            sending,
            body,
        })
    }

    /// The same with so many messages a call, of a method that takes a stream. Each
    /// is a rendering of its own.
    ///
    /// # Errors
    ///
    /// [`CallError`] when the method takes one message, or when each was to wait for
    /// the answer to the one before of a method that answers once.
    pub fn sending(self, sending: Sending) -> Result<Call, CallError> {
        let method = || self.head.uri().path().trim_start_matches('/').to_owned();
        if self.sending.is_none() {
            return Err(CallError::OneMessage { method: method() });
        }
        if self.shape == Shape::Unary && sending.pace == Pace::WhenAnswered {
            return Err(CallError::OneAnswer { method: method() });
        }
        Ok(Call {
            sending: Some(sending),
            ..self
        })
    }

    /// The message of one request, framed.
    ///
    /// # Errors
    ///
    /// When these values make no message of the type although those tried in
    /// [`Call::new`] did: a number that a field has no room for, most likely.
    pub fn message(&self, values: &mut Values) -> Result<Bytes, CallError> {
        match &self.body {
            Body::Constant(message) => Ok(message.clone()),
            Body::Template(template, input) => {
                let mut text = std::mem::take(&mut values.scratch);
                text.clear();
                template.render(values, &mut text);
                let message = encode(input, &text);
                values.scratch = text;
                message
            }
        }
    }

    /// Whether the answer is a stream, whose messages have times of their own.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.shape == Shape::Stream
    }

    /// What it sends, where that is a stream.
    #[must_use]
    pub fn sends(&self) -> Option<Sending> {
        self.sending
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// The head of one request.
    pub(super) fn head(&self, timeout: HeaderValue) -> Request<()> {
        let mut head = self.head.clone();
        head.headers_mut().insert(GRPC_TIMEOUT, timeout);
        head
    }
}

fn head(
    authority: &str,
    path: &str,
    metadata: &[(String, String)],
) -> Result<Request<()>, CallError> {
    let wrong = |reason: &dyn std::error::Error| CallError::Authority {
        given: authority.to_owned(),
        reason: reason.to_string(),
    };
    let authority: Authority = authority.parse().map_err(|error| wrong(&error))?;
    let uri = Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query(format!("/{path}"))
        .build()
        .map_err(|error| wrong(&error))?;
    let mut head = Request::new(());
    *head.method_mut() = Method::POST;
    *head.version_mut() = Version::HTTP_2;
    *head.uri_mut() = uri;
    let headers = head.headers_mut();
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(header::USER_AGENT, USER_AGENT);
    // Keeps its place in the map, so that setting it allocates nothing.
    headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("0m"));
    for (name, value) in metadata {
        add_metadata(headers, name, value).map_err(|problem| CallError::Metadata {
            name: name.clone(),
            problem,
        })?;
    }
    Ok(head)
}

fn add_metadata(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let Ok(header) = HeaderName::try_from(name) else {
        return Err("not a name; use letters, digits, `-`, `_` and `.`".to_owned());
    };
    if is_reserved(&header) {
        return Err("is set by the protocol itself; choose another name".to_owned());
    }
    if header.as_str().ends_with("-bin") && !is_base64(value) {
        return Err(format!(
            "{value:?} is not base64; values of names in -bin are bytes and must be"
        ));
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(format!(
            "{value:?} is not printable ASCII; end the name in -bin and give it as base64"
        ));
    }
    let Ok(value) = HeaderValue::from_str(value) else {
        return Err(format!("{value:?} cannot be sent; use printable ASCII"));
    };
    if header == header::USER_AGENT {
        headers.insert(header, value);
    } else {
        headers.append(header, value);
    }
    Ok(())
}

fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 7] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::HOST,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    name.as_str().starts_with("grpc-") || RESERVED.contains(name)
}

fn is_base64(value: &str) -> bool {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, CONFIG).decode(value).is_ok()
}

/// Flag byte and length.
const PREFIX: usize = 5;

/// The framed message that `text` is the proto3 JSON of.
fn encode(input: &MessageDescriptor, text: &str) -> Result<Bytes, CallError> {
    let refused = |reason: String| CallError::Message {
        message: input.full_name().to_owned(),
        reason,
        text: shortened(text),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(input.clone(), &mut json)
        .and_then(|message| json.end().map(|()| message))
        .map_err(|error| {
            unknown_field(input, text).unwrap_or_else(|| refused(error.to_string()))
        })?;
    let length = message.encoded_len();
    let prefix = match u32::try_from(length) {
        Ok(prefix) if length <= MESSAGE_BYTES_MAX => prefix,
        _ => {
            return Err(refused(format!(
                "{length} bytes, more than the limit of {MESSAGE_BYTES_MAX}"
            )));
        }
    };
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    framed.put_u32(prefix);
    message.encode_raw(&mut framed);
    Ok(framed.freeze())
}

/// Enough of a text to recognise it by.
fn shortened(text: &str) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 200;
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first field of the JSON message that its type does not have: the library
/// names it too, but neither its place nor its neighbours.
fn unknown_field(input: &MessageDescriptor, text: &str) -> Option<CallError> {
    let json: Value = serde_json::from_str(text).ok()?;
    unknown_field_in(input, &json, "")
}

fn unknown_field_in(message: &MessageDescriptor, json: &Value, path: &str) -> Option<CallError> {
    // Their JSON is not that of their fields.
    if message.package_name() == "google.protobuf" {
        return None;
    }
    json.as_object()?.iter().find_map(|(name, value)| {
        let path = match path {
            "" => name.clone(),
            parent => format!("{parent}.{name}"),
        };
        let field = message
            .get_field_by_json_name(name)
            .or_else(|| message.get_field_by_name(name));
        match field {
            Some(field) => unknown_field_below(&field, value, &path),
            // The name of an extension, which the library checks.
            None if name.starts_with('[') => None,
            None => Some(CallError::Field {
                message: message.full_name().to_owned(),
                field: path,
                fields: message
                    .fields()
                    .map(|field| field.name().to_owned())
                    .collect(),
            }),
        }
    })
}

fn unknown_field_below(field: &FieldDescriptor, json: &Value, path: &str) -> Option<CallError> {
    let Kind::Message(message) = field.kind() else {
        return None;
    };
    if field.is_map() {
        let Kind::Message(message) = message.map_entry_value_field().kind() else {
            return None;
        };
        let mut entries = json.as_object()?.iter();
        return entries
            .find_map(|(key, value)| unknown_field_in(&message, value, &format!("{path}.{key}")));
    }
    match json {
        Value::Array(values) => values
            .iter()
            .find_map(|value| unknown_field_in(&message, value, path)),
        value => unknown_field_in(&message, value, path),
    }
}

#[cfg(test)]
mod tests;
