//! The OpenAPI document of a table's routes. In: what the table was built from; out:
//! `/openapi.json`, made when it is first asked for, on a thread where it is in
//! nobody's way, and kept until the table goes. What it was made from goes as soon as
//! it is there.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use openapi::{About, Errors, Gather, Operation};
use prost_reflect::MethodDescriptor;
use routing::Rule;

use crate::{
    respond::{self, Body},
    services::{ConfiguredRoute, ErrorStyle, Json, Services},
};

const DESCRIPTION: &str = "\
These are gRPC methods, called over HTTP. Messages are JSON by the proto3 JSON mapping: numbers \
of 64 bits are strings, bytes are base64, and a field that is left out has its default. Fields \
may be called by their names here or by those of the `.proto` file. `null` stands for a field \
that is left out.

A stream takes the form that `accept` asks for: `application/json` is an array once the stream \
has ended, `application/x-ndjson` a line a message, `text/event-stream` an event a message.

`grpc-timeout`, such as `500m` or `2S`, says how long a call may take. Every answer has an \
`x-request-id`.";
/// Services that the title names.
const NAMED_MAX: usize = 3;

/// The document of one table.
pub(crate) struct Docs {
    about: About,
    /// Until the document is made.
    operations: Mutex<Vec<Operation>>,
    made: OnceLock<Document>,
    /// Held by who has it made, so that one thread is busy with it and no more.
    making: tokio::sync::Mutex<()>,
}

struct Document {
    json: Bytes,
    /// In quotes, of the document's bytes.
    tag: HeaderValue,
}

/// One route, as the document needs it.
pub(crate) fn operation(
    rule: &Rule,
    method: &MethodDescriptor,
    json: Json,
    configured: Option<&ConfiguredRoute>,
) -> Operation {
    let gather = configured.and_then(|route| route.gather.as_ref());
    Operation {
        rule: rule.clone(),
        method: method.clone(),
        json: shape(json),
        constants: configured.map_or_else(Default::default, |route| route.constants.clone()),
        gather: gather.map(|gather| Gather {
            field: gather.field.clone(),
            name: gather.name.clone(),
        }),
        query_defaults: configured
            .map_or_else(Default::default, |route| route.query_defaults.clone()),
    }
}

fn shape(json: Json) -> openapi::Json {
    openapi::Json {
        names: json.write.names,
        enums: json.write.enums,
        defaults: json.write.defaults,
        unknown_fields: json.read.unknown,
        unknown_query: json.unknown_query,
    }
}

impl Docs {
    pub(crate) fn of(services: &Services, operations: Vec<Operation>) -> Self {
        let about = About {
            title: title(&operations),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: DESCRIPTION.to_owned(),
            errors: match services.errors {
                ErrorStyle::Status => Errors::Status,
                ErrorStyle::Published => Errors::Published,
            },
            json: shape(services.json),
        };
        Docs {
            about,
            operations: Mutex::new(operations),
            made: OnceLock::new(),
            making: tokio::sync::Mutex::new(()),
        }
    }

    /// The document as JSON. May take seconds where there are thousands of routes.
    pub(crate) fn json(&self) -> Bytes {
        self.document().json.clone()
    }

    /// `/openapi.json`, or that it is still what the client has.
    pub(crate) async fn answer(self: &Arc<Self>, headers: &HeaderMap) -> Response<Body> {
        if self.made.get().is_none() {
            let _one = self.making.lock().await;
            let docs = Arc::clone(self);
            // Has no way to fail but a panic, after which the next line tries again.
            let _ = tokio::task::spawn_blocking(move || drop(docs.json())).await;
        }
        let Document { json, tag } = self.document();
        let mut response = match is_known(headers, tag) {
            true => respond::not_modified(),
            false => respond::json(json.clone()),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    fn document(&self) -> &Document {
        self.made.get_or_init(|| {
            let mut operations = self
                .operations
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let operations = std::mem::take(&mut *operations);
            let json = openapi::document(&self.about, &operations);
            let mut hasher = DefaultHasher::new();
            json.hash(&mut hasher);
            let tag = format!("\"{:016x}\"", hasher.finish());
            Document {
                json: json.into(),
                // Digits and quotes are fit for a header.
                tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"0\"")),
            }
        })
    }
}

/// Whether the client has what has this tag.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    let given = given.filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
    })
}

/// The services' names, unless there are many.
fn title(operations: &[Operation]) -> String {
    let services: BTreeSet<_> = operations
        .iter()
        .map(|operation| operation.method.parent_service().full_name())
        .collect();
    match services.len() {
        1..=NAMED_MAX => services.into_iter().collect::<Vec<_>>().join(", "),
        count => format!("{count} gRPC services over HTTP"),
    }
}
