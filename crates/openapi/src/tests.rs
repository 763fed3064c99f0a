//! Whole documents: of a service with everything in it, as a snapshot, and of services
//! that nobody would write, whose documents have to be sound all the same.

mod generated;

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use routing::{Rule, Verb};
use serde_json::{Value, json};

use crate::{About, Errors, Gather, Json, Operation, document};

/// Files by name.
struct Texts(&'static [(&'static str, &'static str)]);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

fn compile(text: &'static str) -> DescriptorPool {
    let mut files = ChainFileResolver::new();
    files.add(GoogleFileResolver::new());
    let behavior = "syntax = \"proto2\"; package google.api;
        import \"google/protobuf/descriptor.proto\";
        extend google.protobuf.FieldOptions { repeated FieldBehavior field_behavior = 1052; }
        enum FieldBehavior { FIELD_BEHAVIOR_UNSPECIFIED = 0; REQUIRED = 2; OUTPUT_ONLY = 3;
            INPUT_ONLY = 4; IMMUTABLE = 5; }";
    let texts = Box::leak(Box::new([
        ("test.proto", text),
        ("google/api/field_behavior.proto", behavior),
    ]));
    files.add(Texts(texts));
    let mut compiler = protox::Compiler::with_file_resolver(files);
    let opened = compiler.include_source_info(true).open_file("test.proto");
    opened.expect("a schema").descriptor_pool()
}

fn about() -> About {
    About {
        title: "A test".to_owned(),
        version: "1".to_owned(),
        description: String::new(),
        errors: Errors::Status,
        json: Json::default(),
    }
}

fn made(about: &About, operations: &[Operation]) -> Value {
    serde_json::from_str(&document(about, operations)).expect("JSON")
}

/// The route of `method` with this rule, such as `GET /v1/{name} body`.
fn route(pool: &DescriptorPool, rpc: &str, rule: &str) -> Operation {
    let (service, method) = rpc.rsplit_once('.').expect("a method");
    let service = pool.get_service_by_name(service).expect("a service");
    let mut methods = service.methods();
    let method = methods.find(|known| known.name() == method);
    let mut parts = rule.split(' ');
    let verb = parts.next().expect("a verb");
    Operation {
        rule: Rule {
            verb: Verb::custom(verb).expect("a verb"),
            template: parts.next().expect("a path").parse().expect("a template"),
            body: match parts.next() {
                None | Some("") => routing::Body::None,
                Some("*") => routing::Body::Whole,
                Some(field) => routing::Body::Field(field.to_owned()),
            },
            response_body: parts.next().map(str::to_owned),
            rpc: rpc.to_owned(),
            origin: String::new(),
        },
        method: method.expect("a method"),
        json: Json::default(),
        constants: BTreeMap::new(),
        gather: None,
        query_defaults: BTreeMap::new(),
    }
}

/// Asserts what no document may break: references lead somewhere, names are unique,
/// paths and their parameters fit. What OpenAPI's own schema says is tested with
/// somebody else's validator.
#[track_caller]
fn check(document: &Value) {
    let mut references = Vec::new();
    collect(document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("inside the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in members(&document["components"]) {
        for name in members(&document["components"][&kind]) {
            let is_allowed =
                |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
            assert!(name.chars().all(is_allowed), "{name}");
        }
    }
    let mut ids = BTreeSet::new();
    let mut shapes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let in_path = parameters_in(path);
        let shape = in_path.iter().fold(path.clone(), |shape, name| {
            shape.replacen(&format!("{{{name}}}"), "{}", 1)
        });
        assert!(shapes.insert(shape), "{path} is there twice");
        for operation in item.as_object().expect("operations").values() {
            let Some(id) = operation["operationId"].as_str() else {
                continue;
            };
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let parameters = operation["parameters"].as_array();
            let parameters = parameters.into_iter().flatten();
            let named: Vec<_> = parameters
                .map(|parameter| (parameter["in"].clone(), parameter["name"].clone()))
                .collect();
            let unique: BTreeSet<_> = named.iter().map(|key| format!("{key:?}")).collect();
            assert_eq!(unique.len(), named.len(), "{named:?}");
            let own: Vec<_> = named
                .iter()
                .filter(|(place, _)| *place == "path")
                .filter_map(|(_, name)| name.as_str().map(str::to_owned))
                .collect();
            assert_eq!(own, in_path, "{path}");
        }
    }
}

fn members(object: &Value) -> Vec<String> {
    let members = object.as_object().expect("an object");
    members.keys().cloned().collect()
}

fn parameters_in(path: &str) -> Vec<String> {
    let parts = path.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                references.push(reference.to_owned());
            }
            members
                .values()
                .for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

const LIBRARY: &str = include_str!("tests/library.proto");

fn library() -> Vec<Operation> {
    let pool = compile(LIBRARY);
    let of = |method: &str, rule| route(&pool, &format!("library.v1.Library.{method}"), rule);
    let gathered = Operation {
        constants: [("from".to_owned(), json!("library"))].into(),
        gather: Some(Gather {
            field: "title".to_owned(),
            name: "titles".to_owned(),
        }),
        query_defaults: [("page_size".to_owned(), "20".to_owned())].into(),
        ..of("ListBooks", "GET /books")
    };
    vec![
        of("GetBook", "GET /v1/{name=shelves/*/books/*}"),
        of("GetBook", "GET /v1/numbered/{number}"),
        of("ListBooks", "GET /v1/{parent=shelves/*}/books"),
        gathered,
        of("CreateBook", "POST /v1/{parent=shelves/*}/books book"),
        of("MoveBook", "POST /v1/{name=shelves/*/books/*}:move *"),
        of("MoveBook", "MOVE /v1/{name=**} *"),
        of("CountPages", "POST /v1/pages *"),
        of("Talk", "POST /v1/talk *"),
        of("Old", "DELETE /v1/shelves/{number}/books/{name}  title"),
    ]
}

#[test]
fn a_library() {
    let result = made(&about(), &library());
    check(&result);
    assert_eq!(result, made(&about(), &library()));
    insta::assert_json_snapshot!(result);
}

#[test]
fn other_shapes_of_json_have_other_schemas() {
    let pool = compile(LIBRARY);
    let plain = route(&pool, "library.v1.Library.GetBook", "GET /v1/{name}");
    let mut other = route(&pool, "library.v1.Library.GetBook", "GET /v2/{name}");
    other.json = Json {
        names: transcode::Names::Original,
        enums: transcode::Enums::Numbers,
        defaults: transcode::Defaults::Write,
        ..Json::default()
    };
    let result = made(&about(), &[plain, other.clone()]);
    check(&result);
    let schemas = &result["components"]["schemas"];
    let name = "library.v1.Book-original-numbers-full";
    assert!(schemas["library.v1.Book"]["properties"]["pageCount"].is_object());
    assert!(schemas[name]["properties"]["page_count"].is_object());
    let required = schemas[name]["required"].as_array().expect("names");
    assert!(required.contains(&"page_count".into()), "{required:?}");
    assert_eq!(schemas["library.v1.Colour-numbers"]["type"], "integer");
    // What is used in one way only needs no suffix.
    let result = made(&about(), &[other]);
    check(&result);
    assert!(result["components"]["schemas"]["library.v1.Book"].is_object());
}

#[test]
fn two_servers_may_mean_different_things_by_a_name() {
    let one = compile(
        "syntax = \"proto3\"; package a; message M { N n = 1; } message N { int32 x = 1; }
        message Same { string s = 1; }
        service S { rpc R(Same) returns (M); }",
    );
    let two = compile(
        "syntax = \"proto3\"; package a; message M { N n = 1; } message N { string x = 1; }
        message Same { string s = 1; }
        service T { rpc R(Same) returns (M); }",
    );
    let operations = [
        route(&one, "a.S.R", "POST /one *"),
        route(&two, "a.T.R", "POST /two *"),
    ];
    let result = made(&about(), &operations);
    check(&result);
    let schemas = &result["components"]["schemas"];
    assert_eq!(schemas["a.N"]["properties"]["x"]["type"], "integer");
    assert_eq!(schemas["a.N-2"]["properties"]["x"]["type"], "string");
    assert_eq!(
        schemas["a.M-2"]["properties"]["n"]["$ref"],
        "#/components/schemas/a.N-2"
    );
    // The same server under two names is one.
    let again = compile(
        "syntax = \"proto3\"; package a; message M { N n = 1; } message N { int32 x = 1; }
        message Same { string s = 1; }
        service S { rpc R(Same) returns (M); }",
    );
    let operations = [
        route(&one, "a.S.R", "POST /one *"),
        route(&again, "a.S.R", "POST /two *"),
    ];
    let result = made(&about(), &operations);
    check(&result);
    assert!(result["components"]["schemas"].get("a.N-2").is_none());
}

#[test]
fn what_openapi_has_no_place_for_is_listed() {
    let pool = compile(LIBRARY);
    let of = |rule| route(&pool, "library.v1.Library.GetBook", rule);
    let operations = [
        of("GET /v1/{name}"),
        of("GET /v1/{name=**}"),
        of("* /v2/{name}"),
        of("REPORT /v3/{name}"),
    ];
    let result = made(&about(), &operations);
    check(&result);
    let others = &result["x-other-operations"];
    assert_eq!(others["count"], 3);
    let paths = others["operations"].as_array().expect("a list");
    let paths: Vec<_> = paths.iter().map(|other| &other["path"]).collect();
    assert_eq!(paths, ["/v1/{name=**}", "/v2/{name}", "/v3/{name}"]);
}
