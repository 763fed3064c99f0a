//! The recorded answers of the original system, one request a line, against
//! ours: the same status, media type and body.

use std::net::SocketAddr;

use contract::Role;
use serde_json::Value;
use testkit::{
    Whole,
    http::{self, Response},
};

const RECORDED: &str = include_str!("../data/http.jsonl");

#[test]
fn every_recorded_request_is_answered_alike() {
    let whole = Whole::start(env!("CARGO_BIN_EXE_pspd"));
    let roles = [Role::Gateway, Role::GatewayRest, Role::ARest, Role::BRest];
    let checked: usize = roles
        .into_iter()
        .map(|role| check(role, whole.address(role)))
        .sum();
    assert_eq!(checked, RECORDED.lines().count(), "every line has its role");
}

/// Sends the recorded requests of `role` to `address` and fails the test when
/// an answer differs; returns how many there were.
pub(crate) fn check(role: Role, address: SocketAddr) -> usize {
    let recorded: Vec<_> = RECORDED
        .lines()
        .map(Recorded::parse)
        .filter(|recorded| recorded.role == role)
        .collect();
    assert!(!recorded.is_empty(), "{role} has recorded answers");
    let differences: Vec<_> = recorded
        .iter()
        .filter_map(|recorded| {
            let difference = match http::get(address, &recorded.target) {
                Ok(answer) => recorded.difference(&answer)?,
                Err(error) => format!("no answer: {error}"),
            };
            Some(format!("GET {}: {difference}", recorded.target))
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{role}: {} of {} answers differ:\n{}",
        differences.len(),
        recorded.len(),
        differences.join("\n")
    );
    recorded.len()
}

/// One line of the file.
struct Recorded {
    role: Role,
    target: String,
    status: u16,
    media_type: Option<String>,
    body: String,
}

impl Recorded {
    fn parse(line: &str) -> Recorded {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let role = text("role").expect("a role");
        Recorded {
            role: role.parse().expect("a role of ours"),
            target: text("get").expect("a target"),
            status: line["status"]
                .as_u64()
                .and_then(|status| status.try_into().ok())
                .expect("a status"),
            media_type: text("content_type").map(|value| essence(&value)),
            body: text("body").expect("a body"),
        }
    }

    /// How an answer differs from the recorded one, if it does.
    fn difference(&self, answer: &Response) -> Option<String> {
        if answer.status() != self.status {
            return Some(format!(
                "status {} instead of {}",
                answer.status(),
                self.status
            ));
        }
        let media_type = answer.header("content-type").map(essence);
        if self.media_type.is_some() && media_type != self.media_type {
            return Some(format!("{media_type:?} instead of {:?}", self.media_type));
        }
        let body = answer.text();
        let same = match media_type.as_deref() {
            Some("application/json") => json(&body).is_some() && json(&body) == json(&self.body),
            _ => body == self.body,
        };
        (!same).then(|| format!("{body} instead of {}", self.body))
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
