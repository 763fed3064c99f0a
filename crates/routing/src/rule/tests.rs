use prost_reflect::DescriptorPool;
use protox::{
    Compiler, Error,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver},
};

use super::*;

/// The annotation's own types, and a shelf of messages to annotate.
const FILES: [(&str, &str); 3] = [
    (
        "google/api/http.proto",
        r#"syntax = "proto3"; package google.api;
        message HttpRule {
            string selector = 1;
            oneof pattern {
                string get = 2; string put = 3; string post = 4; string delete = 5;
                string patch = 6; CustomHttpPattern custom = 8;
            }
            string body = 7;
            string response_body = 12;
            repeated HttpRule additional_bindings = 11;
        }
        message CustomHttpPattern { string kind = 1; string path = 2; }"#,
    ),
    (
        "google/api/annotations.proto",
        r#"syntax = "proto3"; package google.api;
        import "google/api/http.proto";
        import "google/protobuf/descriptor.proto";
        extend google.protobuf.MethodOptions { HttpRule http = 72295728; }"#,
    ),
    (
        "shop.proto",
        r#"syntax = "proto3"; package shop;
        message Order {}"#,
    ),
];

struct InMemory(String);

impl FileResolver for InMemory {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        if name == "api.proto" {
            return File::from_source(name, &self.0);
        }
        match FILES.iter().find(|(known, _)| *known == name) {
            Some((_, source)) => File::from_source(name, source),
            None => Err(Error::file_not_found(name)),
        }
    }
}

/// The one method of a service, with this between its braces.
pub(crate) fn method(options: &str) -> MethodDescriptor {
    let source = format!(
        r#"syntax = "proto3"; package shop;
        import "shop.proto";
        import "google/api/annotations.proto";
        service Api {{ rpc Buy(Order) returns (Order) {{ {options} }} }}"#
    );
    let mut files = ChainFileResolver::new();
    files.add(InMemory(source));
    files.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(files);
    compiler.open_file("api.proto").expect("a file");
    only(&compiler.descriptor_pool())
}

fn only(pool: &DescriptorPool) -> MethodDescriptor {
    let service = pool.get_service_by_name("shop.Api").expect("the service");
    service.methods().next().expect("its method")
}

/// A rule in a line: method, path, body, response body.
pub(crate) fn line(rule: &Rule) -> String {
    let Rule {
        verb,
        template,
        body,
        response_body,
        ..
    } = rule;
    let body = match body {
        Body::None => "-",
        Body::Whole => "*",
        Body::Field(field) => field,
    };
    format!(
        "{verb} {template} {body} {}",
        response_body.as_deref().unwrap_or("*")
    )
}

#[track_caller]
fn check(options: &str, expected: &[&str]) {
    let method = method(options);
    let rules = annotated(&method).expect("right rules");
    assert_eq!(
        rules.iter().map(line).collect::<Vec<_>>(),
        expected,
        "{options}"
    );
    assert!(rules.iter().all(|rule| rule.rpc == "shop.Api.Buy"));
    // The same description without the annotation's types: its bytes are all there is.
    let files = method.parent_pool().encode_to_vec();
    let set = without_google(&files);
    let unaware = DescriptorPool::decode(&set[..]).expect("a complete set");
    assert!(unaware.get_message_by_name("google.api.HttpRule").is_none());
    assert_eq!(annotated(&only(&unaware)), Ok(rules), "{options}");
}

/// The set without the files of `google.api`, and without their imports.
fn without_google(set: &[u8]) -> Vec<u8> {
    #[derive(Clone, PartialEq, Message)]
    struct Set {
        #[prost(message, repeated, tag = "1")]
        file: Vec<FileProto>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct FileProto {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        package: String,
        #[prost(string, repeated, tag = "3")]
        dependency: Vec<String>,
        #[prost(bytes = "vec", repeated, tag = "4")]
        messages: Vec<Vec<u8>>,
        #[prost(bytes = "vec", repeated, tag = "6")]
        services: Vec<Vec<u8>>,
        #[prost(string, tag = "12")]
        syntax: String,
    }
    let mut set = Set::decode(set).expect("a set");
    set.file.retain(|file| file.package == "shop");
    for file in &mut set.file {
        file.dependency.retain(|import| import == "shop.proto");
    }
    set.encode_to_vec()
}

#[test]
fn every_verb() {
    check("", &[]);
    for (key, method) in [
        ("get", "GET"),
        ("put", "PUT"),
        ("post", "POST"),
        ("delete", "DELETE"),
        ("patch", "PATCH"),
    ] {
        let option = format!("option (google.api.http) = {{ {key}: \"/v1/{{name}}\" }};");
        check(&option, &[&format!("{method} /v1/{{name}} - *")]);
    }
    for kind in ["HEAD", "OPTIONS", "GET", "LIST", "*"] {
        let option = format!(
            "option (google.api.http) = {{ custom: {{ kind: \"{kind}\" path: \"/v1/a\" }} }};"
        );
        check(&option, &[&format!("{kind} /v1/a - *")]);
    }
}

#[test]
fn bodies_and_bindings() {
    check(
        r#"option (google.api.http) = {
            patch: "/v1/{order.name=orders/*}" body: "order" response_body: "order"
            additional_bindings { post: "/v1/orders:buy" body: "*" }
            additional_bindings { get: "/v1/users/{user}/orders/{id}" response_body: "id" }
        };"#,
        &[
            "PATCH /v1/{order.name=orders/*} order order",
            "POST /v1/orders:buy * *",
            "GET /v1/users/{user}/orders/{id} - id",
        ],
    );
}

#[test]
fn an_option_in_pieces_is_one_rule() {
    check(
        r#"option (google.api.http).post = "/v1/buy"; option (google.api.http).body = "*";"#,
        &["POST /v1/buy * *"],
    );
}

#[test]
fn a_rule_says_where_it_is_written() {
    let method =
        method(r#"option (google.api.http) = { get: "/a" additional_bindings { get: "/b" } };"#);
    let rules = annotated(&method).expect("right rules");
    let place = "api.proto, option (google.api.http) of shop.Api.Buy";
    assert_eq!(rules[0].origin, place);
    assert_eq!(rules[1].origin, format!("{place}.additional_bindings[0]"));
}

#[test]
fn a_method_without_a_rule_is_called_as_grpc_calls_it() {
    let rule = unannotated(&method(""));
    assert_eq!(line(&rule), "POST /shop.Api/Buy * *");
    assert_eq!(rule.rpc, "shop.Api.Buy");
    assert_eq!(rule.origin, "shop.Api.Buy, which has no rule of its own");
}

#[track_caller]
fn check_refused(option: &str, expected: &str) {
    let option = format!("option (google.api.http) = {{ {option} }};");
    let error = annotated(&method(&option)).expect_err("a wrong rule");
    let place = "api.proto, option (google.api.http) of shop.Api.Buy";
    assert_eq!(error.to_string(), format!("{place}{expected}"));
}

#[test]
fn wrong_rules() {
    let no_path = " has no path; give one of get, put, post, delete, patch, custom";
    check_refused("", no_path);
    check_refused("body: \"*\"", no_path);
    check_refused(
        "get: \"/v1/{a\"",
        ": \"/v1/{a\" is no path template: character 7 of the path is wrong: expected `=` or \
         `}`, found the end",
    );
    check_refused(
        "get: \"/a\" additional_bindings { get: \"b\" }",
        ".additional_bindings[0]: \"b\" is no path template: character 1 of the path is wrong: \
         expected `/`, which every path begins with, found 'b'",
    );
    check_refused(
        "get: \"/a\" additional_bindings { get: \"/b\" additional_bindings { get: \"/c\" } }",
        ".additional_bindings[0] has additional_bindings of its own; put them beside it",
    );
    check_refused(
        "custom { kind: \"A B\" path: \"/a\" }",
        ": custom.kind \"A B\" is no HTTP method; write a name such as HEAD, or * for any",
    );
}

#[test]
fn bytes_that_are_no_rule_are_refused() {
    let mut pool = DescriptorPool::new();
    let file = file_with_a_number_as_rule();
    pool.decode_file_descriptor_proto(&file[..])
        .expect("a file");
    let error = annotated(&only(&pool)).expect_err("no rule");
    assert!(matches!(error, BadRule::Unreadable { .. }), "{error}");
}

/// A file like the others, whose option has the right number and is a number.
fn file_with_a_number_as_rule() -> Vec<u8> {
    #[derive(Clone, PartialEq, Message)]
    struct FileProto {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        package: String,
        #[prost(message, repeated, tag = "4")]
        messages: Vec<Named>,
        #[prost(message, repeated, tag = "6")]
        services: Vec<Service>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Named {
        #[prost(string, tag = "1")]
        name: String,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Service {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(message, repeated, tag = "2")]
        methods: Vec<Rpc>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Rpc {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        input: String,
        #[prost(string, tag = "3")]
        output: String,
        #[prost(message, optional, tag = "4")]
        options: Option<Options>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Options {
        #[prost(uint32, tag = "72295728")]
        http: u32,
    }
    let rpc = Rpc {
        name: "Buy".to_owned(),
        input: ".shop.Order".to_owned(),
        output: ".shop.Order".to_owned(),
        options: Some(Options { http: 7 }),
    };
    let file = FileProto {
        name: "api.proto".to_owned(),
        package: "shop".to_owned(),
        messages: vec![Named {
            name: "Order".to_owned(),
        }],
        services: vec![Service {
            name: "Api".to_owned(),
            methods: vec![rpc],
        }],
    };
    file.encode_to_vec()
}
