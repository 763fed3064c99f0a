//! The OpenAPI 3.1 documents of the REST services, with the limits in force.

use serde_json::{Value, json};

use crate::Limits;

pub(crate) fn service_a() -> Value {
    let operation = json!({
        "operationId": "hello",
        "summary": "Greets by name",
        "parameters": [{
            "name": "name",
            "in": "query",
            "required": false,
            "description": "Who is greeted; an empty name stays empty.",
            "schema": { "type": "string", "default": "mundo" },
        }],
        "responses": {
            "200": json_answer("The greeting", &json!({
                "type": "object",
                "required": ["message"],
                "properties": { "message": { "type": "string" } },
            })),
            "422": invalid(),
        },
    });
    document(
        "A-REST",
        "The unary greeting over REST.",
        "/a/hello",
        &operation,
    )
}

pub(crate) fn service_b(limits: &Limits) -> Value {
    let operation = json!({
        "operationId": "numbers",
        "summary": "Counts from 1, whole",
        "description": "Takes count times delay_ms milliseconds, then answers at once.",
        "parameters": [
            {
                "name": "count",
                "in": "query",
                "required": false,
                "description": "How many numbers; a negative value becomes 0.",
                "schema": { "type": "integer", "default": 5, "maximum": limits.count_max },
            },
            {
                "name": "delay_ms",
                "in": "query",
                "required": false,
                "description": "Milliseconds a number takes; a negative value becomes 0.",
                "schema": { "type": "integer", "default": 0, "maximum": limits.delay_ms_max },
            },
        ],
        "responses": {
            "200": json_answer("The numbers", &json!({
                "type": "object",
                "required": ["values"],
                "properties": {
                    "values": { "type": "array", "items": { "type": "integer" } },
                },
            })),
            "422": invalid(),
        },
    });
    document("B-REST", "The numbers over REST.", "/b/numbers", &operation)
}

fn document(title: &str, description: &str, path: &str, get: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "description": description,
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": { path: { "get": get } },
        "components": { "schemas": { "Invalid": {
            "type": "object",
            "required": ["detail"],
            "properties": { "detail": { "type": "array", "items": {
                "type": "object",
                "required": ["type", "loc", "msg", "input"],
                "properties": {
                    "type": { "type": "string" },
                    "loc": { "type": "array", "items": { "type": "string" } },
                    "msg": { "type": "string" },
                    "input": { "type": "string" },
                    "ctx": { "type": "object" },
                },
            }}},
        }}},
    })
}

fn invalid() -> Value {
    json_answer(
        "A parameter is wrong; each is named",
        &json!({ "$ref": "#/components/schemas/Invalid" }),
    )
}

fn json_answer(description: &str, schema: &Value) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": schema } },
    })
}
