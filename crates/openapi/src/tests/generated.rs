//! Any schema, with any routes, has a sound document: messages that hold themselves,
//! names that collide, variables anywhere.

use proptest::prelude::*;
use prost_reflect::DescriptorPool;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, OneofDescriptorProto,
    ServiceDescriptorProto, field_descriptor_proto::Label,
};
use transcode::{Defaults, Enums, Names, Unknown};

use super::{about, check, made, route};
use crate::{Json, Operation};

const MESSAGES: usize = 4;
const FIELDS: usize = 6;

/// A field of a message: its type, whether it is repeated, in the oneof, called oddly.
#[derive(Debug, Clone)]
struct Shape {
    kind: usize,
    label: usize,
    in_oneof: bool,
    json_name: Option<String>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let json_name = proptest::option::of("[a-z$@/~ {}\u{e9}]{0,4}");
    (0_usize..24, 0_usize..3, any::<bool>(), json_name).prop_map(
        |(kind, label, in_oneof, json_name)| Shape {
            kind,
            label,
            in_oneof,
            json_name,
        },
    )
}

fn field(index: usize, shape: &Shape) -> FieldDescriptorProto {
    let number = i32::try_from(index + 1).expect("few fields");
    // 1 to 18 are protobuf's own numbers of types, of which 10 is the group.
    let (kind, type_name) = match shape.kind {
        10 | 11 => (11, Some(".p.M0".to_owned())),
        14 => (14, Some(".p.E".to_owned())),
        kind @ 1..=18 => (kind, None),
        other => (11, Some(format!(".p.M{}", other % MESSAGES))),
    };
    let label = match shape.label {
        0 => Label::Optional,
        1 => Label::Repeated,
        _ => Label::Required,
    };
    let in_oneof = shape.in_oneof && label != Label::Repeated;
    FieldDescriptorProto {
        name: Some(format!("field_{index}")),
        number: Some(number),
        label: Some(if in_oneof { Label::Optional } else { label }.into()),
        r#type: i32::try_from(kind).ok(),
        type_name,
        oneof_index: in_oneof.then_some(0),
        json_name: shape.json_name.clone().map(|name| format!("{name}{index}")),
        ..FieldDescriptorProto::default()
    }
}

fn message(index: usize, shapes: &[Shape]) -> DescriptorProto {
    let field: Vec<_> = (0..)
        .zip(shapes)
        .map(|(at, shape)| field(at, shape))
        .collect();
    let has_oneof = field.iter().any(|field| field.oneof_index.is_some());
    DescriptorProto {
        name: Some(format!("M{index}")),
        field,
        oneof_decl: has_oneof
            .then(|| OneofDescriptorProto {
                name: Some("choice".to_owned()),
                options: None,
            })
            .into_iter()
            .collect(),
        ..DescriptorProto::default()
    }
}

fn pool(messages: &[Vec<Shape>], streams: (bool, bool)) -> DescriptorPool {
    let value = EnumValueDescriptorProto {
        name: Some("E_NONE".to_owned()),
        number: Some(0),
        options: None,
    };
    let method = |name: &str, input: usize, output: usize| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(format!(".p.M{input}")),
        output_type: Some(format!(".p.M{output}")),
        client_streaming: Some(streams.0),
        server_streaming: Some(streams.1),
        ..MethodDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("p.proto".to_owned()),
        package: Some("p".to_owned()),
        message_type: (0..)
            .zip(messages)
            .map(|(at, shapes)| message(at, shapes))
            .collect(),
        enum_type: vec![EnumDescriptorProto {
            name: Some("E".to_owned()),
            value: vec![value],
            ..EnumDescriptorProto::default()
        }],
        service: vec![ServiceDescriptorProto {
            name: Some("S".to_owned()),
            method: vec![method("A", 0, 1), method("B", 2, 3)],
            options: None,
        }],
        ..FileDescriptorProto::default()
    };
    let set = FileDescriptorSet { file: vec![file] };
    DescriptorPool::from_file_descriptor_set(set).expect("a schema")
}

fn json() -> impl Strategy<Value = Json> {
    any::<(bool, bool, bool, bool)>().prop_map(|(original, numbers, full, open)| Json {
        names: if original {
            Names::Original
        } else {
            Names::Json
        },
        enums: if numbers {
            Enums::Numbers
        } else {
            Enums::Names
        },
        defaults: if full {
            Defaults::Write
        } else {
            Defaults::Omit
        },
        unknown_fields: if open {
            Unknown::Ignore
        } else {
            Unknown::Reject
        },
        unknown_query: Unknown::Reject,
    })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let messages =
        proptest::collection::vec(proptest::collection::vec(shape(), 0..FIELDS), MESSAGES);
    let rule = (
        "GET|POST|PATCH|\\*|MOVE",
        "(/(a|bs|\\*|\\{field_0\\}|\\{field_1=as/\\*/\\*\\}|\\{field_2=\\*\\*\\})){0,3}(:do)?",
        "( (\\*|field_1|field_3)?( field_[0-4])?)?",
        any::<bool>(),
        json(),
    );
    let routes = proptest::collection::vec(rule, 0..8);
    (messages, routes, any::<(bool, bool)>()).prop_map(|(messages, routes, streams)| {
        let pool = pool(&messages, streams);
        let routes = routes
            .into_iter()
            .filter_map(|(verb, path, bodies, first, json)| {
                let path = if path.is_empty() || path.starts_with(':') {
                    "/".to_owned()
                } else {
                    path
                };
                path.parse::<routing::Template>().ok()?;
                let rpc = if first { "p.S.A" } else { "p.S.B" };
                let operation = route(&pool, rpc, &format!("{verb} {path}{bodies}"));
                Some(Operation { json, ..operation })
            });
        routes.collect()
    })
}

proptest! {
    #[test]
    fn any_document_is_sound(operations in operations(), usual in json()) {
        let about = crate::About { json: usual, ..about() };
        let result = made(&about, &operations);
        check(&result);
        let others = result["x-other-operations"]["operations"].as_array().expect("a list").len();
        let items = result["paths"].as_object().expect("paths").values();
        let listed: usize = items
            .map(|item| item.as_object().expect("operations").len() - 1)
            .sum();
        prop_assert_eq!(listed + others, operations.len());
        prop_assert_eq!(result, made(&about, &operations));
    }
}
