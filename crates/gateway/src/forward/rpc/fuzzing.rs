//! What must hold of whatever strangers send in gRPC-Web and Connect, and services in
//! gRPC: the properties that the fuzzer of the folder `fuzz` tries to break, and a few
//! random inputs in every test run. In: bytes or text as it could be sent; out: nothing,
//! or a panic when a property does not hold. Not part of any program: it is compiled for
//! tests, and for the fuzzer with the feature `fuzzing`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contract::grpc_timeout::{self, GRPC_TIMEOUT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;
use server::RequestId;
use transcode::WriteOptions;

use super::{
    base64,
    connect::{
        EnvelopeWriter, code_name,
        query::{self, Asked},
    },
    outgoing::{self, Outgoing},
    own,
    spoken::{Codec, Spoken},
    status::Status,
    upload::{Envelopes, Unwrap},
    web,
};
use crate::{
    Coding,
    respond::Code,
    table::Method,
    upstream::grpc::{Decoder, PREFIX_BYTES},
};

/// As long as a call may take.
const MOST: Duration = Duration::from_secs(3600);
/// Bytes that become of one message.
const WRITTEN_BYTES_MAX: usize = 256 * 1024;

/// Any methods will do whose messages have fields of several kinds.
fn method() -> Arc<Method> {
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    own::find(path).expect("it is there").1
}

/// Messages in envelopes or in gRPC's framing. The first byte says in which direction,
/// how they are compressed and how long they may be; the second, how long the pieces are.
pub fn envelopes(bytes: &[u8]) {
    let [options, size, stream @ ..] = bytes else {
        return;
    };
    let bytes_max = [64, 1000, 64 * 1024, 4 * 1024 * 1024][usize::from(options >> 2 & 3)];
    match options & 16 {
        0 => requests(*options, bytes_max, usize::from(*size), stream),
        _ => answers(bytes_max, usize::from(*size), stream),
    }
}

/// JSON of a client: however it is cut, the same messages come out, and all of them are
/// messages.
fn requests(options: u8, bytes_max: usize, size: usize, stream: &[u8]) {
    let coding = match options & 3 {
        1 => Some(Coding::Gzip),
        2 => Some(Coding::Zstd),
        _ => None,
    };
    let method = method();
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let envelopes = Envelopes::new(Arc::clone(&method), coding, bytes_max);
        unwrapped(Unwrap::Json(Box::new(envelopes)), pieces)
    };
    let whole = read(&mut [stream].into_iter());
    for size in [size.max(1), 1] {
        match read(&mut stream.chunks(size)) {
            // Of what came later nothing was known then.
            Err(status) if status.code == Some(Code::ResourceExhausted) => {}
            cut => assert_eq!(cut, whole, "in pieces of {size}"),
        }
    }
    for message in messages(&whole.unwrap_or_default()) {
        let mut json = Vec::new();
        let written =
            method
                .schema
                .write_json(method.input, &message, &WriteOptions::default(), &mut json);
        written.expect("what was read is written");
    }
}

fn unwrapped(
    mut unwrap: Unwrap,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Result<Vec<u8>, Status> {
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&unwrap.push(Bytes::copy_from_slice(piece))?);
    }
    out.extend_from_slice(&unwrap.end(Bytes::new())?);
    Ok(out)
}

/// Messages in gRPC's framing, with nothing left over.
fn messages(framed: &[u8]) -> Vec<Bytes> {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(framed));
    let mut messages = Vec::new();
    while let Some(complete) = decoder.complete().expect("it was framed here") {
        messages.push(decoder.take_whole(complete));
    }
    assert_eq!(decoder.end(), Ok(()));
    messages
}

/// Messages of a service: however they are cut, the same envelopes come out, and JSON is
/// in all of them.
fn answers(bytes_max: usize, size: usize, stream: &[u8]) {
    let method = method();
    let written = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let options = WriteOptions {
            bytes_max: Some(WRITTEN_BYTES_MAX),
            ..WriteOptions::default()
        };
        let method = Some(Arc::clone(&method));
        let mut writer = EnvelopeWriter::new(Codec::Json, method, bytes_max, options);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&writer.push(Bytes::copy_from_slice(piece))?);
        }
        Ok::<_, Status>(out)
    };
    let whole = written(&mut [stream].into_iter());
    for size in [size.max(1), 1] {
        let cut = written(&mut stream.chunks(size));
        assert_eq!(cut, whole, "in pieces of {size}");
    }
    for json in messages(&whole.unwrap_or_default()) {
        assert!(json.len() <= WRITTEN_BYTES_MAX);
        serde_json::from_slice::<serde::de::IgnoredAny>(&json).expect("JSON");
    }
}

/// The body of gRPC-Web's text form: the same bytes however it is cut, no more than were
/// sent, and the same again when they are sent back. The first byte says how long the
/// pieces are.
pub fn base64(bytes: &[u8]) {
    let Some((size, text)) = bytes.split_first() else {
        return;
    };
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        unwrapped(Unwrap::Base64(base64::Unwrapper::default()), pieces)
    };
    let whole = read(&mut [text].into_iter());
    for size in [usize::from(*size).max(1), 1] {
        let cut = read(&mut text.chunks(size));
        assert_eq!(cut, whole, "in pieces of {size}");
    }
    if let Ok(sent) = whole {
        assert!(sent.len() <= text.len() / 4 * 3 + 2);
        assert_eq!(read(&mut [&*base64::wrap(&sent)].into_iter()), Ok(sent));
    }
}

/// The head of a call: the first line is `METHOD TARGET VERSION`, each other a header.
/// What a service gets of it is a head of gRPC's, and nothing in it was for the gateway
/// alone; a message in the query is found again.
pub fn head(text: &str) {
    let Some(head) = parsed(text) else {
        return;
    };
    if let Some(query) = head.uri.query() {
        asked(query);
    }
    let Some(spoken) = Spoken::of(&head) else {
        return;
    };
    let Ok((limit, deadline)) = outgoing::limit(spoken, &head.headers, MOST) else {
        return;
    };
    assert!(limit <= MOST);
    let is_refused = spoken == Spoken::Grpc && head.version != Version::HTTP_2;
    if is_refused {
        return;
    }
    let id = RequestId::of(&head.headers);
    let sent = Outgoing::of(spoken, &head, &id, deadline).headers();
    check_sent(spoken, &head, &sent);
}

fn parsed(text: &str) -> Option<Parts> {
    let (first, lines) = text.split_once('\n').unwrap_or((text, ""));
    let mut words = first.split(' ');
    let request = Request::builder()
        .method(words.next()?)
        .uri(words.next()?)
        .version(match words.next() {
            Some("HTTP/2") => Version::HTTP_2,
            _ => Version::HTTP_11,
        });
    let (mut head, ()) = request.body(()).ok()?.into_parts();
    head.headers = headers(lines);
    Some(head)
}

fn headers(lines: &str) -> HeaderMap {
    let pairs = lines.split('\n').filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        Some((name, HeaderValue::try_from(value.trim()).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

fn check_sent(spoken: Spoken, given: &Parts, sent: &HeaderMap) {
    let only = |name: HeaderName| {
        let mut values = sent.get_all(&name).iter();
        let value = values.next().expect("it is there").as_bytes();
        assert_eq!(values.next(), None, "{name} twice");
        value
    };
    assert_eq!(only(header::TE), b"trailers");
    let timeout = only(HeaderName::from_static(GRPC_TIMEOUT));
    let timeout = std::str::from_utf8(timeout).ok();
    let timeout = timeout.and_then(grpc_timeout::parse).expect("well formed");
    assert!(timeout <= MOST);
    let hops = ["host", "expect", "trailer"];
    assert!(hops.iter().all(|name| !sent.contains_key(*name)));
    if spoken == Spoken::Grpc {
        // HTTP/2 has refused the others, and what it says of itself goes on as it is.
        return;
    }
    assert!(only(header::CONTENT_TYPE).starts_with(b"application/grpc"));
    let hops = [
        "connection",
        "content-length",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
    ];
    assert!(hops.iter().all(|name| !sent.contains_key(*name)));
    let ours = |name: &str| {
        matches!(
            name,
            "content-type"
                | "te"
                | "x-request-id"
                | "grpc-timeout"
                | "grpc-encoding"
                | "grpc-accept-encoding"
        )
    };
    let listed = given.headers.get_all(header::CONNECTION).iter();
    let listed = listed.filter_map(|value| value.to_str().ok());
    for name in listed.flat_map(|value| value.split(',')) {
        let name = name.trim().to_ascii_lowercase();
        assert!(ours(&name) || !sent.contains_key(&name), "{name}");
    }
    if !matches!(spoken, Spoken::Grpc | Spoken::Web { .. }) {
        let theirs = |name: &str| name.starts_with("grpc-") && !ours(name);
        assert!(!sent.keys().any(|name| theirs(name.as_str())), "{sent:?}");
    }
}

/// What a query asks is asked again by a query that is written anew.
fn asked(query: &str) {
    let asked = match query::parse(query) {
        Ok(asked) => asked,
        Err(wrong) => {
            assert!(["encoding", "message", "base64"].contains(&wrong.name));
            return;
        }
    };
    let Asked {
        codec,
        message,
        compression,
    } = &asked;
    let codec = match codec {
        Codec::Json => "json",
        Codec::Proto => "proto",
    };
    let mut again = format!(
        "encoding={codec}&message={}",
        percent_encode(message, NON_ALPHANUMERIC)
    );
    if let Some(name) = compression {
        again += "&compression=";
        again.extend(percent_encode(name.as_bytes(), NON_ALPHANUMERIC));
    }
    assert_eq!(query::parse(&again).as_ref(), Ok(&asked));
}

/// The end of a call: each line is a trailer. Each protocol tells all of them, and of a
/// status that is written nothing is lost.
pub fn end(text: &str) {
    let trailers = headers(text);
    let status = Status::of_trailers(&trailers);
    if let Some(status) = &status {
        assert_eq!(
            Status::of_trailers(&status.trailers()).as_ref(),
            Some(status)
        );
    }
    let code = status.and_then(|status| status.code);

    let options = WriteOptions::default();
    let mut writer = EnvelopeWriter::new(Codec::Json, Some(method()), 0, options);
    let envelope = writer.end(&trailers);
    let told: Value = serde_json::from_slice(framed(2, &envelope)).expect("JSON");
    assert_eq!(told.get("error").is_some(), code.is_some(), "{told}");
    if code.is_some() {
        assert_eq!(told["error"]["code"], *code_name(code));
    }

    let frame = web::trailers(&trailers);
    let lines = framed(0x80, &frame).split(|byte| *byte == b'\n');
    let mut told = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let line = line.strip_suffix(b"\r").expect("the end of a line");
        let colon = line.iter().position(|byte| *byte == b':').expect("a name");
        let name = HeaderName::from_bytes(&line[..colon]).expect("a name");
        let value = HeaderValue::from_bytes(&line[colon + 2..]).expect("a value");
        told.append(name, value);
    }
    assert_eq!(told, trailers);
}

/// What is in a frame that has all of `bytes`.
fn framed(flag: u8, bytes: &[u8]) -> &[u8] {
    let (prefix, message) = bytes.split_at(PREFIX_BYTES);
    assert_eq!(prefix[0], flag);
    let length = u32::try_from(message.len()).expect("small");
    assert_eq!(prefix[1..], length.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    /// What the fuzzer begins with.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        let files = fs::read_dir(folder.join(target)).expect("seeds");
        let read = |file: fs::DirEntry| fs::read(file.path()).expect("a seed");
        files.flatten().map(read).collect()
    }

    #[test]
    fn of_all_seeds() {
        for (target, check) in [
            ("envelopes", super::envelopes as fn(&[u8])),
            ("base64", super::base64),
            ("head", |bytes| super::head(text(bytes))),
            ("end", |bytes| super::end(text(bytes))),
        ] {
            let seeds = seeds(target);
            assert!(!seeds.is_empty(), "{target}");
            seeds.iter().for_each(|seed| check(seed));
        }
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text")
    }

    proptest! {
        #[test]
        fn of_any_envelopes(
            options: u8,
            size: u8,
            messages in prop::collection::vec((0u8..3, prop::collection::vec(any::<u8>(), 0..20)), 0..6),
            cut: prop::sample::Index,
        ) {
            let mut bytes = vec![options, size];
            for (flag, message) in messages {
                bytes.extend([flag, 0, 0, 0, u8::try_from(message.len()).expect("short")]);
                bytes.extend(message);
            }
            super::envelopes(&bytes);
            super::envelopes(&bytes[..cut.index(bytes.len())]);
        }

        #[test]
        fn of_any_base64(size: u8, text in "[A-Da-d+/=!]{0,40}") {
            super::base64(&[&[size][..], text.as_bytes()].concat());
        }

        #[test]
        fn of_any_head(
            first in "(POST|GET|PUT) /[a-z&=%+0-9?]{0,40}( HTTP/2)?",
            lines in prop::collection::vec("[a-z-]{1,20}: ?\\PC{0,20}", 0..6),
        ) {
            super::head(&format!("{first}\n{}", lines.join("\n")));
        }

        #[test]
        fn of_any_end(
            number in "[0-9]{0,3}",
            lines in prop::collection::vec("[a-z-]{1,20}: ?\\PC{0,20}", 0..6),
        ) {
            super::end(&format!("grpc-status: {number}\n{}", lines.join("\n")));
        }
    }
}
