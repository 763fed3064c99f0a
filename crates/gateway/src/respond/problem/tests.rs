use super::*;

fn bad_count() -> Problem {
    Problem::BadParameter(BadParameter {
        name: "count".to_owned(),
        value: "abc".to_owned(),
        expected: "a whole number".to_owned(),
    })
}

fn check(problem: &Problem, style: ErrorStyle, expected: serde_json::Value) {
    let id = RequestId::random();
    let text = serde_json::to_string(&problem.body(style, &id)).expect("JSON");
    let text = text.replace(id.as_str(), "ID");
    let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body, expected);
}

#[test]
fn published_bodies() {
    let violation = serde_json::json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{ "field": "count", "description": "expected a whole number" }],
    });
    check(
        &bad_count(),
        ErrorStyle::Published,
        serde_json::json!({
            "error": "parameter \"count\" is \"abc\"; expected a whole number",
            "status": 400,
            "parameter": "count",
            "request_id": "ID",
            "code": 3,
            "message": "parameter \"count\" is \"abc\"; expected a whole number",
            "details": [violation],
        }),
    );
    check(
        &Problem::TooManyValues {
            max: 10,
            advice: "stream them",
        },
        ErrorStyle::Published,
        serde_json::json!({
            "error": "the answer would have more than 10 values; stream them",
            "status": 413,
            "request_id": "ID",
            "code": 8,
            "message": "the answer would have more than 10 values; stream them",
        }),
    );
}

#[test]
fn the_services_own_words_and_details() {
    let failed = Problem::Upstream {
        service: "B".into(),
        failure: UpstreamFailure::Status {
            code: Code::InvalidArgument,
            message: "too many".to_owned(),
            details: Bytes::new(),
        },
        details: r#"[{"@type":"x/y.Z","n":1}]"#.to_owned(),
    };
    check(
        &failed,
        ErrorStyle::Published,
        serde_json::json!({
            "error": "service B answered INVALID_ARGUMENT: too many",
            "status": 400,
            "grpc_status": "INVALID_ARGUMENT",
            "request_id": "ID",
            "code": 3,
            "message": "too many",
            "details": [{ "@type": "x/y.Z", "n": 1 }],
        }),
    );
    check(
        &failed,
        ErrorStyle::Status,
        serde_json::json!({
            "code": 3,
            "message": "too many",
            "details": [
                { "@type": "x/y.Z", "n": 1 },
                { "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "ID" },
            ],
        }),
    );
}

#[test]
fn causes_are_for_the_log_alone() {
    let failure = UpstreamFailure::Unreachable {
        cause: "10.0.0.1:1: refused".to_owned(),
    };
    let problem = Problem::upstream(&"A".into(), failure);
    assert!(!problem.message().contains("10.0.0.1"));
    assert_eq!(
        problem.log_message().as_deref(),
        Some("service A: 10.0.0.1:1: refused")
    );
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn what_users_typed_stays_out_of_the_log() {
    let said = bad_count().log_message().expect("something");
    assert!(!said.contains("abc"), "{said}");
}
