//! The document as a whole: what it is about, the services as tags, the operations by
//! path, and what they refer to. Made in two rounds: what is described decides how it
//! is called, and how it is called is part of what describes it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use routing::Verb;
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use crate::{
    About, Operation, answer, body,
    comments::split,
    errors,
    names::{Key, Names},
    parameters,
    path::Path,
    schemas::{Schemas, deprecate, describe},
};

/// Methods of HTTP that a path of OpenAPI has a place for.
const METHODS: [&str; 8] = [
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
];

/// The OpenAPI 3.1 document of these routes, as JSON. The same routes in the same
/// order give the same text.
#[must_use]
pub fn document(about: &About, operations: &[Operation]) -> String {
    let (_, described) = round(&Names::default(), operations, hash);
    let names = Names::choose(&described, &about.json);
    drop(described);
    let (paths, described) = round(&names, operations, text);
    let described = described
        .into_iter()
        .map(|(key, schema)| (names.of(&key), schema));
    let mut components: BTreeMap<String, BTreeMap<String, Text>> = BTreeMap::new();
    components.insert("schemas".to_owned(), described.collect());
    let Value::Object(shared) = errors::components(about.errors) else {
        return String::new();
    };
    for (kind, members) in shared {
        let members = members.as_object().into_iter().flatten();
        let members = members.map(|(name, member)| (name.clone(), text(member)));
        components.entry(kind).or_default().extend(members);
    }
    let mut info = json!({"title": about.title, "version": about.version});
    if !about.description.is_empty() {
        info["description"] = about.description.as_str().into();
    }
    let document = Document {
        openapi: "3.1.0",
        info,
        servers: [json!({"url": "/"})],
        tags: paths.tags,
        paths: paths.items,
        others: Others {
            count: paths.others.len(),
            operations: paths.others,
        },
        components,
    };
    // Texts and numbers alone, which cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}

/// JSON that takes no more room than its text: an API of thousands of types would
/// otherwise take twenty times as much.
type Text = Box<RawValue>;

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: [Value; 1],
    tags: Vec<Value>,
    paths: BTreeMap<String, BTreeMap<String, Text>>,
    /// Operations that OpenAPI has no place for.
    #[serde(rename = "x-other-operations")]
    others: Others,
    components: BTreeMap<String, BTreeMap<String, Text>>,
}

#[derive(Serialize)]
struct Others {
    count: usize,
    operations: Vec<Value>,
}

/// Everything but what is referred to.
struct Paths {
    tags: Vec<Value>,
    items: BTreeMap<String, BTreeMap<String, Text>>,
    others: Vec<Value>,
}

fn text(value: &Value) -> Text {
    // A `Value` is JSON.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

fn round<T>(
    names: &Names,
    operations: &[Operation],
    keep: impl Fn(&Value) -> T,
) -> (Paths, BTreeMap<Key, T>) {
    let mut schemas = Schemas::new(names);
    let mut paths = Paths {
        tags: tags(&mut schemas, operations),
        items: BTreeMap::new(),
        others: Vec::new(),
    };
    // Two paths that differ in the names of their parameters are one to OpenAPI.
    let mut shapes: BTreeMap<String, Path> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in operations {
        let own = Path::of(&operation.rule.template);
        let path = shapes.entry(own.shape.clone()).or_insert(own);
        let count = counts.entry(operation.method.full_name()).or_default();
        *count += 1;
        let id = match *count {
            1 => operation.method.full_name().to_owned(),
            more => format!("{}-{more}", operation.method.full_name()),
        };
        paths.add(&mut schemas, operation, path, id);
    }
    (paths, schemas.finish(keep))
}

impl Paths {
    fn add(&mut self, schemas: &mut Schemas<'_>, operation: &Operation, path: &Path, id: String) {
        let place = path.text();
        let mut other = |reason: &str| {
            self.others.push(json!({
                "method": operation.rule.verb.to_string(),
                "path": operation.rule.template.to_string(),
                "operationId": id,
                "reason": reason,
            }));
        };
        let method = match &operation.rule.verb {
            Verb::Any => return other("the route takes every method"),
            Verb::Method(method) if METHODS.contains(&method.as_str()) => {
                method.as_str().to_lowercase()
            }
            Verb::Method(_) => return other("OpenAPI has no place for the method"),
        };
        let known = self.items.get(&place);
        if known.is_some_and(|item| item.contains_key(&method)) {
            return other("OpenAPI cannot tell the path from another one");
        }
        let shared = || {
            let parameters = text(&errors::shared_parameters());
            BTreeMap::from([("parameters".to_owned(), parameters)])
        };
        let item = self.items.entry(place).or_insert_with(shared);
        item.insert(method, text(&described(schemas, operation, path, id)));
    }
}

fn described(schemas: &mut Schemas<'_>, operation: &Operation, path: &Path, id: String) -> Value {
    let method = &operation.method;
    let service = method.parent_service();
    let query = parameters::of_query(schemas, operation);
    let mut parameters = parameters::of_path(schemas, operation, path);
    parameters.extend(query.parameters);
    let mut item = json!({
        "operationId": id,
        "tags": [service.full_name()],
        "responses": answer::of(schemas, operation),
        "x-grpc-method": format!("{}/{}", service.full_name(), method.name()),
        "x-grpc-kind": kind(method),
    });
    if !parameters.is_empty() {
        item["parameters"] = parameters.into();
    }
    if let Some(body) = body::of(schemas, operation) {
        item["requestBody"] = body;
    }
    let comment = schemas.comment(&service.parent_file(), method.path());
    let (summary, description) = split(&comment.unwrap_or_default());
    item["summary"] = match summary.is_empty() {
        true => method.name().into(),
        false => summary.into(),
    };
    describe(&mut item, Some(description).filter(|text| !text.is_empty()));
    if query.is_cut {
        let note = "Further fields inside of fields may be given as parameters, by their names \
                    with dots between them.";
        let mut with_note = json!({"description": note});
        describe(
            &mut with_note,
            item["description"].as_str().map(str::to_owned),
        );
        item["description"] = with_note["description"].take();
    }
    let options = method.method_descriptor_proto().options.as_ref();
    let service_options = service.service_descriptor_proto().options.as_ref();
    let deprecated = options.is_some_and(|options| options.deprecated())
        || service_options.is_some_and(|options| options.deprecated());
    deprecate(&mut item, deprecated);
    item
}

fn kind(method: &MethodDescriptor) -> &'static str {
    match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "unary",
        (false, true) => "server-streaming",
        (true, false) => "client-streaming",
        (true, true) => "bidirectional",
    }
}

/// A tag for each service, by name.
fn tags(schemas: &mut Schemas<'_>, operations: &[Operation]) -> Vec<Value> {
    let services: BTreeMap<String, &Operation> = operations
        .iter()
        .map(|operation| {
            let service = operation.method.parent_service();
            (service.full_name().to_owned(), operation)
        })
        .collect();
    services
        .into_iter()
        .map(|(name, operation)| {
            let service: &ServiceDescriptor = operation.method.parent_service();
            let mut tag = json!({"name": name});
            describe(
                &mut tag,
                schemas.comment(&service.parent_file(), service.path()),
            );
            tag
        })
        .collect()
}
