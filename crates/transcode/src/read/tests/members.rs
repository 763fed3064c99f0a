//! Which member is which field: names, null, presence, oneofs, paths.

use super::*;

#[test]
fn names() {
    check(
        r#"{"an_int32":1,"a_bool":true}"#,
        r#"{"anInt32":1,"aBool":true}"#,
    );
    check(r#"{"other name":"a"}"#, r#"{"other name":"a"}"#);
    check(r#"{"renamed":"a"}"#, r#"{"other name":"a"}"#);
    check(r#"{"an\u0049nt32":1}"#, r#"{"anInt32":1}"#);
    // In any order.
    check(
        r#"{"wrappedBool":true,"aBool":true,"anInt32":1}"#,
        r#"{"anInt32":1,"aBool":true,"wrappedBool":true}"#,
    );
    let twice = "one value; it was given more than once";
    refused(r#"{"anInt32":1,"anInt32":1}"#, "anInt32", twice);
    refused(r#"{"anInt32":1,"an_int32":1}"#, "an_int32", twice);
    refused(r#"{"inner":{},"inner":{}}"#, "inner", twice);
    refused(r#"{"numbers":[1],"numbers":[2]}"#, "numbers", twice);
    refused(r#"{"anInt32":null,"anInt32":1}"#, "anInt32", twice);
    refused(
        r#"{"AnInt32":1}"#,
        "AnInt32",
        "a field of corners.All: anInt32, aSint32",
    );
    refused(
        r#"{"inner":{"children":[{"x":1}]}}"#,
        "inner.children[0].x",
        "a field of corners.All",
    );
    refused(
        r#"{"empty":{"x":1}}"#,
        "empty.x",
        "google.protobuf.Empty has no fields",
    );
}

#[test]
fn extensions() {
    GROUND.with(|ground| {
        let json = r#"{"name":"a","[extended.size]":5,"[extended.tags]":["b"],"numbers":[1,2]}"#;
        let wire = ground
            .read("extended.Base", json.as_bytes(), Unknown::Reject)
            .expect("valid");
        let read = ground.message("extended.Base", &wire);
        assert_eq!(Some(&read), ground.oracle("extended.Base", json).as_ref());
        assert_eq!(read.encode_to_vec().len(), wire.len());
        let json = br#"{"[extended.missing]":5}"#;
        let error = ground
            .read("extended.Base", json, Unknown::Reject)
            .expect_err("unknown");
        assert_eq!(error.path, "[extended.missing]");
    });
}

#[test]
fn null_is_absence() {
    check(
        r#"{"anInt32":null,"aString":null,"someBytes":null,"mood":null,"maybe":null,"inner":null,
            "labels":null,"any":null,"time":null,"object":null,"list":null,"empty":null,
            "wrappedString":null,"wrappedDouble":null}"#,
        "{}",
    );
    // The second opinion fails on these two.
    assert_eq!(
        read(r#"{"values":null,"nulls":null}"#, Unknown::Reject).map(|read| shown(&read)),
        Ok(Value::Object(serde_json::Map::new()))
    );
    check_same(r#"{"value":null}"#);
    check(r#"{"null":null}"#, "{}");
}

#[test]
fn presence() {
    check_same(r#"{"maybe":0,"inner":{},"wrappedInt32":0,"chosenNumber":0}"#);
    check(r#"{"anInt32":0,"maybe":null}"#, "{}");
}

#[test]
fn oneofs() {
    check_same(r#"{"chosenText":""}"#);
    check_same(r#"{"chosenMessage":{}}"#);
    check_same(r#"{"chosenNull":null}"#);
    check_same(r#"{"chosenValue":null}"#);
    check(
        r#"{"chosenText":null,"chosenNumber":1}"#,
        r#"{"chosenNumber":1}"#,
    );
    check(
        r#"{"chosenNumber":1,"chosenMessage":null}"#,
        r#"{"chosenNumber":1}"#,
    );
    let one = "only one of chosenText, chosenNumber, chosenMessage, chosenNull, chosenValue";
    refused(r#"{"chosenText":"","chosenNumber":0}"#, "chosenNumber", one);
    refused(r#"{"chosenNumber":0,"chosenNull":null}"#, "chosenNull", one);
    refused(r#"{"chosenValue":null,"chosenText":""}"#, "chosenText", one);
}

#[test]
fn several_fields_by_path() {
    GROUND.with(|ground| {
        let root = ground.schema.message("corners.All").expect("described");
        let read = |path: &str, json: &str| {
            let path = ground.schema.field_path(root, path).expect("a path");
            let mut out = Builder::new();
            let options = ReadOptions::default();
            ground
                .schema
                .read_field(&path, json.as_bytes(), options, &mut out)?;
            let mut wire = Vec::new();
            out.write_to(&mut wire);
            Ok(shown(&ground.message("corners.All", &wire)).to_string())
        };
        let check = |path: &str, json: &str, expected: &str| {
            assert_eq!(read(path, json), Ok(expected.to_owned()), "{path} {json}");
        };
        check("inner", r#"{"anInt32":1}"#, r#"{"inner":{"anInt32":1}}"#);
        check(
            "inner.inner.labels",
            r#"{"a":"b"}"#,
            r#"{"inner":{"inner":{"labels":{"a":"b"}}}}"#,
        );
        check("inner.a_string", " \"a\" ", r#"{"inner":{"aString":"a"}}"#);
        check("numbers", "[1,2]", r#"{"numbers":[1,2]}"#);
        check(
            "time",
            r#""1970-01-01T00:00:00Z""#,
            r#"{"time":"1970-01-01T00:00:00Z"}"#,
        );
        check("inner.value", "null", r#"{"inner":{"value":null}}"#);
        check("inner.an_int32", "null", "{}");
        let error: Result<String, ReadError> = read("inner.numbers", r#"[1,"x"]"#);
        assert_eq!(error.expect_err("no number").path, "[1]");
        let error = read("inner.numbers", "[1] 2").expect_err("more than one value");
        assert_eq!(error.expected, "nothing more after the value");
    });
}
