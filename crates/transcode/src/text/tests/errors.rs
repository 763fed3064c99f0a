//! What is said about a parameter that cannot be used.

use super::*;

/// Bound are `a_string` and `inner.inner`, and `chosen_number` of the oneof.
fn refused(query: &str, name: &str, value: &str, expected: &str) {
    let bound = ["a_string", "inner.inner", "inner.chosen_number"];
    match read(query, &bound, Unknown::Reject) {
        Ok(read) => assert_eq!(read, Value::Null, "{query} should be refused"),
        Err(bad) => {
            assert_eq!(
                (bad.name.as_str(), bad.value.as_str()),
                (name, value),
                "{query}"
            );
            assert!(bad.expected.contains(expected), "{query}: {}", bad.expected);
        }
    }
}

/// Of a single parameter.
fn check(name: &str, value: &str, expected: &str) {
    refused(&format!("{name}={value}"), name, value, expected);
}

#[test]
fn bad_values() {
    let int32 = "a whole number from -2147483648 to 2147483647";
    for value in [
        "",
        " ",
        "abc",
        "1.5",
        "1e3",
        "10abc",
        "2147483648",
        "++1",
        "+ 1",
        "0x1",
        "1 2",
    ] {
        check("an_int32", value, int32);
    }
    check("a_uint32", "-1", "a whole number from 0 to 4294967295");
    check("anInt64", "9223372036854775808", "to 9223372036854775807");
    for value in [
        "", "abc", "inf", "nan", "infinity", "1e400", ".", "1f", "--1", "0x1p3",
    ] {
        check("aDouble", value, "a number up to");
    }
    check("aFloat", "1e39", "a number up to 3.4");
    for value in ["", "1", "True", " true"] {
        check("aBool", value, "true or false");
    }
    check("mood", "HAPPY", "one of SAD, CALM, GLAD, or its number");
    check("mood", "", "one of SAD, CALM, GLAD, or its number");
    check("someBytes", "*", "base64");
    check("numbers", "x", int32);
    check("time", "yesterday", "a time from");
    check("length", "1", "seconds from");
    check("wrappedInt32", "x", int32);
    check(
        "value",
        "abc",
        "google.protobuf.Value in JSON, with a value at column 1",
    );
    check(
        "object",
        r#"{"a":1"#,
        "with a comma or } after a member at column 7",
    );
    check(
        "list",
        "{}",
        "google.protobuf.ListValue in JSON, with a list at column 1",
    );
    check(
        "weights[x]",
        "1",
        "a key in brackets that is a whole number from 0",
    );
    check("weights[1]", "x", "a number");
    check("byFlag[true]", "x", "only in the body");
}

#[test]
fn names_that_lead_nowhere() {
    check(
        "missing",
        "1",
        "a parameter that is known: an_int32, a_sint32, an_sfixed32",
    );
    check("", "1", "a parameter that is known: an_int32");
    check(
        "inner.missing",
        "1",
        "a parameter that is known: inner.an_int32, inner.a_sint32",
    );
    check(
        "empty.x",
        "1",
        "no such parameter: google.protobuf.Empty has no fields",
    );
    check("an_int32.x", "1", "an_int32 alone");
    check("numbers[0]", "1", "numbers alone, once for each element");
    check("labels.a", "1", "labels[key]");
    check("labels", "1", "labels[key]");
    check(
        "chosen_message",
        "1",
        "a parameter for one of its fields, such as chosen_message.an_int32",
    );
    check("children", "1", "only in the body");
    check("any", "{}", "only in the body");
    check(&vec!["chosen_message"; 200].join("."), "1", "alone");
}

#[test]
fn given_more_than_once() {
    let once = "one value; it was given more than once";
    refused("an_int32=1&aBool=true&an_int32=2", "an_int32", "1, 2", once);
    refused("an_int32=1&anInt32=2", "anInt32", "1, 2", once);
    refused("inner.maybe=1&inner.maybe=1", "inner.maybe", "1, 1", once);
    refused(
        "labels[a]=1&labels[b]=2&labels[a]=3",
        "labels[a]",
        "1, 3",
        once,
    );
    refused("weights[1]=1&weights[01]=3", "weights[01]", "1, 3", once);
    refused("time=x&time=x", "time", "x", "a time from");
    let one = "one value: only one of chosen_text, chosen_number";
    refused(
        "chosen_text=a&chosen_number=1",
        "chosen_number",
        "a, 1",
        one,
    );
    refused(
        "chosen_message.maybe=1&chosen_text=a",
        "chosen_text",
        "1, a",
        one,
    );
    refused("inner.chosen_text=a", "inner.chosen_text", "a", one);
}

#[test]
fn given_by_path_or_body() {
    let bound = "no value: the path or the body gives it already";
    check("a_string", "x", bound);
    check("aString", "x", bound);
    check("inner.inner.maybe", "1", bound);
    check("inner.inner.inner.maybe", "1", bound);
    check("inner.inner", "1", bound);
    check("inner", "1", bound);
}

/// Each is compared with all before it, but not one by one.
#[test]
fn many_parameters() {
    let query: Vec<_> = (0..20_000).map(|n| format!("labels[{n}]={n}")).collect();
    let query = query.join("&");
    assert!(read(&query, &[], Unknown::Reject).is_ok());
    let again = format!("{query}&labels[123]=x");
    let bad = read(&again, &[], Unknown::Reject).expect_err("given twice");
    assert_eq!(
        (bad.name.as_str(), bad.value.as_str()),
        ("labels[123]", "123, x")
    );
}

#[test]
fn the_message() {
    let bad = read("anInt32=x", &[], Unknown::Reject).expect_err("no number");
    assert_eq!(
        bad.to_string(),
        "parameter \"anInt32\" is \"x\"; \
         expected a whole number from -2147483648 to 2147483647"
    );
}
