//! How a socket ends, and what its client is told: a last message with the status of
//! the call (`google.rpc.Status`), and the code and reason of the close frame. Pure.

use std::borrow::Cow;

use server::RequestId;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use transcode::ReadError;

use crate::{respond::Problem, services::ErrorStyle};

/// Longest reason that a close frame has room for.
const REASON_BYTES_MAX: usize = 123;
/// What the number of a gRPC status is added to.
const STATUS_CODES: u16 = 4000;

/// Why a socket ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// The service has ended the call with `OK`.
    Complete,
    /// The call failed, or was not what the method takes.
    Problem(Problem),
    /// The role stops.
    GoingAway,
    /// The client sent bytes instead of text.
    Binary,
    /// The client sent more than is allowed.
    TooLarge { max: usize },
    /// The client broke the protocol.
    Protocol { code: CloseCode, why: String },
    /// The client closed the socket.
    Closed,
    /// The connection is gone.
    Lost { why: String },
    /// The client gave no sign of life.
    Silent,
}

/// What the client still gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    /// The last message.
    pub(super) status: Option<String>,
    pub(super) close: Option<CloseFrame>,
}

/// A message that does not stand for what the method takes.
pub(super) fn bad_message(number: usize, error: ReadError) -> Ending {
    Ending::Problem(Problem::BadMessage {
        number,
        error: Box::new(error),
    })
}

impl Ending {
    pub(super) fn farewell(&self, id: &RequestId) -> Farewell {
        let (status, code, reason) = match self {
            Ending::Complete => (Some(OK.to_owned()), CloseCode::Normal, Cow::Borrowed("OK")),
            Ending::Problem(problem) => {
                let code = CloseCode::from(STATUS_CODES + problem.code().short());
                (Some(status(problem, id)), code, problem.reason().into())
            }
            Ending::GoingAway => (
                Some(plain(14, "the gateway stops; connect again")),
                CloseCode::Away,
                Cow::Borrowed("the gateway stops"),
            ),
            Ending::Binary => (
                Some(plain(3, "messages are JSON in text frames, not bytes")),
                CloseCode::Unsupported,
                Cow::Borrowed("send text frames"),
            ),
            Ending::TooLarge { max } => {
                let why = format!("a message has more than {max} bytes; send smaller ones");
                (Some(plain(8, &why)), CloseCode::Size, why.into())
            }
            Ending::Protocol { code, why } => (None, *code, why.into()),
            Ending::Closed | Ending::Lost { .. } | Ending::Silent => {
                return Farewell {
                    status: None,
                    close: None,
                };
            }
        };
        let reason = cut(&reason).into();
        Farewell {
            status,
            close: Some(CloseFrame { code, reason }),
        }
    }

    /// What the log says of it.
    pub(super) fn log_message(&self) -> Option<String> {
        match self {
            Ending::Complete | Ending::Closed => None,
            Ending::Problem(problem) => problem.log_message(),
            Ending::GoingAway => Some("the gateway stopped".to_owned()),
            Ending::Binary => Some("the client sent a binary frame".to_owned()),
            Ending::TooLarge { max } => Some(format!(
                "the client sent a message of more than {max} bytes"
            )),
            Ending::Protocol { why, .. } => Some(format!("the client broke the protocol: {why}")),
            Ending::Lost { why } => Some(why.clone()),
            Ending::Silent => Some("the client gave no sign of life".to_owned()),
        }
    }

    /// Whether it was not the call that ended.
    pub(super) fn client_left(&self) -> bool {
        matches!(self, Ending::Closed | Ending::Lost { .. } | Ending::Silent)
    }
}

const OK: &str = r#"{"@status":{"code":0,"message":"","details":[]}}"#;

fn status(problem: &Problem, id: &RequestId) -> String {
    let status = problem.body(ErrorStyle::Status, id);
    // Serializing a plain struct into memory cannot fail.
    let status = serde_json::to_string(&status).unwrap_or_default();
    format!("{{\"@status\":{status}}}")
}

fn plain(code: u32, message: &str) -> String {
    serde_json::json!({"@status": {"code": code, "message": message, "details": []}}).to_string()
}

/// As much of the text as a close frame has room for.
fn cut(text: &str) -> String {
    let fits = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=text.len().min(REASON_BYTES_MAX)).rev().find(fits);
    text[..end.unwrap_or_default()].to_owned()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::respond::{Code, UpstreamFailure};

    fn told(ending: &Ending) -> (Value, u16, String) {
        let Farewell { status, close } = ending.farewell(&RequestId::random());
        let status = status.map(|status| status.parse().expect("JSON"));
        let close = close.expect("a close frame");
        let reason = close.reason.to_string();
        (status.unwrap_or_default(), close.code.into(), reason)
    }

    fn failed(message: &str) -> Ending {
        let failure = UpstreamFailure::Status {
            code: Code::NotFound,
            message: message.to_owned(),
            details: bytes::Bytes::new(),
        };
        Ending::Problem(Problem::upstream(&Arc::from("a"), failure))
    }

    #[test]
    fn what_is_told() {
        let ok = json!({"@status": {"code": 0, "message": "", "details": []}});
        assert_eq!(told(&Ending::Complete), (ok, 1000, "OK".to_owned()));
        let (status, code, reason) = told(&failed("no such shelf"));
        assert_eq!(status["@status"]["code"], 5);
        assert_eq!(status["@status"]["message"], "no such shelf");
        assert_eq!((code, reason.as_str()), (4005, "NOT_FOUND: no such shelf"));
        let limit = Duration::from_secs(1);
        let slow = Ending::Problem(Problem::BodyTooSlow { limit });
        assert_eq!(told(&slow).1, 4004);
        assert_eq!(told(&Ending::GoingAway).1, 1001);
        assert_eq!(told(&Ending::Binary).1, 1003);
        assert_eq!(told(&Ending::TooLarge { max: 1 }).1, 1009);
        assert_eq!(Ending::Closed.farewell(&RequestId::random()).close, None);
    }

    proptest! {
        #[test]
        fn reasons_fit(message in "\\PC{0,200}") {
            let (_, _, reason) = told(&failed(&message));
            prop_assert!(reason.len() <= REASON_BYTES_MAX);
            let whole = format!("NOT_FOUND: {message}");
            prop_assert!(whole.starts_with(&reason) || message.is_empty());
        }
    }
}
