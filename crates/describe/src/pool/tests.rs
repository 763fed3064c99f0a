use proptest::{option, prelude::*, sample::select};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

use super::*;

fn name() -> impl Strategy<Value = Option<String>> {
    let names = ["a", "b", "M", "N", "a.M", ".a.M", ".M", "M.N", "", "."];
    option::weighted(0.9, select(names.map(str::to_owned).to_vec()))
}

fn number() -> impl Strategy<Value = Option<i32>> {
    option::weighted(0.9, prop_oneof![4 => 0..3, 1 => any::<i32>()])
}

prop_compose! {
    fn field()(
        name in name(),
        number in number(),
        label in option::of(0..5),
        r#type in option::of(0..20),
        type_name in option::of(name()),
        extendee in option::weighted(0.1, name()),
        oneof_index in option::weighted(0.3, -1..3),
        default_value in option::weighted(0.2, name()),
        proto3_optional in option::weighted(0.1, any::<bool>()),
    ) -> FieldDescriptorProto {
        FieldDescriptorProto {
            name,
            number,
            label,
            r#type,
            type_name: type_name.flatten(),
            extendee: extendee.flatten(),
            oneof_index,
            default_value: default_value.flatten(),
            proto3_optional,
            ..FieldDescriptorProto::default()
        }
    }
}

prop_compose! {
    fn message()(
        name in name(),
        field in prop::collection::vec(field(), 0..3),
        oneofs in 0..3_usize,
        map_entry in option::weighted(0.2, any::<bool>()),
    ) -> DescriptorProto {
        DescriptorProto {
            name,
            field,
            oneof_decl: (0..oneofs).map(|n| OneofDescriptorProto {
                name: Some(format!("o{n}")),
                ..OneofDescriptorProto::default()
            }).collect(),
            options: map_entry.map(|_| prost_types::MessageOptions {
                map_entry,
                ..Default::default()
            }),
            ..DescriptorProto::default()
        }
    }
}

prop_compose! {
    fn outer_message()(
        mut outer in message(),
        inner in prop::collection::vec(message(), 0..2),
        extension in prop::collection::vec(field(), 0..2),
    ) -> DescriptorProto {
        outer.nested_type = inner;
        outer.extension = extension;
        outer
    }
}

prop_compose! {
    fn method()(name in name(), input_type in name(), output_type in name()) -> MethodDescriptorProto {
        MethodDescriptorProto { name, input_type, output_type, ..MethodDescriptorProto::default() }
    }
}

prop_compose! {
    fn file()(
        name in name(),
        package in name(),
        dependency in prop::collection::vec(select(vec!["a".to_owned(), "b".to_owned()]), 0..3),
        public_dependency in prop::collection::vec(-1..3, 0..2),
        syntax in option::of(select(vec!["proto2".to_owned(), "proto3".to_owned()])),
        message_type in prop::collection::vec(outer_message(), 0..3),
        enum_type in prop::collection::vec((name(), prop::collection::vec((name(), number()), 0..3)), 0..2),
        method in prop::collection::vec(method(), 0..3),
        extension in prop::collection::vec(field(), 0..2),
    ) -> FileDescriptorProto {
        let value = |(name, number)| EnumValueDescriptorProto { name, number, ..Default::default() };
        FileDescriptorProto {
            name,
            package,
            dependency,
            public_dependency,
            syntax,
            message_type,
            enum_type: enum_type.into_iter().map(|(name, values)| EnumDescriptorProto {
                name,
                value: values.into_iter().map(value).collect(),
                ..EnumDescriptorProto::default()
            }).collect(),
            service: vec![ServiceDescriptorProto {
                name: Some("S".to_owned()),
                method,
                ..ServiceDescriptorProto::default()
            }],
            extension,
            ..FileDescriptorProto::default()
        }
    }
}

#[test]
fn files_that_import_each_other_are_refused() {
    let file = |name: &str, import: &str| FileDescriptorProto {
        name: Some(name.to_owned()),
        dependency: vec![import.to_owned()],
        public_dependency: vec![0],
        ..FileDescriptorProto::default()
    };
    let file = vec![file("a", "b"), file("b", "c"), file("c", "b")];
    let error = read(&FileDescriptorSet { file }.encode_to_vec()).expect_err("a circle");
    assert_eq!(error, "a imports itself, or a file that does");
}

#[test]
fn a_chain_of_many_files_is_checked_at_once() {
    // Each imports the next; looked through anew for each, they would take minutes.
    let count = 100_000;
    let mut files: Vec<_> = (0..count)
        .map(|index| FileDescriptorProto {
            name: Some(format!("{index:06}")),
            // One import that is named twice, and one that is not there.
            dependency: [index + 1, index + 1, count]
                .map(|import| format!("{import:06}"))
                .to_vec(),
            ..FileDescriptorProto::default()
        })
        .collect();
    assert_eq!(check_imports(&files), Ok(()));
    files[count - 1].dependency.push("000000".to_owned());
    let error = check_imports(&files).expect_err("a circle");
    assert_eq!(error, "000000 imports itself, or a file that does");
}

proptest! {
    #[test]
    fn descriptors_that_no_compiler_makes_are_read_or_refused(
        file in prop::collection::vec(file(), 1..3),
    ) {
        if let Ok(pool) = read(&FileDescriptorSet { file }.encode_to_vec()) {
            for service in pool.services() {
                for method in service.methods() {
                    let message = prost_reflect::DynamicMessage::new(method.input());
                    prop_assert_eq!(message.encode_to_vec(), []);
                }
            }
        }
    }
}
