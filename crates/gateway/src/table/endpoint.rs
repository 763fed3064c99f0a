//! One route as the path of a request needs it: names are resolved, options are
//! chosen, constant JSON is written. Pure: a request's parts in, a message out; a
//! message in, JSON out.

use std::{borrow::Cow, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};
use server::query::Query;
use transcode::{
    Builder, FieldPath, ReadError, ReadOptions, Unknown, UnknownAny, WriteError, WriteOptions,
};

use super::{Listed, Method};
use crate::{
    respond::Problem,
    services::{ErrorStyle, Services},
    upstream::grpc::PREFIX_BYTES,
};

/// A route to one method of one upstream.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) listed: Arc<Listed>,
    /// What metrics know it by.
    pub(crate) route: telemetry::Route,
    pub(crate) method: Arc<Method>,
    /// The fields of the path's variables, in the template's order.
    pub(crate) variables: Vec<FieldPath>,
    /// Their names, as the template has them.
    pub(crate) variable_names: Vec<String>,
    pub(crate) body: BodyPlan,
    /// Fields that no parameter may set: the variables' and the body's.
    pub(crate) bound: Vec<FieldPath>,
    pub(crate) query_defaults: Vec<QueryDefault>,
    pub(crate) unknown_query: Unknown,
    pub(crate) read: ReadOptions,
    pub(crate) write: WriteOptions,
    pub(crate) answer: Answer,
    /// Members of every answer before its own, as they are written; may be empty.
    pub(crate) constants: Box<[u8]>,
    pub(crate) gather: Option<GatherPlan>,
    pub(crate) errors: ErrorStyle,
}

/// What the request's body is.
#[derive(Debug)]
pub(crate) enum BodyPlan {
    None,
    /// The whole message; then no parameter is a field.
    Whole,
    Field(FieldPath),
    /// A `google.api.HttpBody`, whose bytes may be of any type: this field, or the
    /// whole message.
    Raw(Option<FieldPath>),
}

/// What of the answer's message is sent.
#[derive(Debug)]
pub(crate) enum Answer {
    Message,
    Field(FieldPath),
    /// A `google.api.HttpBody`, whose bytes are sent as they are.
    HttpBody,
}

/// A parameter that is not missed.
#[derive(Debug)]
pub(crate) struct QueryDefault {
    /// Original and JSON name.
    pub(crate) names: [String; 2],
    pub(crate) value: String,
}

/// How the messages of a stream become one JSON value.
#[derive(Debug)]
pub(crate) struct GatherPlan {
    pub(crate) field: FieldPath,
    /// `"values":`, as it is written.
    pub(crate) key: Box<[u8]>,
}

/// What came in a request.
pub(crate) struct Received<'r> {
    pub(crate) variables: &'r [Cow<'r, str>],
    pub(crate) query: &'r Query<'r>,
    pub(crate) body: &'r [u8],
    /// Of the body; may be empty.
    pub(crate) media_type: &'r str,
}

/// What one of several messages is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'c> {
    Nothing,
    /// What the rule has a place for; of a rule without a body the whole message.
    Json(&'c [u8]),
    /// A part of a `google.api.HttpBody`.
    Bytes {
        media_type: &'c str,
        data: &'c [u8],
    },
}

impl Endpoint {
    /// A method at its own path, which takes the whole message.
    pub(crate) fn of_method(method: &Arc<Method>, services: &Services) -> Self {
        let path = method.path.path();
        Endpoint {
            listed: Arc::new(Listed {
                verb: "*".to_owned(),
                path: path.to_owned(),
                rpc: path.trim_start_matches('/').replace('/', "."),
                kind: method.kind,
                upstream: Arc::clone(&method.service),
                origin: "the method itself".to_owned(),
            }),
            route: method.route,
            method: Arc::clone(method),
            variables: Vec::new(),
            variable_names: Vec::new(),
            body: BodyPlan::Whole,
            bound: Vec::new(),
            query_defaults: Vec::new(),
            unknown_query: services.json.unknown_query,
            read: services.json.read,
            write: WriteOptions {
                bytes_max: Some(services.answer_bytes_max),
                ..services.json.write
            },
            answer: Answer::Message,
            constants: Box::default(),
            gather: None,
            errors: services.errors,
        }
    }

    /// The framed message that a request asks to send.
    pub(crate) fn request(&self, received: &Received<'_>) -> Result<Bytes, Problem> {
        let mut message = Builder::new();
        let (body, schema) = (received.body, &self.method.schema);
        // White space of JSON (RFC 8259, section 2), which is less than that of ASCII.
        let is_empty = || body.iter().all(|byte| b" \t\r\n".contains(byte));
        match &self.body {
            // No body at all stands for a message without fields.
            BodyPlan::None => {}
            BodyPlan::Raw(path) => {
                if !body.is_empty() || !received.media_type.is_empty() {
                    schema.write_http_body(path.as_ref(), received.media_type, body, &mut message);
                }
            }
            BodyPlan::Whole | BodyPlan::Field(_) if is_empty() => {}
            BodyPlan::Whole => {
                schema.read_json(self.method.input, body, self.read, &mut message)?
            }
            BodyPlan::Field(path) => schema.read_field(path, body, self.read, &mut message)?,
        }
        self.bind(received, &mut message)?;
        Ok(framed(&message, &[]))
    }

    /// What path and query of a request say, as the end of its first message: what
    /// the body sets too is theirs.
    pub(crate) fn bindings(&self, received: &Received<'_>) -> Result<Bytes, Problem> {
        let mut message = Builder::new();
        self.bind(received, &mut message)?;
        let mut bytes = BytesMut::with_capacity(message.len());
        message.write_to(&mut bytes);
        Ok(bytes.freeze())
    }

    /// One framed message of several, of which the first ends with the `bindings`.
    pub(crate) fn message(
        &self,
        content: Content<'_>,
        bindings: &[u8],
    ) -> Result<Bytes, ReadError> {
        let mut message = Builder::new();
        let schema = &self.method.schema;
        match (content, &self.body) {
            (Content::Nothing, _) => {}
            (Content::Json(json), BodyPlan::Field(path) | BodyPlan::Raw(Some(path))) => {
                schema.read_field(path, json, self.read, &mut message)?;
            }
            (Content::Json(json), _) => {
                schema.read_json(self.method.input, json, self.read, &mut message)?;
            }
            (Content::Bytes { media_type, data }, plan) => {
                let path = match plan {
                    BodyPlan::Raw(path) => path.as_ref(),
                    _ => None,
                };
                schema.write_http_body(path, media_type, data, &mut message);
            }
        }
        Ok(framed(&message, bindings))
    }

    /// The path's variables come after the body: what both set is the path's.
    fn bind(&self, received: &Received<'_>, message: &mut Builder) -> Result<(), Problem> {
        let Received {
            variables, query, ..
        } = received;
        for (path, text) in self.variables.iter().zip(*variables) {
            self.method.schema.read_text(path, text, message)?;
        }
        let mut given = query.pairs().filter(|(name, value)| {
            !value.is_empty()
                || self
                    .query_defaults
                    .iter()
                    .all(|default| !default.is_for(name))
        });
        let is_whole = matches!(self.body, BodyPlan::Whole | BodyPlan::Raw(None));
        if let (true, Unknown::Reject) = (is_whole, self.unknown_query) {
            return match given.next() {
                None => Ok(()),
                Some((name, value)) => Err(Problem::BadParameter(transcode::BadParameter {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    expected: "every field in the body, and no parameters".to_owned(),
                })),
            };
        }
        if is_whole {
            return Ok(());
        }
        let missing = self.missing(query);
        let pairs = given.chain(missing);
        self.method.schema.read_query(
            self.method.input,
            pairs,
            &self.bound,
            self.unknown_query,
            message,
        )?;
        Ok(())
    }

    /// Defaults of parameters that `query` lacks, or has without a value.
    pub(crate) fn missing<'e>(
        &'e self,
        query: &Query<'_>,
    ) -> impl Iterator<Item = (&'e str, &'e str)> {
        let missing = self.query_defaults.iter().filter(move |default| {
            query
                .pairs()
                .all(|(name, value)| value.is_empty() || !default.is_for(name))
        });
        missing.map(|default| (default.names[0].as_str(), default.value.as_str()))
    }

    /// Writes the JSON of one message of the answer.
    pub(crate) fn write(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), WriteError> {
        match &self.answer {
            Answer::Field(path) => self
                .method
                .schema
                .write_field(path, message, &self.write, out),
            Answer::Message | Answer::HttpBody if self.constants.is_empty() => self
                .method
                .schema
                .write_json(self.method.output, message, &self.write, out),
            Answer::Message | Answer::HttpBody => {
                out.push(b'{');
                out.extend_from_slice(&self.constants);
                let end = out.len();
                out.push(b',');
                self.method
                    .schema
                    .write_members(self.method.output, message, &self.write, out)?;
                if out.len() == end + 1 {
                    out.truncate(end);
                }
                out.push(b'}');
                Ok(())
            }
        }
    }

    /// What stands before the first message of a gathered answer.
    pub(crate) fn gather_begin(&self, out: &mut Vec<u8>) {
        if let Some(gather) = &self.gather {
            out.push(b'{');
            out.extend_from_slice(&self.constants);
            if !self.constants.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(&gather.key);
        }
        out.push(b'[');
    }

    /// One message of a gathered answer.
    pub(crate) fn gather_message(
        &self,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        match &self.gather {
            Some(gather) => {
                self.method
                    .schema
                    .write_field(&gather.field, message, &self.write, out)
            }
            None => self.write(message, out),
        }
    }

    /// What stands after the last message of a gathered answer.
    pub(crate) fn gather_end(&self, out: &mut Vec<u8>) {
        out.push(b']');
        if self.gather.is_some() {
            out.push(b'}');
        }
    }

    /// Writes the details of a `google.rpc.Status`, an array.
    pub(crate) fn write_details(&self, status: &[u8], out: &mut Vec<u8>) -> Result<(), WriteError> {
        let Some(path) = &self.method.details else {
            return Ok(());
        };
        let options = WriteOptions {
            unknown_any: UnknownAny::Base64,
            ..self.write
        };
        self.method.schema.write_field(path, status, &options, out)
    }

    /// The object that says nothing but the constants.
    pub(crate) fn write_constants(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(&self.constants);
        out.push(b'}');
    }
}

/// A message behind its flag and its length; `end` is a part of it.
fn framed(message: &Builder, end: &[u8]) -> Bytes {
    let length = message.len() + end.len();
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + length);
    framed.put_u8(0);
    // Requests are limited far below 4 GiB.
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.write_to(&mut framed);
    framed.put_slice(end);
    framed.freeze()
}

impl QueryDefault {
    fn is_for(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}
