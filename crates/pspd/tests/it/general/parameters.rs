//! Query parameters onto fields of every kind, and what is said when one does not
//! fit.

use serde_json::{Value, json};
use testkit::http::Response;

use super::{Library, error, violation};

#[test]
fn fields_of_every_kind() {
    let library = Library::start();
    let check = |query: &str, expected: Value| {
        let answer = library.get(&format!("/v1/kinds?{query}"));
        assert_eq!(answer.status(), 200, "{query}: {}", answer.text());
        assert_eq!(library.received().json(), expected, "{query}");
    };
    check("a_bool=true", json!({"a_bool": true}));
    check(
        "an_int32=-2147483648",
        json!({"an_int32": -2_147_483_648_i64}),
    );
    check(
        "a_sint32=-7&a_uint32=4294967295",
        json!({"a_sint32": -7, "a_uint32": 4_294_967_295_u32}),
    );
    check(
        "an_int64=-9223372036854775808",
        json!({"an_int64": "-9223372036854775808"}),
    );
    check(
        "a_sint64=-1&a_uint64=18446744073709551615",
        json!({
            "a_sint64": "-1",
            "a_uint64": "18446744073709551615",
        }),
    );
    check(
        "a_fixed32=1&a_sfixed32=-1",
        json!({"a_fixed32": 1, "a_sfixed32": -1}),
    );
    check(
        "a_fixed64=1&a_sfixed64=-1",
        json!({"a_fixed64": "1", "a_sfixed64": "-1"}),
    );
    check(
        "a_float=1.5&a_double=-2.5e300",
        json!({"a_float": 1.5, "a_double": -2.5e300}),
    );
    check(
        "a_float=NaN&a_double=-Infinity",
        json!({"a_float": "NaN", "a_double": "-Infinity"}),
    );
    check(
        "a_string=ol%C3%A1+mundo%21",
        json!({"a_string": "olá mundo!"}),
    );
    check("some_bytes=AAEC", json!({"some_bytes": "AAEC"}));
    check("some_bytes=-_8%3D", json!({"some_bytes": "+/8="}));
    check("colour=DARK_BLUE", json!({"colour": "DARK_BLUE"}));
    check("colour=2", json!({"colour": "DARK_BLUE"}));
    check(
        "owner.name=Ana&owner.age=30",
        json!({"owner": {"name": "Ana", "age": 30}}),
    );
    check("maybe=0", json!({"maybe": 0}));
    check("word=", json!({"word": ""}));
    check("count=4", json!({"count": 4}));
    check(
        "numbers=1&numbers=2&numbers=3",
        json!({"numbers": [1, 2, 3]}),
    );
    check(
        "colours=RED&colours=2",
        json!({"colours": ["RED", "DARK_BLUE"]}),
    );
    check(
        "labels[a]=1&labels[b%20c]=2",
        json!({"labels": {"a": 1, "b c": 2}}),
    );
    check(
        "names[7]=x&names%5B-1%5D=y",
        json!({"names": {"7": "x", "-1": "y"}}),
    );
    check(
        "when=2026-05-04T03:02:01.5Z",
        json!({"when": "2026-05-04T03:02:01.500Z"}),
    );
    check("how_long=1.25s", json!({"how_long": "1.250s"}));
    check(
        "mask=owner.name,anInt32",
        json!({"mask": "owner.name,anInt32"}),
    );
    check(
        "wrapped_text=&wrapped_number=0&wrapped_bool=false",
        json!({
            "wrapped_text": "",
            "wrapped_number": "0",
            "wrapped_bool": false,
        }),
    );
    check("wrapped_bytes=AA", json!({"wrapped_bytes": "AA=="}));
    check("otherName=a", json!({"renamed": "a"}));
    check(
        "renamed=a&anInt32=5&aBool=true",
        json!({"renamed": "a", "an_int32": 5, "a_bool": true}),
    );
}

#[test]
fn a_parameter_that_does_not_fit_is_explained() {
    let library = Library::start();
    let check = |query: &str, field: &str, said: &[&str]| {
        let body = error(&library.get(&format!("/v1/kinds?{query}")), 400);
        assert_eq!(body["code"], 3, "{body}");
        let (named, description) = violation(&body);
        assert_eq!(named, field, "{query}");
        let message = body["message"].as_str().expect("a text");
        for part in said {
            assert!(message.contains(part), "{query}: {message}");
        }
        assert!(
            message.contains(description.trim_start_matches("expected ")),
            "{body}"
        );
    };
    check(
        "an_int32=2147483648",
        "an_int32",
        &["\"2147483648\"", "-2147483648 to 2147483647"],
    );
    check(
        "a_uint64=-1",
        "a_uint64",
        &["\"-1\"", "0 to 18446744073709551615"],
    );
    check("a_bool=yes", "a_bool", &["\"yes\"", "true or false"]);
    check("a_double=fast", "a_double", &["\"fast\"", "number"]);
    check("colour=PINK", "colour", &["\"PINK\"", "RED", "DARK_BLUE"]);
    check("some_bytes=%21", "some_bytes", &["\"!\"", "base64"]);
    check("when=yesterday", "when", &["\"yesterday\"", "2"]);
    check("how_long=3", "how_long", &["\"3\"", "s"]);
    check("maybe=1&maybe=2", "maybe", &["more than once"]);
    check("word=a&count=1", "count", &["word"]);
    check("owner=Ana", "owner", &["owner."]);
    check("owner.nmae=x", "owner.nmae", &["name"]);
    check("nosuch=1", "nosuch", &["a_bool"]);
    check("owners.name=x", "owners.name", &["owners alone"]);
    check("labels=1", "labels", &["labels["]);
    check("any=x", "any", &["body"]);
    check("a_string=%ff", "a_string", &["UTF-8"]);
    assert_eq!(library.backend.received().len(), 0, "no call was made");
}

#[test]
fn what_the_path_or_the_body_sets_no_parameter_may() {
    let library = Library::start();
    let refused = |answer: &Response, field: &str| {
        assert_eq!(violation(&error(answer, 400)).0, field);
    };
    refused(&library.get("/v1/shelves/7?name=shelves/8"), "name");
    refused(
        &library.get("/v1/shelf-of/Ana?owner.name=Bia"),
        "owner.name",
    );
    refused(
        &library.request("PUT", "/v1/shelves/7?shelf.theme=x", &[], "{}"),
        "shelf.theme",
    );
    refused(
        &library.request("POST", "/v1/kinds?a_bool=true", &[], "{}"),
        "a_bool",
    );
    refused(&library.get("/v1/numbered/five/true"), "number");
    assert_eq!(library.get("/v1/shelf-of/Ana?owner.age=7").status(), 200);
    let expected = json!({"owner": {"name": "Ana", "age": 7}});
    assert_eq!(library.received().json(), expected);
}

#[test]
fn a_path_that_is_no_text_is_refused() {
    let library = Library::start();
    let body = error(&library.get("/v1/shelf-of/%FF"), 400);
    assert_eq!(violation(&body).0, "owner.name");
}
