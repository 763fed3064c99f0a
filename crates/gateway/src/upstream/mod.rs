//! The connections behind the gateway. Each worker has its own, so a call never
//! leaves the core that accepted it.

pub mod grpc;
mod in_turn;
pub mod rest;

use contract::grpc_timeout;
use http::{HeaderMap, HeaderName, HeaderValue};
pub(crate) use telemetry::traces::TRACEPARENT;
use telemetry::traces::{Context, TRACESTATE};

/// How long a call may take.
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static(grpc_timeout::GRPC_TIMEOUT);

/// The client's trace context, if it is one; anything else is not passed on.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers
        .get(TRACEPARENT)
        .filter(|value| is_traceparent(value))
}

/// Has `headers`, which have what goes on of the client's, tell a service that it is
/// called under `context`.
pub(crate) fn tell_trace(context: Context, headers: &mut HeaderMap) {
    if headers.contains_key(TRACESTATE) {
        let given = Context::in_headers(headers);
        // Of another trace it would say nothing.
        if !given.is_some_and(|given| given.is_of_one_trace_with(&context)) {
            headers.remove(TRACESTATE);
        }
    }
    headers.insert(TRACEPARENT, context.header_value());
}

/// Whether a value has the form of version 00, which every later version begins with.
pub(crate) fn is_traceparent(value: &HeaderValue) -> bool {
    const FORM: &[u8; 55] = b"xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    let mut pairs = value.as_bytes().iter().zip(FORM);
    value.len() == FORM.len()
        && pairs.all(|(byte, form)| match form {
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            _ => byte == form,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_trace_contexts_are_passed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (value, passed) in [
            (good, true),
            (&good.to_uppercase(), false),
            (&good[1..], false),
            (&good.replace('-', "_"), false),
            (&"0".repeat(55), false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_str(value).expect("ASCII"));
            assert_eq!(traceparent(&headers).is_some(), passed, "{value}");
        }
    }
}
