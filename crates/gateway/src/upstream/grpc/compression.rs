//! Compression between the gateway and one service: what is said of it in the head of
//! a call, the request's message, and what becomes of a service that cannot read it.
//!
//! A service that lacks the coding answers `UNIMPLEMENTED` (gRPC's compression
//! specification), and from then on gets its messages as they are. The call is made
//! again only where the answer itself lists codings without this one: then no method
//! can have seen the message. Libraries that do not list them at least name the coding;
//! that is not proof, since a method may say such a thing too, and its call has failed.
//! Requests of several messages go out as they are: they pass in pieces of any size.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::frame::PREFIX_BYTES;
use crate::compression::{Coding, encode};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// What is read, in the order in which it is liked.
const READ: HeaderValue = HeaderValue::from_static("zstd,gzip");
/// `grpc-status` of `UNIMPLEMENTED`.
const UNIMPLEMENTED: &str = "12";

/// How messages to and from a service are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The coding of requests; answers may have any that is known.
    pub coding: Coding,
    /// Bytes of a message below which it goes out as it is.
    pub bytes_min: usize,
}

/// The service does not know the compression of a message, and has not read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service cannot read compressed messages")]
pub(super) struct NotRead;

pub(super) struct Compression {
    name: Arc<str>,
    settings: Settings,
    /// The service has not said that it cannot read the coding.
    understood: AtomicBool,
}

/// Whether a message of a call is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Plain,
    Compressed,
}

impl Compression {
    /// For the service that messages call `name`.
    pub(super) fn new(name: Arc<str>, settings: Settings) -> Self {
        Compression {
            name,
            settings,
            understood: AtomicBool::new(true),
        }
    }

    /// The framed `message`, if it is there and goes out compressed; `headers` say so, and
    /// what is read.
    pub(super) fn apply(&self, message: Option<&Bytes>, headers: &mut HeaderMap) -> Option<Bytes> {
        headers.insert(GRPC_ACCEPT_ENCODING, READ);
        let framed = self.compressed(message?)?;
        let coding = HeaderValue::from_static(self.settings.coding.name());
        headers.insert(GRPC_ENCODING, coding);
        Some(framed)
    }

    /// The framed `message`, compressed, if that makes it smaller.
    fn compressed(&self, message: &Bytes) -> Option<Bytes> {
        let Settings { coding, bytes_min } = self.settings;
        let plain = message.get(PREFIX_BYTES..)?;
        if plain.len() < bytes_min || !self.understood.load(Ordering::Relaxed) {
            return None;
        }
        let mut framed = Vec::with_capacity(PREFIX_BYTES + plain.len() / 2);
        framed.extend_from_slice(&[1, 0, 0, 0, 0]);
        encode::whole(coding, plain, &mut framed).ok()?;
        let length = u32::try_from(framed.len() - PREFIX_BYTES).ok()?;
        framed[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        (framed.len() < message.len()).then(|| framed.into())
    }

    /// The coding of an answer's messages, by the answer's head.
    pub(super) fn of_answer(
        &self,
        sent: Sent,
        head: &HeaderMap,
    ) -> Result<Option<Coding>, NotRead> {
        if sent == Sent::Compressed {
            self.learn(head)?;
        }
        let coding = head.get(GRPC_ENCODING).map(HeaderValue::to_str);
        Ok(coding.and_then(Result::ok).and_then(Coding::named))
    }

    /// Fails when the service provably has not read a compressed message.
    fn learn(&self, head: &HeaderMap) -> Result<(), NotRead> {
        let status = head.get("grpc-status");
        if status.is_none_or(|status| status != UNIMPLEMENTED) {
            return Ok(());
        }
        let coding = self.settings.coding.name();
        let mut lists = head.get_all(GRPC_ACCEPT_ENCODING).iter().peekable();
        let proven = lists.peek().is_some();
        let refused = match proven {
            true => !lists.any(|list| lists_coding(list, coding)),
            false => names_coding(head, coding),
        };
        if refused && self.understood.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                service = &*self.name,
                coding,
                "the service cannot read compressed messages and gets them as they are from \
                 now on; set compression = \"off\" for it, or another coding"
            );
        }
        match refused && proven {
            true => Err(NotRead),
            false => Ok(()),
        }
    }
}

fn lists_coding(list: &HeaderValue, coding: &str) -> bool {
    let names = list.as_bytes().split(|byte| *byte == b',');
    names
        .map(<[u8]>::trim_ascii)
        .any(|name| name.eq_ignore_ascii_case(coding.as_bytes()))
}

fn names_coding(head: &HeaderMap, coding: &str) -> bool {
    let message = head.get("grpc-message").map(HeaderValue::as_bytes);
    let mut words = message.unwrap_or_default().windows(coding.len());
    words.any(|word| word.eq_ignore_ascii_case(coding.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compression() -> Compression {
        let settings = Settings {
            coding: Coding::Gzip,
            bytes_min: 100,
        };
        Compression::new("library".into(), settings)
    }

    fn framed(bytes: usize) -> Bytes {
        let mut framed = vec![0; PREFIX_BYTES];
        framed.resize(PREFIX_BYTES + bytes, b'a');
        framed.into()
    }

    #[test]
    fn large_messages_are_compressed() {
        let check = |bytes, expected| {
            let mut headers = HeaderMap::new();
            let message = compression().apply(Some(&framed(bytes)), &mut headers);
            assert_eq!(message.is_some(), expected, "{bytes}");
            assert_eq!(headers.get(GRPC_ENCODING).is_some(), expected);
            assert!(message.is_none_or(|message| message[0] == 1));
            assert_eq!(headers[GRPC_ACCEPT_ENCODING], "zstd,gzip");
        };
        check(0, false);
        check(99, false);
        check(100, true);
    }

    #[test]
    fn what_does_not_shrink_is_sent_as_it_is() {
        let mut message = vec![0; PREFIX_BYTES];
        let mut state = 1u32;
        message.extend((0..200).map(|_| {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 24) as u8
        }));
        let sent = compression().apply(Some(&message.into()), &mut HeaderMap::new());
        assert_eq!(sent, None);
    }

    fn check_refusal(head: &[(&'static str, &'static str)], unread: bool, understood: bool) {
        let compression = compression();
        let pairs = head.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let head: HeaderMap = pairs.collect();
        let learned = compression.of_answer(Sent::Compressed, &head);
        assert_eq!(learned.is_err(), unread, "{head:?}");
        let message = framed(1000);
        let sent = compression.apply(Some(&message), &mut HeaderMap::new());
        assert_eq!(sent.is_some(), understood, "{head:?}");
    }

    #[test]
    fn services_that_cannot_read_it() {
        let status = ("grpc-status", "12");
        let lists = ("grpc-accept-encoding", "identity, deflate");
        check_refusal(&[status, lists], true, false);
        check_refusal(&[("grpc-status", "5"), lists], false, true);
        check_refusal(
            &[status, ("grpc-accept-encoding", "identity,gzip")],
            false,
            true,
        );
        let names = ("grpc-message", "Decompressor for grpc-encoding %22GZIP%22");
        check_refusal(&[status, names], false, false);
        check_refusal(&[status, ("grpc-message", "no such method")], false, true);
        check_refusal(&[], false, true);
    }
}
