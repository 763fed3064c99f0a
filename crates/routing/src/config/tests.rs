use proptest::prelude::*;

use super::*;
use crate::rule::tests::{line, method};

const YAML: &str = r#"
type: google.api.Service
config_version: 3
name: shop.example.com
authentication: { rules: [{ selector: "*", unheard_of: true }] }
http:
  rules:
    # A comment.
    - selector: shop.Api.Buy
      post: /v1/{order.name=orders/*}:buy
      body: "*"
      response_body: order
      additional_bindings:
        - get: /v1/buy/{id}
        - custom: { kind: "*", path: /v1/any }
    - selector: shop.Api.Sell, shop.Other.*
      delete: /v1/sell
"#;

const JSON: &str = r#"{
	"http": {
		"rules": [
			{
				"selector": "shop.Api.Buy", "post": "/v1/{order.name=orders/*}:buy", "body": "*",
				"responseBody": "order",
				"additionalBindings": [
					{ "get": "/v1/buy/{id}" }, { "custom": { "kind": "*", "path": "/v1/any" } }
				]
			},
			{ "selector": "shop.Api.Sell,shop.Other.*", "delete": "/v1/sell" }
		]
	}
}"#;

fn lines(config: &ServiceConfig, rpc: &str) -> Vec<String> {
    config
        .rules(rpc)
        .unwrap_or_default()
        .iter()
        .map(line)
        .collect()
}

#[test]
fn yaml_and_json_say_the_same() {
    // JSON is YAML, but for the tabs that begin its lines.
    let spaces = JSON.replace('\t', "  ");
    for (text, file) in [
        (YAML, "a.yaml"),
        (JSON, "a.json"),
        (JSON, "A.JSON"),
        (&spaces, "a.yml"),
    ] {
        let config = ServiceConfig::parse(text, file).expect("right text");
        assert_eq!(
            lines(&config, "shop.Api.Buy"),
            [
                "POST /v1/{order.name=orders/*}:buy * order",
                "GET /v1/buy/{id} - *",
                "* /v1/any - *"
            ]
        );
        for rpc in ["shop.Api.Sell", "shop.Other.A", "shop.Other.deeper.B"] {
            assert_eq!(lines(&config, rpc), ["DELETE /v1/sell - *"], "{rpc}");
        }
        for rpc in [
            "shop.Api.Give",
            "shop.Other",
            "shop.Others.A",
            "other.shop.Api.Buy",
        ] {
            assert_eq!(config.rules(rpc), None, "{rpc}");
        }
    }
}

#[test]
fn the_last_rule_for_a_method_holds() {
    let of = |selectors: &[&str]| {
        let rules: Vec<_> = selectors
            .iter()
            .enumerate()
            .map(|(index, selector)| format!(r#"{{"selector": "{selector}", "get": "/{index}"}}"#))
            .collect();
        let text = format!(r#"{{"http": {{"rules": [{}]}}}}"#, rules.join(","));
        let config = ServiceConfig::parse(&text, "a.json").expect("right text");
        lines(&config, "a.B.C").concat()
    };
    assert_eq!(of(&["a.B.C", "a.B.C"]), "GET /1 - *");
    assert_eq!(of(&["*", "a.B.C"]), "GET /1 - *");
    assert_eq!(of(&["a.B.C", "*"]), "GET /1 - *");
    assert_eq!(of(&["a.B.C", "a.*", "a.B.*", "b.*"]), "GET /2 - *");
    assert_eq!(of(&["a.B.C", "a.B.D", "a.B"]), "GET /0 - *");
}

#[test]
fn a_rule_says_where_it_is_written() {
    let config = ServiceConfig::parse(YAML, "api.yaml").expect("right text");
    let rules = config.rules("shop.Api.Buy").expect("rules");
    let origins: Vec<_> = rules.iter().map(|rule| &rule.origin[..]).collect();
    assert_eq!(
        origins,
        [
            "api.yaml, http.rules[0]",
            "api.yaml, http.rules[0].additional_bindings[0]",
            "api.yaml, http.rules[0].additional_bindings[1]"
        ]
    );
}

#[test]
fn the_configuration_replaces_the_annotation() {
    let annotated = method(r#"option (google.api.http) = { get: "/annotated" };"#);
    let wrong = method(r#"option (google.api.http) = { get: "wrong" };"#);
    let plain = method("");
    let none = ServiceConfig::default();
    let config = ServiceConfig::parse(YAML, "a.yaml").expect("right text");
    let lines = |rules: Vec<Rule>| rules.iter().map(line).collect::<Vec<_>>();
    for method in [&annotated, &wrong, &plain] {
        let rules = resolve(method, &config).expect("right rules");
        assert!(rules.iter().all(|rule| rule.rpc == "shop.Api.Buy"));
        assert_eq!(lines(rules).len(), 3);
    }
    let rules = resolve(&annotated, &none).expect("right rules");
    assert_eq!(lines(rules), ["GET /annotated - *"]);
    assert_eq!(resolve(&plain, &none), Ok(vec![]));
    assert!(resolve(&wrong, &none).is_err());
}

#[test]
fn decoding_is_the_templates() {
    let template = |key: &str| {
        let text = format!(
            "http: {{ {key}, rules: [{{ selector: a, get: /a, additional_bindings: [{{ get: /b }}] }}] }}"
        );
        let config = ServiceConfig::parse(&text, "a.yaml").expect("right text");
        let rules = config.rules("a").expect("rules");
        assert_eq!(rules[0].template.decoding, rules[1].template.decoding);
        rules[0].template.decoding
    };
    for key in [
        "fully_decode_reserved_expansion",
        "fullyDecodeReservedExpansion",
    ] {
        assert_eq!(template(&format!("{key}: true")), Decoding::Everything);
        assert_eq!(template(&format!("{key}: false")), Decoding::ExceptSlash);
    }
}

#[test]
fn texts_without_rules() {
    for text in [
        "{}",
        "http: {}",
        "http:",
        "http: { rules: [] }",
        "name: a",
        "http:\n  rules:\n",
    ] {
        let config = ServiceConfig::parse(text, "a.yaml").expect(text);
        assert!(config.rules("a").is_none());
    }
}

#[test]
fn selectors_that_match_nothing_are_told() {
    let text = "http: { rules: [
        { selector: 'a.B.C, a.B.D, a.*', get: /1 },
        { selector: 'b.*', get: /2 },
        { selector: '*', get: /3 },
        { selector: 'a.B.D', get: /4 },
    ] }";
    let config = ServiceConfig::parse(text, "a.yaml").expect("right text");
    assert_eq!(
        config.unmatched(["a.B.C"]),
        [
            "a.yaml, http.rules[1]: selector \"b.*\"",
            "a.yaml, http.rules[3]: selector \"a.B.D\""
        ]
    );
    assert_eq!(config.unmatched(["a.B.D", "a.B.C", "b.X.Y"]), [""; 0]);
    assert_eq!(config.unmatched([]).len(), 5);
}

#[track_caller]
fn check_refused(rules: &str, expected: &[&str]) {
    let text = format!("http: {{ rules: [{rules}] }}");
    let problems = ServiceConfig::parse(&text, "a.yaml").expect_err(rules);
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, expected, "{rules}");
}

#[test]
fn every_wrong_rule_is_told() {
    check_refused(
        "{ selector: a.B, get: /a, post: /b },
         { selector: a.B, get: /a },
         { selector: a.B },
         { selector: a.B, get: a },
         { selector: a.B, get: /a, additional_bindings: [{ get: /b }, { body: x }] },
         { selector: a.B, get: /a, additional_bindings: [{ get: /b, selector: a.B }] },
         { selector: a.B, get: /a, additional_bindings: [{ get: /b,
           additional_bindings: [{ get: /c }] }] },
         { selector: a.B, custom: { kind: '', path: /a } }",
        &[
            "a.yaml, http.rules[0] has both get and post; keep one, and move the other to \
             additional_bindings",
            "a.yaml, http.rules[2] has no path; give one of get, put, post, delete, patch, custom",
            "a.yaml, http.rules[3]: \"a\" is no path template: character 1 of the path is wrong: \
             expected `/`, which every path begins with, found 'a'",
            "a.yaml, http.rules[4].additional_bindings[1] has no path; give one of get, put, post, \
             delete, patch, custom",
            "a.yaml, http.rules[5].additional_bindings[0] has a selector; leave it out, its rule's \
             own holds",
            "a.yaml, http.rules[6].additional_bindings[0] has additional_bindings of its own; put \
             them beside it",
            "a.yaml, http.rules[7]: custom.kind \"\" is no HTTP method; write a name such as HEAD, \
             or * for any",
        ],
    );
    for selector in [
        "", "a.b*", "a.*.b", ".a", "a.", "a,,b", "*a", ".*", "**", "a b", "a/b",
    ] {
        let problem = format!(
            "a.yaml, http.rules[0]: selector {selector:?} is none; write package.Service.Method, \
             or package.* for all below, several separated by commas"
        );
        check_refused(
            &format!("{{ selector: '{selector}', get: /a }}"),
            &[&problem],
        );
    }
}

#[test]
fn texts_that_cannot_be_read() {
    for (text, expected) in [
        (
            "http: { rules: [{ selector: a, gett: /a }] }",
            "unknown field `gett`",
        ),
        (
            "http: { rules: [{ selector: a, custom: { knd: x } }] }",
            "unknown field `knd`",
        ),
        ("http: { ruls: [] }", "unknown field `ruls`"),
        ("http: { rules: { selector: a } }", "a.yaml: "),
        ("http: [", "a.yaml: "),
        (
            "http: { rules: [{ selector: a, get: /a, get: /b }] }",
            "a.yaml: ",
        ),
        (
            "http: { rules: [{ selector: a, response_body: a, responseBody: b }] }",
            "duplicate field `response_body`",
        ),
        (
            "type: google.api.Other",
            "a.yaml: its type is \"google.api.Other\", and only google.api.Service has HTTP rules",
        ),
    ] {
        let problems = ServiceConfig::parse(text, "a.yaml").expect_err(text);
        let [problem] = &problems[..] else {
            assert_eq!(problems, [], "one problem");
            return;
        };
        assert!(problem.to_string().contains(expected), "{problem}");
    }
    let problems = ServiceConfig::parse("{\"http\": ", "a.json").expect_err("half a text");
    assert_eq!(
        problems[0].to_string(),
        "a.json: EOF while parsing a value at line 1 column 9"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), is_json in any::<bool>()) {
        let _ = ServiceConfig::parse(&text, if is_json { "a.json" } else { "a.yaml" });
    }

    #[test]
    fn any_text_that_looks_like_one_is_read_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "http", "rules", "selector", "get", "additional_bindings", ":", ": ", "- ", "\n", "\n  ",
            "[", "]", "{", "}", ",", "/a", "*", "&a ", "*a", "\"", "'", "|", ">", "%", "?", "!!", "---",
        ]), 0..30),
    ) {
        let _ = ServiceConfig::parse(&words.concat(), "a.yaml");
    }
}
