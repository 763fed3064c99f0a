//! The context of a trace as it travels (W3C Trace Context, level 1). In: the header
//! `traceparent`, and chance; out: ids, and the header again. What is not a context by
//! the specification is none.

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceState},
};

use super::TRACEPARENT;

/// Bytes of the header in version 00.
const BYTES: usize = 55;

/// Which trace, which span of it, and whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    trace_id: TraceId,
    span_id: SpanId,
    is_sampled: bool,
}

impl Context {
    /// That of the headers, if they have one that is right.
    #[must_use]
    pub fn in_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        // Of several it cannot be said which holds.
        match values.next() {
            None => Context::parse(value.as_bytes()),
            Some(_) => None,
        }
    }

    /// What a header's value says.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (form, rest) = value.split_at_checked(BYTES)?;
        let dashes = form[2] == b'-' && form[35] == b'-' && form[52] == b'-';
        let [version] = bytes(&form[..2])?;
        // Later versions may add something, and say the same before it.
        let is_known = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let trace_id = TraceId::from_bytes(bytes(&form[3..35])?);
        let span_id = SpanId::from_bytes(bytes(&form[36..52])?);
        let [flags] = bytes(&form[53..])?;
        let is_valid =
            dashes && is_known && trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        is_valid.then_some(Context {
            trace_id,
            span_id,
            is_sampled: flags & 1 == 1,
        })
    }

    /// A trace that begins, not sampled yet.
    pub(super) fn random() -> Self {
        Context {
            trace_id: TraceId::from(fastrand::u128(1..)),
            span_id: span_id(),
            is_sampled: false,
        }
    }

    /// Another span of the same trace.
    pub(super) fn child(self) -> Self {
        Context {
            span_id: span_id(),
            ..self
        }
    }

    pub(super) fn sampled_if(self, is_sampled: bool) -> Self {
        Context { is_sampled, ..self }
    }

    pub(super) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    pub(super) fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// Whether both are of one trace.
    #[must_use]
    pub fn is_of_one_trace_with(&self, other: &Context) -> bool {
        self.trace_id == other.trace_id
    }

    /// The number below 2^63 that decides about the trace, as in OpenTelemetry's sampler
    /// by ratio.
    pub(super) fn chance(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.trace_id.to_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1
    }

    /// The value of the header. It differs from call to call, and must not push what is
    /// the same out of the connection's table of headers (RFC 7541, section 6.2.3; the
    /// library keeps sensitive values alone out of it).
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        let mut text = *b"00-................................-................-00";
        write(&self.trace_id.to_bytes(), &mut text[3..35]);
        write(&self.span_id.to_bytes(), &mut text[36..52]);
        if self.is_sampled {
            text[54] = b'1';
        }
        // Digits and dashes are text.
        let value = HeaderValue::from_bytes(&text);
        let mut value = value.unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    pub(super) fn exported(&self, state: TraceState) -> SpanContext {
        let flags = match self.is_sampled {
            true => TraceFlags::SAMPLED,
            false => TraceFlags::NOT_SAMPLED,
        };
        SpanContext::new(self.trace_id, self.span_id, flags, false, state)
    }
}

fn span_id() -> SpanId {
    SpanId::from(fastrand::u64(1..))
}

/// The bytes that hexadecimal `text`, in lower case and of twice their number, stands for.
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

fn write(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_contexts_of_the_specification() {
        let later = GOOD.replacen("00", "cc", 1);
        for (value, is_one) in [
            (GOOD.to_owned(), true),
            (GOOD.replace("-01", "-00"), true),
            (GOOD.replace("-01", "-ff"), true),
            (later.clone(), true),
            (format!("{later}-what-comes"), true),
            (format!("{later}what-comes"), false),
            (format!("{GOOD}-more"), false),
            (GOOD.replacen("00", "ff", 1), false),
            (GOOD.to_uppercase(), false),
            (GOOD[1..].to_owned(), false),
            (GOOD.replace('-', "_"), false),
            (
                GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
                false,
            ),
            (GOOD.replace("b7ad6b7169203331", &"0".repeat(16)), false),
            (GOOD.replace("-01", "-0g"), false),
            (String::new(), false),
        ] {
            let parsed = Context::parse(value.as_bytes());
            assert_eq!(parsed.is_some(), is_one, "{value}");
        }
    }

    #[test]
    fn two_of_them_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(Context::in_headers(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Context::in_headers(&headers), None);
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(is_sampled in any::<bool>()) {
            let context = Context::random().sampled_if(is_sampled);
            let value = context.header_value();
            prop_assert_eq!(Context::parse(value.as_bytes()), Some(context));
        }

        #[test]
        fn anything_may_come(value in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Context::parse(&value);
        }

        #[test]
        fn of_a_context_every_byte_counts(at in 0..55usize, byte in any::<u8>()) {
            let mut value = GOOD.as_bytes().to_vec();
            value[at] = byte;
            if let Some(context) = Context::parse(&value) {
                let written = context.header_value();
                // Flags but the first, and the version, are not ours to repeat.
                prop_assert_eq!(&written.as_bytes()[2..53], &value[2..53]);
            }
        }
    }
}
