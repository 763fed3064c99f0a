use std::{fs, path::PathBuf};

use prost::Message;
use prost_reflect::{Cardinality, Kind};

use super::*;
use crate::Description;

/// A service that uses whatever is built in.
const SHOP: &str = r#"
    syntax = "proto3";
    package shop;
    import "google/api/annotations.proto";
    import "google/api/client.proto";
    import "google/api/field_behavior.proto";
    import "google/api/httpbody.proto";
    import "google/api/resource.proto";
    import "google/rpc/code.proto";
    import "google/rpc/error_details.proto";
    import "google/rpc/status.proto";
    option (google.api.resource_definition) = { type: "shop/User" pattern: "users/{user}" };
    message Order {
        option (google.api.resource) = { type: "shop/Order" style: DECLARATIVE_FRIENDLY };
        string name = 1 [(google.api.field_behavior) = REQUIRED,
                         (google.api.field_behavior) = IDENTIFIER];
        string user = 2 [(google.api.resource_reference).type = "shop/User"];
        google.rpc.Status status = 3;
        google.rpc.Code code = 4;
        google.rpc.BadRequest bad_request = 5;
    }
    service Api {
        option (google.api.default_host) = "shop.example.com";
        option (google.api.oauth_scopes) = "all";
        option (google.api.api_version) = "v1";
        rpc Buy(Order) returns (google.api.HttpBody) {
            option (google.api.http) = {
                post: "/v1/{name=orders/*}:buy" body: "*" response_body: "data"
                additional_bindings { custom { kind: "HEAD" path: "/v1/buy" } }
            };
            option (google.api.method_signature) = "name,user";
        }
    }
"#;

/// What these files describe, each a name and a text, of which `main` is compiled.
fn describe(main: &str, files: &[(&str, &str)]) -> Result<Description, crate::DescribeError> {
    let directory = tempfile::tempdir().expect("room for files");
    for (name, text) in files {
        let path = directory.path().join(name);
        let folder = path.parent().expect("the directory");
        fs::create_dir_all(folder).expect("room for files");
        fs::write(path, text).expect("room for files");
    }
    Description::from_protos(&[PathBuf::from(main)], &[directory.path().to_owned()])
}

fn shop() -> Description {
    describe("shop.proto", &[("shop.proto", SHOP)]).expect("right files")
}

#[test]
fn what_services_import_need_not_be_there() {
    let description = shop();
    let method = description.method("shop.Api/Buy").expect("it is there");
    assert_eq!(method.output().full_name(), "google.api.HttpBody");
    let pool = description.pool();
    let option = |name| pool.get_extension_by_name(name).expect(name);
    let options = method.options();
    let http = options.get_extension(&option("google.api.http"));
    assert_eq!(
        http.to_string(),
        "{post:\"/v1/{name=orders/*}:buy\",body:\"*\",additional_bindings:[{custom{kind:\"HEAD\",\
         path:\"/v1/buy\"}}],response_body:\"data\"}"
    );
    let signature = options.get_extension(&option("google.api.method_signature"));
    assert_eq!(signature.to_string(), "[\"name,user\"]");
    let code = pool.get_enum_by_name("google.rpc.Code").expect("an enum");
    assert_eq!(
        code.get_value_by_name("UNAUTHENTICATED")
            .map(|value| value.number()),
        Some(16)
    );
    assert_eq!(code.values().count(), 17);
}

#[test]
fn every_built_in_file_compiles_by_itself() {
    let names = TEXTS.iter().map(|(name, _)| (*name).to_owned());
    let shipped = google_rpc().map(|file| file.name().to_owned());
    let names: Vec<_> = names.chain(shipped).collect();
    assert_eq!(
        names[7..],
        ["google/rpc/status.proto", "google/rpc/error_details.proto"]
    );
    for name in names {
        let text = format!("syntax = \"proto3\"; import \"{name}\";");
        describe("a.proto", &[("a.proto", &text)]).expect(&name);
    }
}

#[track_caller]
fn check_extension(pool: &DescriptorPool, name: &str, number: u32, of: &str, list: bool) {
    let extension = pool.get_extension_by_name(name).expect(name);
    assert_eq!(extension.number(), number, "{name}");
    assert_eq!(extension.containing_message().full_name(), of, "{name}");
    assert_eq!(
        extension.cardinality() == Cardinality::Repeated,
        list,
        "{name}"
    );
}

#[test]
fn options_have_their_numbers() {
    let description = shop();
    let pool = description.pool();
    let check = |name, number, of: &str, list| {
        let of = format!("google.protobuf.{of}Options");
        check_extension(pool, &format!("google.api.{name}"), number, &of, list);
    };
    check("http", 72_295_728, "Method", false);
    check("method_signature", 1051, "Method", true);
    check("default_host", 1049, "Service", false);
    check("oauth_scopes", 1050, "Service", false);
    check("api_version", 525_000_001, "Service", false);
    check("field_behavior", 1052, "Field", true);
    check("resource_reference", 1055, "Field", false);
    check("resource_definition", 1053, "File", true);
    check("resource", 1053, "Message", false);
    let body = pool
        .get_message_by_name("google.api.HttpBody")
        .expect("a message");
    let fields = body
        .fields()
        .map(|field| (field.number(), field.name().to_owned()));
    assert!(
        fields.eq([(1, "content_type"), (2, "data"), (3, "extensions")]
            .map(|(number, name)| (number, name.to_owned())))
    );
    assert_eq!(body.get_field(2).expect("a field").kind(), Kind::Bytes);
}

#[test]
fn the_users_own_files_win() {
    let own = r#"syntax = "proto3"; package google.api; message HttpRule { string get = 2; }"#;
    let api = r#"syntax = "proto3"; package shop;
        import "google/api/annotations.proto";
        message M {}
        service Api { rpc Get(M) returns (M) { option (google.api.http).get = "/"; } }"#;
    let files = [("api.proto", api), ("google/api/http.proto", own)];
    let description = describe("api.proto", &files).expect("right files");
    let rule = description
        .pool()
        .get_message_by_name("google.api.HttpRule");
    assert_eq!(rule.expect("the user's").fields().count(), 1);

    let files = [("api.proto", api), ("google/api/http.proto", "not a file")];
    let error = describe("api.proto", &files).expect_err("the user's is broken");
    assert!(
        error.to_string().contains("google/api/http.proto:1:1"),
        "{error}"
    );
}

const DETAILS: [&str; 10] = [
    "google.rpc.ErrorInfo",
    "google.rpc.RetryInfo",
    "google.rpc.DebugInfo",
    "google.rpc.QuotaFailure",
    "google.rpc.PreconditionFailure",
    "google.rpc.BadRequest",
    "google.rpc.RequestInfo",
    "google.rpc.ResourceInfo",
    "google.rpc.Help",
    "google.rpc.LocalizedMessage",
];

/// The error details and well-known types that the description lacks.
fn lacking(description: &Description) -> Vec<&'static str> {
    let well_known = [
        "google.rpc.Status",
        "google.protobuf.Any",
        "google.protobuf.Duration",
        "google.protobuf.Empty",
        "google.protobuf.FieldMask",
        "google.protobuf.Struct",
        "google.protobuf.Timestamp",
        "google.protobuf.StringValue",
    ];
    let names = DETAILS.into_iter().chain(well_known);
    names
        .filter(|name| description.pool().get_message_by_name(name).is_none())
        .collect()
}

#[test]
fn error_details_are_added_where_they_are_missing() {
    let set = tonic_health::pb::FILE_DESCRIPTOR_SET;
    let bare = Description::from_descriptor_set(set).expect("the library's own set");
    assert_eq!(lacking(&bare).len(), DETAILS.len() + 8);
    let full = bare.clone().with_error_details();
    assert_eq!(lacking(&full), [""; 0]);
    assert_eq!(full.methods().count(), bare.methods().count());
    assert_eq!(full.fingerprint(), bare.fingerprint());
    let files = full.pool().files().len();
    assert_eq!(full.with_error_details().pool().files().len(), files);

    let full = shop().with_error_details();
    assert_eq!(lacking(&full), [""; 0]);
    let method = full.method("shop.Api/Buy").expect("it is there");
    let http = full
        .pool()
        .get_extension_by_name("google.api.http")
        .expect("imported");
    assert!(method.options().has_extension(&http));
}

/// That the details go with a description of these files, but for `lost`.
#[track_caller]
fn check_beside(files: &[(&str, &str)], lost: &[&str]) {
    let api = r#"syntax = "proto3"; package api; import "own.proto";
        import "google/api/annotations.proto";
        message M {}
        service S { rpc Get(M) returns (M) { option (google.api.http).get = "/"; } }"#;
    let mut all = vec![("api.proto", api)];
    all.extend(files);
    let description = describe("api.proto", &all).expect("right files");
    let own = description
        .pool()
        .get_file_by_name("own.proto")
        .expect("imported");
    let full = description.with_error_details();
    assert_eq!(lacking(&full), lost, "{files:?}");
    let kept = full.pool().get_file_by_name("own.proto").expect("imported");
    assert_eq!(kept.file_descriptor_proto(), own.file_descriptor_proto());
    let method = full.method("api.S/Get").expect("it is there");
    let http = full
        .pool()
        .get_extension_by_name("google.api.http")
        .expect("imported");
    assert!(method.options().has_extension(&http));
}

#[test]
fn what_is_in_the_way_of_error_details_stays() {
    let file = |text: &str| format!("syntax = \"proto3\"; {text}");
    let own = |text: &str, lost: &[&str]| check_beside(&[("own.proto", &file(text))], lost);
    own(
        "package google.rpc; message BadRequest { int32 mine = 1; }",
        &[],
    );
    // A package where messages are expected.
    let mut lost = DETAILS.to_vec();
    own("package google.rpc.Help.mine; message M {}", &lost);
    // With so many options that the library loses some when it refuses a file.
    let options: String = (0..100)
        .map(|index| format!("int32 o{index} = {};", 60_000 + index))
        .collect();
    let options = format!(
        "package google.rpc.Help.mine; import \"google/protobuf/descriptor.proto\"; \
         extend google.protobuf.MethodOptions {{ {options} }}"
    );
    own(&options, &lost);
    // The well-known files are the same for everybody.
    let mine = file("package mine; message M {}");
    let import = file("import \"google/protobuf/any.proto\";");
    check_beside(
        &[("own.proto", &import), ("google/protobuf/any.proto", &mine)],
        &[],
    );
    let import = file("import \"google/rpc/error_details.proto\";");
    lost = DETAILS.to_vec();
    check_beside(
        &[
            ("own.proto", &import),
            ("google/rpc/error_details.proto", &mine),
        ],
        &lost,
    );
}

#[test]
fn a_fingerprint_is_of_what_was_read() {
    let api = r#"syntax = "proto3"; import "types.proto"; message A { M m = 1; }"#;
    let types = r#"syntax = "proto3"; message M {}"#;
    let other = r#"syntax = "proto3"; message M { int32 n = 1; }"#;
    let fingerprint = |types, unused| {
        let files = [
            ("api.proto", api),
            ("types.proto", types),
            ("unused.proto", unused),
        ];
        describe("api.proto", &files)
            .expect("right files")
            .fingerprint()
    };
    assert_eq!(fingerprint(types, ""), fingerprint(types, "anything"));
    assert_ne!(fingerprint(types, ""), fingerprint(other, ""));
    let set = tonic_health::pb::FILE_DESCRIPTOR_SET;
    let of = |set: &[u8]| {
        Description::from_descriptor_set(set)
            .expect("a set")
            .fingerprint()
    };
    let mut changed = FileDescriptorSet::decode(set).expect("a set");
    changed.file[0].service[0].name = Some("Wealth".to_owned());
    assert_eq!(of(set), of(set));
    assert_ne!(of(set), of(&changed.encode_to_vec()));
    assert_eq!(of(set).to_string().len(), 16);
}
