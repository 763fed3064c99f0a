use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, MessageOptions,
    field_descriptor_proto::{Label, Type},
};

use super::*;

/// What is described by a `.proto` file.
fn compiled(source: &str) -> Schema {
    struct Source(String);

    impl protox::file::FileResolver for Source {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            match name {
                "test.proto" => protox::file::File::from_source(name, &self.0),
                _ => protox::file::GoogleFileResolver::new().open_file(name),
            }
        }
    }

    let mut compiler = protox::Compiler::with_file_resolver(Source(source.to_owned()));
    compiler.include_imports(true);
    compiler.open_file("test.proto").expect("it compiles");
    Schema::compile(&compiler.descriptor_pool())
}

/// What is described by descriptors that no compiler has seen.
fn described(file: FileDescriptorProto) -> Schema {
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).expect("a valid file");
    Schema::compile(&pool)
}

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

#[test]
fn fields_are_found_by_number_and_by_both_names() {
    let schema = compiled(
        "syntax = \"proto3\"; package p;
         message M {
           int32 some_name = 3;
           int32 far = 64;
           int32 farther = 65;
           string last = 536870911;
         }",
    );
    let message = schema.get(schema.message("p.M").expect("described"));
    let by_number = |number| {
        message
            .by_number(number)
            .map(|at| &*message.fields[at].name)
    };
    assert_eq!(by_number(3), Some("some_name"));
    assert_eq!(by_number(64), Some("far"));
    assert_eq!(by_number(65), Some("farther"));
    assert_eq!(by_number(536_870_911), Some("last"));
    for number in [0, 1, 2, 4, 63, 66, 1_000] {
        assert_eq!(by_number(number), None, "{number}");
    }
    assert_eq!(message.by_name("some_name"), Some(0));
    assert_eq!(message.by_name("someName"), Some(0));
    assert_eq!(message.by_name("somename"), None);
    assert_eq!(*message.fields[0].json_key, *br#","someName":"#);
    assert_eq!(*message.fields[0].name_key, *br#","some_name":"#);
    assert!(schema.message("p.N").is_none());
}

#[test]
fn presence_and_oneofs() {
    let schema = compiled(
        "syntax = \"proto3\"; package p;
         message M {
           int32 plain = 1;
           optional int32 optional = 2;
           oneof kind { int32 one = 3; M other = 4; }
           M message = 5;
           repeated int32 list = 6;
           map<string, int32> map = 7;
         }",
    );
    let message = schema.get(schema.message("p.M").expect("described"));
    let presence: Vec<_> = message.fields.iter().map(|field| field.presence).collect();
    assert_eq!(presence, [false, true, true, true, true, false, false]);
    let oneofs: Vec<_> = message.fields.iter().map(|field| field.oneof).collect();
    assert_eq!(oneofs, [None, None, Some(0), Some(0), None, None, None]);
    assert_eq!(message.oneofs, 1);
    assert_eq!(message.fields[5].shape, Shape::List { packed: true });
    assert_eq!(
        message.fields[6].shape,
        Shape::Map {
            key: Kind::String,
            value: Kind::Int32
        }
    );
}

#[test]
fn enums() {
    let schema = compiled(
        "syntax = \"proto2\"; package p;
         enum E { option allow_alias = true; B = 7; A = 0; C = -1; D = 7; }",
    );
    let [known] = schema.enums.as_slice() else {
        return assert_eq!(schema.enums.len(), 1);
    };
    assert_eq!(known.default, 7);
    assert_eq!(known.quoted_name(7), Some(&br#""B""#[..]));
    assert_eq!(known.quoted_name(0), Some(&br#""A""#[..]));
    assert_eq!(known.quoted_name(-1), Some(&br#""C""#[..]));
    assert_eq!(known.quoted_name(1), None);
    assert_eq!(known.number("D"), Some(7));
    assert_eq!(known.number("E"), None);
    assert_eq!(known.names().collect::<Vec<_>>(), ["C", "A", "B"]);
}

#[test]
fn every_well_known_type_is_known() {
    let schema = compiled(
        "syntax = \"proto3\"; package p;
         import \"google/protobuf/any.proto\";
         import \"google/protobuf/duration.proto\";
         import \"google/protobuf/empty.proto\";
         import \"google/protobuf/field_mask.proto\";
         import \"google/protobuf/struct.proto\";
         import \"google/protobuf/timestamp.proto\";
         import \"google/protobuf/wrappers.proto\";
         message M {
           google.protobuf.Any any = 1;
           google.protobuf.Duration duration = 2;
           google.protobuf.Empty empty = 3;
           google.protobuf.FieldMask mask = 4;
           google.protobuf.Struct struct = 5;
           google.protobuf.Timestamp timestamp = 6;
           google.protobuf.BoolValue bool = 7;
         }",
    );
    let form = |name: &str| {
        let id = schema.message(&format!("google.protobuf.{name}"));
        schema.get(id.expect("described")).form
    };
    assert_eq!(form("Any"), Form::Any);
    assert_eq!(form("Duration"), Form::Duration);
    assert_eq!(form("Timestamp"), Form::Timestamp);
    assert_eq!(form("FieldMask"), Form::FieldMask);
    assert_eq!(form("Struct"), Form::Struct);
    assert_eq!(form("Value"), Form::Value);
    assert_eq!(form("ListValue"), Form::ListValue);
    assert_eq!(form("Empty"), Form::Plain);
    for wrapper in [
        "Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes",
    ] {
        assert_eq!(form(&format!("{wrapper}Value")), Form::Wrapper);
    }
    assert_eq!(
        schema.check(schema.message("p.M").expect("described")),
        Ok(())
    );
}

#[test]
fn what_is_refused_is_named_from_wherever_it_is_held() {
    let schema = compiled(
        "syntax = \"proto2\"; package p;
         message Grouped { optional group Inner = 1 {} }
         message Deep { map<string, Holds> map = 1; }
         message Holds { repeated Grouped grouped = 1; optional Deep deep = 2; }
         message Fine { optional Fine fine = 1; }",
    );
    let check = |name: &str| schema.check(schema.message(name).expect("described"));
    let refused = Err(Refused {
        message: "p.Grouped".to_owned(),
        reason: "its field inner is a group".to_owned(),
    });
    assert_eq!(check("p.Grouped"), refused);
    assert_eq!(check("p.Deep"), refused);
    assert_eq!(check("p.Fine"), Ok(()));
}

#[test]
fn a_well_known_name_with_other_fields_is_refused() {
    let schema = described(FileDescriptorProto {
        name: Some("wrong.proto".to_owned()),
        package: Some("google.protobuf".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: ["Timestamp", "Int32Value", "Struct", "Other"]
            .map(|name| DescriptorProto {
                name: Some(name.to_owned()),
                field: vec![field("text", 1, Type::String)],
                ..DescriptorProto::default()
            })
            .into(),
        ..FileDescriptorProto::default()
    });
    for name in ["Timestamp", "Int32Value", "Struct"] {
        let id = schema
            .message(&format!("google.protobuf.{name}"))
            .expect("described");
        assert_eq!(schema.get(id).form, Form::Plain);
        assert!(schema.check(id).is_err());
    }
    let other = schema.message("google.protobuf.Other").expect("described");
    assert_eq!(schema.check(other), Ok(()));
}

#[test]
fn an_entry_that_no_compiler_makes_is_a_message_in_a_list() {
    let entry = |name: &str, fields: Vec<FieldDescriptorProto>| DescriptorProto {
        name: Some(name.to_owned()),
        field: fields,
        options: Some(MessageOptions {
            map_entry: Some(true),
            ..MessageOptions::default()
        }),
        ..DescriptorProto::default()
    };
    let holds = |name: &str, number| FieldDescriptorProto {
        label: Some(Label::Repeated.into()),
        type_name: Some(format!(".p.M.{name}")),
        ..field(&name.to_lowercase(), number, Type::Message)
    };
    let schema = described(FileDescriptorProto {
        name: Some("wrong.proto".to_owned()),
        package: Some("p".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![DescriptorProto {
            name: Some("M".to_owned()),
            field: vec![holds("Empty", 1), holds("Float", 2), holds("Fine", 3)],
            nested_type: vec![
                entry("Empty", Vec::new()),
                entry(
                    "Float",
                    vec![field("key", 1, Type::Float), field("value", 2, Type::Bool)],
                ),
                entry(
                    "Fine",
                    vec![field("key", 1, Type::Bool), field("value", 2, Type::Bool)],
                ),
            ],
            ..DescriptorProto::default()
        }],
        ..FileDescriptorProto::default()
    });
    let message = schema.get(schema.message("p.M").expect("described"));
    let shapes: Vec<_> = message.fields.iter().map(|field| field.shape).collect();
    let (list, kind) = (Shape::List { packed: false }, Kind::Bool);
    let map = Shape::Map {
        key: kind,
        value: kind,
    };
    assert_eq!(shapes, [list, list, map]);
}

#[test]
fn an_enum_with_very_many_values() {
    let schema = described(FileDescriptorProto {
        name: Some("many.proto".to_owned()),
        syntax: Some("proto3".to_owned()),
        enum_type: vec![EnumDescriptorProto {
            name: Some("E".to_owned()),
            value: (0..50_000)
                .map(|n| EnumValueDescriptorProto {
                    name: Some(format!("V{n}")),
                    number: Some(n),
                    ..EnumValueDescriptorProto::default()
                })
                .collect(),
            ..EnumDescriptorProto::default()
        }],
        ..FileDescriptorProto::default()
    });
    assert_eq!(
        schema.enums[0].quoted_name(49_999),
        Some(&br#""V49999""#[..])
    );
}

#[test]
fn paths() {
    let schema = compiled(
        "syntax = \"proto3\"; package p;
         import \"google/protobuf/timestamp.proto\";
         message Shelf { string some_name = 1; Shelf inner = 2; repeated Shelf all = 3;
           map<string, Shelf> named = 4; google.protobuf.Timestamp at = 5; }",
    );
    let root = schema.message("p.Shelf").expect("described");
    let path = |text: &str| schema.field_path(root, text);
    let name = path("inner.inner.some_name").expect("a field");
    assert_eq!(path("inner.inner.someName"), Ok(name.clone()));
    assert_eq!(name.leaf(), (root, 0));
    assert_eq!(name.steps.len(), 3);
    assert_eq!(schema.message_at(&name), None);
    let all = path("inner.all").expect("a field");
    assert!(schema.is_repeated(&all));
    assert_eq!(schema.message_at(&all), Some(root));
    assert!(!schema.is_repeated(&path("at").expect("a field")));
    for (text, unknown) in [
        ("", ""),
        ("inner.", ""),
        ("nothing", "nothing"),
        ("all.inner", "inner"),
        ("named.key", "key"),
        ("some_name.x", "x"),
        ("at.seconds", "seconds"),
    ] {
        let error = path(text).expect_err(text);
        assert_eq!(
            (error.message.as_str(), error.name.as_str()),
            ("p.Shelf", unknown)
        );
    }
}
