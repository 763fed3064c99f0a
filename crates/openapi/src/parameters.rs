//! Parameters. Of the path: one for each `*`. Of the query: one for each field that
//! neither the path nor the body gives and that a text can stand for, fields of
//! fields as `author.name`, lists by repetition, maps as `labels[key]`.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use routing::Body;
use serde_json::{Value, json};

use crate::{
    Operation,
    fields::{self, Member},
    names::Variant,
    path::{self, Path},
    schemas::{Schemas, describe},
    well_known::{self, Form},
};

/// Messages inside of each other that parameters reach into.
const DEPTH_MAX: usize = 4;
/// Query parameters of one operation; more are served, and not listed.
const LISTED_MAX: usize = 200;

/// The query's parameters of one operation.
pub(crate) struct Query {
    pub(crate) parameters: Vec<Value>,
    /// Whether there are more, deeper in the message.
    pub(crate) is_cut: bool,
}

/// The fields that a name such as `shelf.name` leads through.
pub(crate) fn resolve(message: &MessageDescriptor, name: &str) -> Option<Vec<FieldDescriptor>> {
    let mut way: Vec<FieldDescriptor> = Vec::new();
    let mut message = Some(message.clone());
    for part in name.split('.') {
        let inside = message.take()?;
        let field = inside
            .get_field_by_name(part)
            .or_else(|| inside.get_field_by_json_name(part))?;
        if let Kind::Message(next) = field.kind() {
            message = Some(next);
        }
        way.push(field);
    }
    Some(way)
}

/// The parameters of the path, called as in `path`.
pub(crate) fn of_path(schemas: &mut Schemas<'_>, operation: &Operation, path: &Path) -> Vec<Value> {
    let own = Path::of(&operation.rule.template);
    let named = path.parameters.iter().zip(&own.parameters);
    named
        .map(|(shown, own)| of_segment(schemas, operation, &shown.name, own))
        .collect()
}

fn of_segment(
    schemas: &mut Schemas<'_>,
    operation: &Operation,
    name: &str,
    parameter: &path::Parameter,
) -> Value {
    let mut schema = json!({"type": "string", "minLength": 1});
    let mut lines = Vec::new();
    if let Some(variable) = &parameter.variable {
        let way = resolve(&operation.method.input(), &variable.field);
        let field = way.as_deref().and_then(<[_]>::last);
        let is_whole = !variable.pattern.contains('/');
        match (is_whole, field) {
            (true, Some(field)) => {
                schema = schemas.field(field, Variant::Text);
                lines.extend(take_description(&mut schema));
                if field.kind() == Kind::String {
                    schema["minLength"] = 1.into();
                }
            }
            (false, Some(field)) => {
                let place = field.parent_message().parent_file();
                lines.extend(schemas.comment(&place, field.path()));
            }
            (_, None) => {}
        }
        if !is_whole {
            lines.push(format!(
                "Part of `{}`, which is `{}`.",
                variable.field, variable.pattern
            ));
        }
    }
    if parameter.is_rest {
        lines.push(
            "Takes all that is left of the path, slashes included, and may be empty; OpenAPI \
             has no parameter for that."
                .to_owned(),
        );
    }
    let mut described = json!({"name": name, "in": "path", "required": true, "schema": schema});
    describe(
        &mut described,
        Some(lines.join("\n\n")).filter(|lines| !lines.is_empty()),
    );
    if parameter.is_rest {
        described["x-takes-slashes"] = true.into();
    }
    described
}

/// The parameters of the query; none where the body is the whole message.
pub(crate) fn of_query(schemas: &mut Schemas<'_>, operation: &Operation) -> Query {
    let mut walk = Walk {
        schemas,
        operation,
        bound: bound(operation),
        inside: Vec::new(),
        query: Query {
            parameters: Vec::new(),
            is_cut: false,
        },
    };
    if operation.rule.body != Body::Whole {
        walk.message(&operation.method.input(), "", &[]);
    }
    walk.query
}

/// The original names of what the path and the body give.
fn bound(operation: &Operation) -> Vec<Vec<String>> {
    let body = match &operation.rule.body {
        Body::Field(name) => Some(name.as_str()),
        Body::None | Body::Whole => None,
    };
    let names = operation.rule.template.variables().chain(body);
    let ways = names.filter_map(|name| resolve(&operation.method.input(), name));
    ways.map(|way| way.iter().map(|field| field.name().to_owned()).collect())
        .collect()
}

struct Walk<'w, 'n> {
    schemas: &'w mut Schemas<'n>,
    operation: &'w Operation,
    bound: Vec<Vec<String>>,
    /// The messages around the one that is looked at.
    inside: Vec<MessageDescriptor>,
    query: Query,
}

impl Walk<'_, '_> {
    fn message(&mut self, message: &MessageDescriptor, prefix: &str, way: &[String]) {
        self.inside.push(message.clone());
        for field in message.fields() {
            let mut way = way.to_vec();
            way.push(field.name().to_owned());
            if self.bound.iter().any(|bound| way.starts_with(bound)) {
                continue;
            }
            if self.query.parameters.len() >= LISTED_MAX {
                self.query.is_cut = true;
                break;
            }
            let own = match self.operation.json.names {
                transcode::Names::Json => field.json_name(),
                transcode::Names::Original => field.name(),
            };
            self.field(&field, &format!("{prefix}{own}"), &way);
        }
        self.inside.pop();
    }

    fn field(&mut self, field: &FieldDescriptor, name: &str, way: &[String]) {
        if let Some(described) = self.parameter(field, name) {
            let finished = self.finished(field, described, way);
            self.query.parameters.push(finished);
            return;
        }
        let Kind::Message(inner) = field.kind() else {
            return;
        };
        if field.is_list() || well_known::form(&inner, Variant::Text).is_some() {
            return;
        }
        if self.inside.contains(&inner) || self.inside.len() >= DEPTH_MAX {
            self.query.is_cut |= inner.fields().len() > 0;
            return;
        }
        self.message(&inner, &format!("{name}."), way);
    }

    /// The parameter for a field that a text can stand for.
    fn parameter(&mut self, field: &FieldDescriptor, name: &str) -> Option<Value> {
        let kind = match (field.kind(), field.is_map()) {
            (Kind::Message(entry), true) => entry.map_entry_value_field().kind(),
            (kind, _) => kind,
        };
        let form = match &kind {
            Kind::Message(message) => Some(well_known::form(message, Variant::Text)?),
            _ => None,
        };
        let is_single = !field.is_list() && !field.is_map();
        Some(match form {
            Some(Form::Any(_)) => return None,
            Some(Form::Json(mut schema)) if is_single => {
                let description = take_description(&mut schema);
                let mut described = json!({
                    "name": name, "in": "query",
                    "content": {"application/json": {"schema": schema}},
                });
                describe(&mut described, description);
                described
            }
            Some(Form::Json(_)) => {
                let text = json!({"type": "string", "contentMediaType": "application/json"});
                match field.is_map() {
                    true => deep(
                        name,
                        json!({"type": "object", "additionalProperties": text}),
                    ),
                    false => simple(name, json!({"type": "array", "items": text})),
                }
            }
            Some(Form::Text(_)) | None => {
                let schema = self.schemas.bare(&Member::of_field(field), Variant::Text);
                match field.is_map() {
                    true => deep(name, schema),
                    false => simple(name, schema),
                }
            }
        })
    }

    /// With all that is said about the field.
    fn finished(&mut self, field: &FieldDescriptor, mut described: Value, way: &[String]) -> Value {
        let mut about = json!({});
        self.schemas.annotate(field, &mut about);
        describe(&mut described, take_description(&mut about));
        if about["deprecated"] == true {
            described["deprecated"] = true.into();
        }
        let default = match way {
            [name] => self.operation.query_defaults.get(name),
            _ => None,
        };
        if let Some(default) = default
            && described["schema"].is_object()
        {
            described["schema"]["default"] = typed(default, &described["schema"]);
        }
        let is_required = fields::is_required(field, Variant::Text);
        if is_required && way.len() == 1 && default.is_none() {
            described["required"] = true.into();
        }
        let oneof = field.containing_oneof();
        if let Some(oneof) = oneof.filter(|oneof| !oneof.is_synthetic()) {
            let note = format!("At most one of `{}` may be given.", oneof.name());
            let own = described["description"].take();
            let lines = own.as_str().map(str::to_owned).into_iter().chain([note]);
            described["description"] = lines.collect::<Vec<_>>().join("\n\n").into();
            let mut group = way[..way.len() - 1].to_vec();
            group.push(oneof.name().to_owned());
            described["x-oneof"] = group.join(".").into();
        }
        described
    }
}

fn simple(name: &str, mut schema: Value) -> Value {
    let description = take_description(&mut schema);
    let mut described = json!({"name": name, "in": "query", "schema": schema});
    describe(&mut described, description);
    described
}

/// A map's entries, each a parameter `name[key]`.
fn deep(name: &str, schema: Value) -> Value {
    json!({
        "name": name, "in": "query", "style": "deepObject", "explode": true, "schema": schema,
    })
}

fn take_description(schema: &mut Value) -> Option<String> {
    match schema.as_object_mut()?.remove("description")? {
        Value::String(description) => Some(description),
        _ => None,
    }
}

/// The text as a value of the schema's type, as far as it can be.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        _ => text.into(),
    }
}
