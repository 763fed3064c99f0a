use proptest::prelude::*;

use super::*;
use crate::grpc::tests::method;

fn call(message: &str) -> Result<Call, CallError> {
    Call::new("localhost:1", &method("One"), message, &[])
}

#[track_caller]
fn check(message: &str, expected: &[u8]) {
    let call = call(message).expect("a right message");
    let mut values = Values::new(0, 0);
    let framed = call.message(&mut values).expect("a right message");
    assert_eq!(framed[..5], [0, 0, 0, 0, (framed.len() - 5) as u8]);
    assert_eq!(framed[5..], *expected);
}

#[test]
fn messages_are_encoded_and_framed() {
    check("{}", &[]);
    check(r#"{"name": "é"}"#, &[0x0a, 2, 0xc3, 0xa9]);
    check(r#"{"name": "u{{user}}"}"#, &[0x0a, 2, b'u', b'0']);
    check(
        r#"{"count": {{random 7 7}}, "innerPart": {"data": "AQ=="}}"#,
        &[0x10, 7, 0x1a, 3, 0x0a, 1, 1],
    );
    check(r#"{"inner_part": {}}"#, &[0x1a, 0]);
}

#[test]
fn only_templates_are_made_again() {
    let mut values = Values::new(0, 0);
    let constant = call(r#"{"name": "always"}"#).expect("a right message");
    let first = constant.message(&mut values).expect("constant");
    let second = constant.message(&mut values).expect("constant");
    assert_eq!(first.as_ptr(), second.as_ptr());
    let differs = call(r#"{"name": "{{request}}"}"#).expect("a right message");
    let first = differs.message(&mut values).expect("a string");
    values.request = 1;
    let second = differs.message(&mut values).expect("a string");
    assert_ne!(first, second);
}

#[track_caller]
fn check_refused(message: &str, expected: &str) {
    let error = call(message).expect_err("the message is wrong").to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_wrong_field_is_named_with_those_there_are() {
    let fields = "its fields are: name, count, inner_part, list, by_name";
    check_refused(
        r#"{"nam": "x"}"#,
        &format!("t.In has no field \"nam\"; {fields}"),
    );
    for (message, field) in [
        (r#"{"innerPart": {"dat": ""}}"#, "innerPart.dat"),
        (r#"{"list": [{}, {"x": 1}]}"#, "list.x"),
        (r#"{"by_name": {"key": {"x": 1}}}"#, "by_name.key.x"),
    ] {
        let expected = format!("t.Inner has no field {field:?}; its fields are: data");
        check_refused(message, &expected);
    }
}

#[test]
fn every_alternative_of_a_template_is_tried_beforehand() {
    let not = "not a message of type t.In: ";
    check_refused(r#"{"count": "x"}"#, not);
    check_refused(r#"{"count": 1"#, not);
    check_refused(r#"{"count": 1} {"#, not);
    check_refused("", not);
    check_refused(r#"{"count": {{pick 1 2 three}}}"#, not);
    check_refused(r#"{"count": {{random 0 2147483648}}}"#, not);
    check_refused(
        r#"{"count": {{count}}}"#,
        "the message of t.S/One: no expression is called \"count\"",
    );
}

#[test]
fn a_message_that_only_some_values_break_is_an_error_of_that_request() {
    let call = call(r#"{"count": {{request}}}"#).expect("right for the first request");
    let mut values = Values::new(0, 0);
    values.request = 1 << 31;
    let error = call.message(&mut values).expect_err("no 32-bit number");
    assert!(error.to_string().contains("2147483648"), "{error}");
    values.request = 0;
    call.message(&mut values).expect("right again");
}

#[test]
fn what_is_sent_fits_the_method() {
    let sending = |name: &str, pace| {
        let call = Call::new("localhost:1", &method(name), "{}", &[]).expect("right");
        let sending = Sending::new(3, pace).expect("some");
        call.sending(sending).map_err(|error| error.to_string())
    };
    let alone = "takes one message; leave messages and every out";
    for name in ["One", "Many"] {
        let error = sending(name, Pace::AtOnce).expect_err("it takes one message");
        assert_eq!(error, format!("t.S/{name} {alone}"));
    }
    let error = sending("Up", Pace::WhenAnswered).expect_err("it answers once");
    assert!(
        error.starts_with("t.S/Up answers once, at the end"),
        "{error}"
    );
    for (name, pace) in [("Up", Pace::AtOnce), ("Both", Pace::WhenAnswered)] {
        let call = sending(name, pace).expect("it takes a stream");
        assert_eq!(call.sends().map(|sends| sends.messages()), Some(3));
    }
    let one = Call::new("localhost:1", &method("Up"), "{}", &[]).expect("right");
    assert_eq!(one.sends().map(|sends| sends.messages()), Some(1));
}

#[test]
fn the_head_is_that_of_grpc() {
    let metadata = [
        ("X-Team", "load"),
        ("x-team", "test"),
        ("key-bin", "/+8"),
        ("user-agent", "mine"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let call = Call::new("localhost:1", &method("Many"), "{}", &metadata).expect("right");
    assert!(call.streams());
    let head = call.head(HeaderValue::from_static("1S"));
    assert_eq!(head.method(), "POST");
    assert_eq!(head.uri(), "http://localhost:1/t.S/Many");
    let headers: Vec<_> = head
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
        .collect();
    assert_eq!(
        headers,
        [
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "mine"),
            ("grpc-timeout", "1S"),
            ("x-team", "load"),
            ("x-team", "test"),
            ("key-bin", "/+8"),
        ]
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for (name, value, expected) in [
        (
            "a b",
            "",
            "not a name; use letters, digits, `-`, `_` and `.`",
        ),
        (
            "Grpc-Timeout",
            "1S",
            "is set by the protocol itself; choose another name",
        ),
        (
            "te",
            "",
            "is set by the protocol itself; choose another name",
        ),
        (
            "x",
            "é",
            "\"é\" is not printable ASCII; end the name in -bin and give it as base64",
        ),
        (
            "x-bin",
            "?",
            "\"?\" is not base64; values of names in -bin are bytes and must be",
        ),
    ] {
        let metadata = [(name.to_owned(), value.to_owned())];
        let error = Call::new("localhost:1", &method("One"), "{}", &metadata);
        let error = error.expect_err("it cannot be sent").to_string();
        assert_eq!(error, format!("metadata {name:?}: {expected}"));
    }
    let error = Call::new("local host", &method("One"), "{}", &[]).expect_err("no host");
    let error = error.to_string();
    assert!(
        error.starts_with("the target \"local host\" is not a host and port: "),
        "{error}"
    );
}

proptest! {
    #[test]
    fn any_message_is_prepared_or_refused(message in any::<String>()) {
        let _ = call(&message);
    }

    #[test]
    fn any_json_is_prepared_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"name\"", "\"inner_part\"", "\"by_name\"",
                "\"list\"", "\"x\"", "1", "null", "{{user}}",
            ]),
            0..15,
        ),
    ) {
        let _ = call(&pieces.concat());
    }

    #[test]
    fn any_metadata_is_prepared_or_refused(name in any::<String>(), value in any::<String>()) {
        let _ = Call::new("localhost:1", &method("One"), "{}", &[(name, value)]);
    }
}
