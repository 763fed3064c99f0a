//! What an answer says, whatever form the gateway gives it: Envoy sends a stream as
//! an array of messages, ours and the original as an object with all values, and
//! ours message by message where it is asked to. A gateway is measured only when
//! it says what the services said. Pure.

use anyhow::ensure;
use serde_json::Value;

/// What the services say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Greeting,
    /// So many, from 1.
    Numbers(u32),
}

impl Says {
    /// Compares it with the body of an answer.
    pub(super) fn check(self, body: &str) -> anyhow::Result<()> {
        let expected: Vec<Value> = match self {
            Says::Greeting => vec!["Olá, pspd! [A]".into()],
            Says::Numbers(count) => (1..=count).map(Value::from).collect(),
        };
        let said = said(body);
        ensure!(
            said == expected,
            "the answer does not say what the services said: {}",
            body.chars().take(200).collect::<String>()
        );
        Ok(())
    }
}

/// The greeting or the numbers of an answer, in their order.
fn said(body: &str) -> Vec<Value> {
    let mut all = Vec::new();
    match serde_json::from_str(body) {
        Ok(value) => collect(value, &mut all),
        // Lines of NDJSON, or of events, in which other fields mean nothing here.
        Err(_) => {
            let lines = body
                .lines()
                .map(|line| line.strip_prefix("data:").unwrap_or(line));
            for value in lines.filter_map(|line| serde_json::from_str(line).ok()) {
                collect(value, &mut all);
            }
        }
    }
    all
}

fn collect(value: Value, all: &mut Vec<Value>) {
    match value {
        Value::Array(messages) => {
            for message in messages {
                collect(message, all);
            }
        }
        Value::Object(mut message) => {
            if let Some(Value::Array(values)) = message.remove("values") {
                all.extend(values);
            }
            all.extend(message.remove("message"));
            all.extend(message.remove("value"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_says_the_same() {
        for body in [
            r#"{"from":"B","values":[1,2,3]}"#,
            r#"[{"value":1},{"value":2},{"value":3}]"#,
            "{\"value\":1}\n{\"value\":2}\n{\"value\":3}\n",
            "data: {\"value\":1}\n\ndata: {\"value\":2}\n\ndata: {\"value\":3}\n\n\
             id: end\nevent: end\ndata: {\"from\":\"B\"}\n\n",
        ] {
            Says::Numbers(3).check(body).expect(body);
            assert!(Says::Numbers(2).check(body).is_err(), "{body}");
        }
        for body in [
            r#"{"from":"A","message":"Olá, pspd! [A]"}"#,
            r#"{"message":"Olá, pspd! [A]"}"#,
        ] {
            Says::Greeting.check(body).expect(body);
        }
    }

    #[test]
    fn another_answer_is_quoted() {
        let body = r#"{"error":"service B is away"}"#;
        let error = Says::Numbers(3).check(body).expect_err("an error");
        assert!(error.to_string().contains("service B is away"), "{error}");
        assert!(
            Says::Numbers(3)
                .check("[{\"value\":1},{\"value\":3}]")
                .is_err()
        );
        assert!(Says::Greeting.check("").is_err());
    }
}
