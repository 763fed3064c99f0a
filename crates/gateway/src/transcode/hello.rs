//! `/a/hello`: a name in, `{"from":"A","message":...}` out.

use bytes::Bytes;
use contract::pspd::{HelloReply, HelloRequest};
use prost::{DecodeError, Message};
use server::query::Query;

use super::{
    frame,
    params::{self, BadParameter},
};

/// Who is greeted when nobody is named.
pub(crate) const DEFAULT_NAME: &str = "mundo";

/// The framed request.
pub(crate) fn request(query: &Query<'_>) -> Result<Bytes, BadParameter> {
    let name = params::text(query, "name")?.unwrap_or(DEFAULT_NAME);
    Ok(frame::encode(&HelloRequest {
        name: name.to_owned(),
    }))
}

/// The JSON answer to the reply in `message`.
pub(crate) fn answer(message: Bytes) -> Result<Bytes, DecodeError> {
    #[derive(serde::Serialize)]
    struct Answer {
        from: &'static str,
        message: String,
    }
    let HelloReply { message } = HelloReply::decode(message)?;
    let answer = Answer { from: "A", message };
    // Serializing two strings into memory cannot fail.
    Ok(serde_json::to_vec(&answer).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_missing_or_empty_name_is_the_default() {
        for query in ["", "name=", "other=x"] {
            let query = Query::parse(query).expect("UTF-8");
            let expected = frame::encode(&HelloRequest {
                name: "mundo".to_owned(),
            });
            assert_eq!(request(&query), Ok(expected));
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_through(message in ".*") {
            let json = answer(HelloReply { message: message.clone() }.encode_to_vec().into())
                .expect("well formed");
            let read: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            prop_assert_eq!(read, serde_json::json!({ "from": "A", "message": message }));
        }

        #[test]
        fn garbage_never_panics(bytes: Vec<u8>) {
            let _ = answer(bytes.into());
        }
    }
}
