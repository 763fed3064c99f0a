//! `/b/numbers`: count and delay in; out either all values in one JSON object,
//! or each value by itself as a line (NDJSON) or an event (SSE).

use bytes::Bytes;
use contract::pspd::{NumberReply, StreamRequest};
use prost::{DecodeError, Message};
use serde::Serialize;
use server::query::Query;

use super::{
    frame,
    params::{self, BadParameter},
};

/// Numbers asked for when the client does not say.
const DEFAULT_COUNT: i32 = 5;

/// What the client asks of service B.
pub(crate) struct Request {
    /// The framed request.
    pub(crate) message: Bytes,
    /// How many values the answer will have, as far as the request tells.
    pub(crate) values: usize,
}

/// Reads `count` and `delay_ms`.
pub(crate) fn request(query: &Query<'_>) -> Result<Request, BadParameter> {
    let count = params::int32(query, "count")?.unwrap_or(DEFAULT_COUNT);
    let delay_ms = params::int32(query, "delay_ms")?.unwrap_or(0);
    Ok(Request {
        message: frame::encode(&StreamRequest { count, delay_ms }),
        values: usize::try_from(count).unwrap_or(0),
    })
}

/// All values of a stream, written as JSON while they arrive.
pub(crate) struct Gathered {
    json: Vec<u8>,
    values: usize,
    values_max: usize,
}

/// Why a value could not be gathered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GatherError {
    Malformed(DecodeError),
    TooMany,
}

impl Gathered {
    pub(crate) fn new(values_max: usize) -> Self {
        let mut json = Vec::with_capacity(128);
        json.extend_from_slice(br#"{"from":"B","values":["#);
        Gathered {
            json,
            values: 0,
            values_max,
        }
    }

    pub(crate) fn push(&mut self, message: Bytes) -> Result<(), GatherError> {
        let NumberReply { value } = NumberReply::decode(message).map_err(GatherError::Malformed)?;
        if self.values == self.values_max {
            return Err(GatherError::TooMany);
        }
        if self.values > 0 {
            self.json.push(b',');
        }
        self.values += 1;
        push_integer(&mut self.json, value);
        Ok(())
    }

    /// The whole answer.
    pub(crate) fn finish(mut self) -> Bytes {
        self.json.extend_from_slice(b"]}");
        self.json.into()
    }
}

/// How single values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object a line.
    Ndjson,
    /// Server-sent events; an event `end` with the id `end` says that nothing
    /// follows, so that a browser does not ask again.
    Events,
}

impl Form {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Form::Ndjson => "application/x-ndjson",
            Form::Events => "text/event-stream",
        }
    }

    /// Appends the value in `message` to `out`.
    pub(crate) fn write_value(self, message: Bytes, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let NumberReply { value } = NumberReply::decode(message)?;
        if self == Form::Events {
            out.extend_from_slice(b"data: ");
        }
        out.extend_from_slice(br#"{"from":"B","value":"#);
        push_integer(out, value);
        out.extend_from_slice(match self {
            Form::Ndjson => b"}\n",
            Form::Events => b"}\n\n",
        });
        Ok(())
    }

    /// Appends what says that all values have been sent.
    pub(crate) fn write_end(self, out: &mut Vec<u8>) {
        if self == Form::Events {
            out.extend_from_slice(b"id: end\nevent: end\ndata: {\"from\":\"B\"}\n\n");
        }
    }

    /// Appends an error that comes after the answer has begun.
    pub(crate) fn write_error(self, error: &impl Serialize, out: &mut Vec<u8>) {
        // Serializing a plain struct into memory cannot fail.
        let json = serde_json::to_vec(error).unwrap_or_default();
        if self == Form::Events {
            out.extend_from_slice(b"id: end\nevent: error\ndata: ");
        }
        out.extend_from_slice(&json);
        out.extend_from_slice(match self {
            Form::Ndjson => b"\n",
            Form::Events => b"\n\n",
        });
    }
}

fn push_integer(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(value: i32) -> Bytes {
        NumberReply { value }.encode_to_vec().into()
    }

    fn check(query: &str, expected: (i32, i32)) {
        let query = Query::parse(query).expect("UTF-8");
        let request = request(&query)
            .map_err(|bad| bad.name)
            .expect("well formed");
        let (count, delay_ms) = expected;
        assert_eq!(
            request.message,
            frame::encode(&StreamRequest { count, delay_ms })
        );
    }

    #[test]
    fn requests() {
        check("", (5, 0));
        check("count=&delay_ms=", (5, 0));
        check("count=3&delay_ms=7", (3, 7));
        check("count=-3&delay_ms=-7", (-3, -7));
    }

    #[test]
    fn the_limit_holds_at_its_edge() {
        let mut gathered = Gathered::new(2);
        assert_eq!(gathered.push(message(1)), Ok(()));
        assert_eq!(gathered.push(message(2)), Ok(()));
        assert_eq!(gathered.push(message(3)), Err(GatherError::TooMany));
    }

    #[test]
    fn forms() {
        let mut lines = Vec::new();
        Form::Ndjson
            .write_value(message(1), &mut lines)
            .expect("well formed");
        Form::Ndjson.write_error(&serde_json::json!({ "error": "x" }), &mut lines);
        Form::Ndjson.write_end(&mut lines);
        assert_eq!(lines, b"{\"from\":\"B\",\"value\":1}\n{\"error\":\"x\"}\n");

        let mut events = Vec::new();
        Form::Events
            .write_value(message(1), &mut events)
            .expect("well formed");
        Form::Events.write_end(&mut events);
        assert_eq!(
            String::from_utf8(events).expect("UTF-8"),
            "data: {\"from\":\"B\",\"value\":1}\n\nid: end\nevent: end\ndata: {\"from\":\"B\"}\n\n"
        );
    }

    proptest! {
        #[test]
        fn all_values_in_order(values: Vec<i32>) {
            let mut gathered = Gathered::new(values.len());
            for value in &values {
                gathered.push(message(*value)).expect("within the limit");
            }
            let json: serde_json::Value =
                serde_json::from_slice(&gathered.finish()).expect("JSON");
            prop_assert_eq!(json, serde_json::json!({ "from": "B", "values": values }));
        }

        #[test]
        fn garbage_never_panics(bytes: Vec<u8>) {
            let _ = Gathered::new(1).push(bytes.into());
        }
    }
}
