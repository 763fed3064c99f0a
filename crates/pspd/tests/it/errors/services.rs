//! The REST services by themselves: what they refuse and how they describe
//! themselves.

use contract::Role;
use serde_json::{Value, json};
use testkit::{Process, http};

use super::{PSPD, get, whole};

fn not_an_integer(name: &str, input: &str) -> Value {
    json!({
        "type": "int_parsing",
        "loc": ["query", name],
        "msg": "Input should be a valid integer, unable to parse string as an integer",
        "input": input,
    })
}

fn beyond(name: &str, input: &str, max: i32) -> Value {
    json!({
        "type": "less_than_equal",
        "loc": ["query", name],
        "msg": format!("Input should be less than or equal to {max}"),
        "input": input,
        "ctx": { "le": max },
    })
}

#[test]
fn every_bad_parameter_is_named_in_the_published_shape() {
    let check = |query: &str, problems: Value| {
        let answer = get(whole().address(Role::BRest), &format!("/b/numbers?{query}"));
        assert_eq!(answer.status(), 422, "{query}");
        assert_eq!(answer.json(), json!({ "detail": problems }), "{query}");
    };
    check("count=abc", json!([not_an_integer("count", "abc")]));
    check("count=", json!([not_an_integer("count", "")]));
    check("count=1.5", json!([not_an_integer("count", "1.5")]));
    check(
        "delay_ms=x&count=y",
        json!([
            not_an_integer("count", "y"),
            not_an_integer("delay_ms", "x")
        ]),
    );
    check(
        "count=1000001&delay_ms=60001",
        json!([
            beyond("count", "1000001", 1_000_000),
            beyond("delay_ms", "60001", 60_000)
        ]),
    );
    check(
        "count=99999999999999999999",
        json!([beyond("count", "99999999999999999999", 1_000_000)]),
    );
}

#[test]
fn text_that_is_not_utf8_is_named() {
    for (role, target, name) in [
        (Role::ARest, "/a/hello?name=%ff", "name"),
        (Role::BRest, "/b/numbers?count=%ff", "count"),
    ] {
        let answer = get(whole().address(role), target);
        assert_eq!(answer.status(), 422, "{target}");
        let problem = &answer.json()["detail"][0];
        assert_eq!(problem["loc"], json!(["query", name]));
        assert_eq!(problem["input"], json!("%ff"));
        assert!(problem["msg"].is_string() && problem["type"].is_string());
    }
}

#[test]
fn the_limits_can_be_set_and_are_described() {
    let args = ["--count-max", "10", "--delay-ms-max", "20"];
    let b = Process::start(PSPD, Role::BRest, &args);
    let answer = get(b.address(), "/b/numbers?count=10&delay_ms=1");
    assert_eq!(answer.json()["values"].as_array().map(Vec::len), Some(10));
    let answer = get(b.address(), "/b/numbers?count=11&delay_ms=21");
    let expected = json!([beyond("count", "11", 10), beyond("delay_ms", "21", 20)]);
    assert_eq!(answer.json()["detail"], expected);

    let maxima = |address| {
        let document = get(address, "/openapi.json").json();
        let parameters = document["paths"]["/b/numbers"]["get"]["parameters"].clone();
        let parameters = parameters.as_array().expect("a list").clone();
        parameters.into_iter().map(|parameter| {
            let name = parameter["name"].as_str().expect("a name").to_owned();
            (name, parameter["schema"]["maximum"].as_i64())
        })
    };
    let named = |count, delay_ms| {
        let named = [("count", count), ("delay_ms", delay_ms)];
        named.map(|(name, max)| (name.to_owned(), Some(max)))
    };
    assert!(maxima(b.address()).eq(named(10, 20)));
    assert!(maxima(whole().address(Role::BRest)).eq(named(1_000_000, 60_000)));
}

#[test]
fn the_description_is_openapi_3_1() {
    for (role, path) in [(Role::ARest, "/a/hello"), (Role::BRest, "/b/numbers")] {
        let answer = get(whole().address(role), "/openapi.json");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let document = answer.json();
        assert_eq!(document["openapi"], json!("3.1.0"));
        for required in ["title", "version"] {
            assert!(document["info"][required].is_string(), "{required}");
        }
        let operation = &document["paths"][path]["get"];
        for status in ["200", "422"] {
            assert!(operation["responses"][status].is_object(), "{status}");
        }
        for parameter in operation["parameters"].as_array().expect("a list") {
            assert_eq!(parameter["in"], json!("query"));
            assert!(parameter["schema"]["type"].is_string());
        }
        // Every reference leads somewhere.
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().expect("a pointer");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn the_documentation_needs_no_network() {
    for role in [Role::ARest, Role::BRest] {
        for (path, media_type) in [
            ("/docs", "text/html; charset=utf-8"),
            ("/docs.css", "text/css; charset=utf-8"),
            ("/docs.js", "text/javascript; charset=utf-8"),
        ] {
            let answer = get(whole().address(role), path);
            assert_eq!(answer.status(), 200, "{role} {path}");
            assert_eq!(answer.header("content-type"), Some(media_type));
            let policy = answer.header("content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
            assert!(!answer.text().contains("https://"), "{role} {path}");
        }
    }
}

#[test]
fn other_routes_and_methods_are_refused() {
    for (role, own, other) in [
        (Role::ARest, "/a/hello", "/b/numbers"),
        (Role::BRest, "/b/numbers", "/a/hello"),
    ] {
        let answer = get(whole().address(role), other);
        assert_eq!(answer.status(), 404);
        let detail = answer.json()["detail"].as_str().map(str::to_owned);
        assert!(detail.is_some_and(|text| text.contains(own)), "{role}");
        let answer = http::request(whole().address(role), "POST", own, &[], b"{}");
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}
