use std::fs;

use proptest::prelude::*;
use prost::Message;
use prost_types::FileDescriptorSet;

use super::*;

const SET: &[u8] = tonic_health::pb::FILE_DESCRIPTOR_SET;

fn health() -> Description {
    Description::from_descriptor_set(SET).expect("the library's own set")
}

#[test]
fn a_descriptor_set_has_its_methods() {
    let methods: Vec<_> = health()
        .methods()
        .map(|method| method.full_name().to_owned())
        .collect();
    assert_eq!(
        methods,
        ["grpc.health.v1.Health.Check", "grpc.health.v1.Health.Watch"]
    );
}

#[test]
fn a_method_has_several_spellings() {
    let description = health();
    for name in [
        "grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Check",
        "grpc.health.v1.Health.Check",
    ] {
        let method = description.method(name).expect("it is there");
        assert_eq!(method.full_name(), "grpc.health.v1.Health.Check");
    }
}

#[track_caller]
fn check_hint(name: &str, expected: &str) {
    let error = health().method(name).expect_err("it is not there");
    assert_eq!(
        error.to_string(),
        format!("no method is called {name:?}; {expected}")
    );
}

#[test]
fn a_wrong_name_gets_a_hint() {
    let check = "did you mean grpc.health.v1.Health/Check?";
    for name in [
        "Check",
        "Health/Check",
        "Health.check",
        "/grpc.health.v1.Health/check",
        "grpc.health.v1.Health/Chek",
        "grpc.health.v2.Health/Check",
    ] {
        check_hint(name, check);
    }
    let all = "there are: grpc.health.v1.Health/Check, grpc.health.v1.Health/Watch";
    for name in [
        "",
        "/",
        "grpc.health.v1.Health/Drop",
        "grpc.health.v1.Health",
    ] {
        check_hint(name, all);
    }
    let empty = Description::from_descriptor_set(&[]).expect("an empty set");
    let error = empty.method("a.B/C").expect_err("nothing is there");
    assert!(
        error.to_string().ends_with("has no methods at all"),
        "{error}"
    );
}

#[test]
fn a_long_list_is_cut() {
    let methods: String = (0..25)
        .map(|n| format!("rpc M{n}(E) returns (E); "))
        .collect();
    let source = format!("syntax = \"proto3\"; message E {{}} service S {{ {methods} }}");
    let directory = tempfile::tempdir().expect("room for a file");
    let file = directory.path().join("s.proto");
    fs::write(&file, source).expect("room for a file");
    let description = Description::from_protos(&[file], &[]).expect("right files");
    let error = description.method("Quit").expect_err("it is not there");
    let error = error.to_string();
    assert!(error.ends_with(" and 5 more"), "{error}");
}

/// A directory of two files, the first of which imports the second.
fn files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("room for files");
    let path = directory.path();
    fs::create_dir(path.join("shop")).expect("room for files");
    let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("room");
    write(
        "shop/api.proto",
        r#"
        syntax = "proto3";
        package shop;
        import "shop/types.proto";
        import "google/protobuf/timestamp.proto";
        service Api { rpc Buy(Order) returns (google.protobuf.Timestamp); }
        "#,
    );
    write(
        "shop/types.proto",
        r#"syntax = "proto3"; package shop; message Order { string item = 1; }"#,
    );
    directory
}

#[test]
fn proto_files_are_compiled_with_their_imports() {
    let directory = files();
    let includes = [directory.path().to_owned()];
    for file in [
        PathBuf::from("shop/api.proto"),
        directory.path().join("shop/api.proto"),
    ] {
        let description = Description::from_protos(&[file], &includes);
        let description = description.expect("right files");
        let method = description.method("shop.Api/Buy").expect("it is there");
        assert_eq!(method.input().full_name(), "shop.Order");
    }
}

#[test]
fn without_include_directories_the_files_own_are_taken() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/services.proto");
    let description = Description::from_protos(&[published], &[]).expect("our own file");
    let method = description.method("pspd.ServiceB/StreamNumbers");
    assert!(method.expect("it is there").is_server_streaming());
    assert_eq!(directories(&["a.proto".into()]), [PathBuf::from(".")]);
}

#[track_caller]
fn check_refused(files: &[PathBuf], includes: &[PathBuf], expected: &str) {
    let error = Description::from_protos(files, includes).expect_err("wrong files");
    let error = error.to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn wrong_files_are_refused_with_the_place() {
    let directory = files();
    let api = directory.path().join("shop/api.proto");
    let inner = [directory.path().join("shop")];
    check_refused(
        std::slice::from_ref(&api),
        &[],
        "api.proto:4:9: import 'shop/types.proto' not found; imports and files are looked for \
         in the include directories: ",
    );
    check_refused(&["none.proto".into()], &inner, "'none.proto'");
    let broken = inner[0].join("broken.proto");
    fs::write(&broken, "syntax = \"proto3\";\nmessage M { No no = 1; }").expect("room");
    check_refused(
        &[broken],
        &inner,
        "broken.proto:2:13: name 'No' is not defined",
    );
}

#[test]
fn broken_sets_are_refused() {
    for bytes in [&SET[..SET.len() - 1], b"HTTP/1.1 404 Not Found", &[0x0a, 1]] {
        let error = Description::from_descriptor_set(bytes).expect_err("no set");
        let error = error.to_string();
        assert!(
            error.starts_with("cannot read the descriptor set: "),
            "{error}"
        );
    }
}

#[test]
fn a_file_in_an_edition_is_refused_by_name() {
    let mut set = FileDescriptorSet::decode(SET).expect("a set");
    set.file[0].syntax = Some("editions".to_owned());
    let error = Description::from_descriptor_set(&set.encode_to_vec()).expect_err("not read");
    let expected = "health.proto is written in a protobuf edition";
    assert!(error.to_string().contains(expected), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Description::from_descriptor_set(&bytes);
    }

    #[test]
    fn a_set_with_wrong_bytes_in_it_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = SET.to_vec();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(description) = Description::from_descriptor_set(&bytes) {
            let _ = description.method("grpc.health.v1.Health/Check");
        }
    }

    #[test]
    fn any_name_is_found_or_refused(name in any::<String>()) {
        let _ = health().method(&name);
    }
}
