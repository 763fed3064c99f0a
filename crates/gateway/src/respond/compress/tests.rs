//! Which answers are compressed, and what is said of them.

use std::collections::VecDeque;

use http_body_util::BodyExt;

use super::*;
use crate::compression::decode::{DecodeError, Decoder};

const TEXT: &[u8] = b"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]";

fn compression() -> Compression {
    Compression {
        codings: vec![Coding::Zstd, Coding::Gzip],
        bytes_min: 50,
    }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    pairs.iter().map(pair).collect()
}

fn answer(pairs: &[(&'static str, &'static str)], body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers(pairs);
    response
}

/// What becomes of a JSON answer with these headers beside its type.
fn compressed(accept: &'static str, beside: &[(&'static str, &'static str)]) -> Response<Body> {
    let mut pairs = vec![("content-type", "application/json")];
    pairs.retain(|(name, _)| beside.iter().all(|(other, _)| other != name));
    pairs.extend_from_slice(beside);
    let response = answer(&pairs, Body::whole(Bytes::from_static(TEXT)));
    compress(
        response,
        &compression(),
        &headers(&[("accept-encoding", accept)]),
    )
}

async fn plain(coding: Coding, body: Body) -> Result<Vec<u8>, DecodeError> {
    let bytes = body.collect().await.expect("a body").to_bytes();
    let mut out = Vec::new();
    Decoder::new(coding)?.whole(&bytes, &mut out, 10_000)?;
    Ok(out)
}

#[tokio::test]
async fn a_whole_answer() {
    for (accept, coding) in [("gzip", Coding::Gzip), ("gzip, zstd", Coding::Zstd)] {
        let response = compressed(accept, &[("etag", "\"v1\""), ("vary", "accept")]);
        let got = response.headers();
        assert_eq!(got["content-encoding"], coding.name());
        assert_eq!(got["etag"], "W/\"v1\"");
        let vary: Vec<_> = got.get_all("vary").iter().collect();
        assert_eq!(vary, ["accept", "accept-encoding"]);
        let length = response.body().length().expect("whole");
        assert!(length > 0 && length < TEXT.len());
        assert_eq!(plain(coding, response.into_body()).await, Ok(TEXT.to_vec()));
    }
}

#[test]
fn answers_that_stay_as_they_are() {
    let check = |accept, beside: &[_], vary: bool| {
        let response = compressed(accept, beside);
        let got = response.headers();
        let coding = got.get("content-encoding").map(HeaderValue::as_bytes);
        assert!(matches!(coding, None | Some(b"br")), "{accept} {beside:?}");
        assert_eq!(got.contains_key("vary"), vary, "{accept} {beside:?}");
        assert_eq!(response.body().length(), Some(TEXT.len()));
    };
    check("br", &[], true);
    check("gzip;q=0", &[], true);
    check("identity;q=0", &[], true);
    check("gzip", &[("cache-control", "private, No-Transform")], false);
    check("gzip", &[("content-digest", "sha-256=:x:")], false);
    check("gzip", &[("content-type", "image/png")], false);
    check("gzip", &[("content-encoding", "br")], false);
}

#[test]
fn small_answers() {
    let check = |accept, expected: bool| {
        let json = Body::whole(Bytes::from_static(b"{}"));
        let response = answer(&[("content-type", "application/json")], json);
        let accept = headers(&[("accept-encoding", accept)]);
        let got = compress(response, &compression(), &accept);
        let coding = got.headers().contains_key("content-encoding");
        assert_eq!(coding, expected);
        assert_eq!(got.headers().contains_key("vary"), expected);
    };
    check("gzip", false);
    // A client that wants nothing else gets what it wants.
    check("gzip, identity;q=0", true);
}

#[test]
fn texts() {
    let check = |media_type, expected| {
        assert_eq!(
            is_text(&HeaderValue::from_static(media_type)),
            expected,
            "{media_type}"
        );
    };
    check("application/json", true);
    check("Application/Problem+JSON; charset=utf-8", true);
    check("application/x-ndjson", true);
    check("text/event-stream", true);
    check("text/html; charset=utf-8", true);
    check("image/svg+xml", true);
    check("image/png", false);
    check("application/octet-stream", false);
    check("application/grpc-web+proto", false);
    check("json", false);
}

/// Chunks that are there at once, and then trailers.
struct Ready(VecDeque<Result<Bytes, Aborted>>);

impl Chunks for Ready {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        Poll::Ready(self.0.pop_front())
    }

    fn cause(&mut self) -> Option<String> {
        None
    }

    fn trailers(&mut self) -> Option<HeaderMap> {
        Some(headers(&[("status", "0")]))
    }
}

fn streamed(chunks: Vec<Result<Bytes, Aborted>>, accept: &'static str) -> Response<Body> {
    let body = Body::streamed(Ready(chunks.into()));
    let response = answer(&[("content-type", "text/event-stream")], body);
    compress(
        response,
        &compression(),
        &headers(&[("accept-encoding", accept)]),
    )
}

#[tokio::test]
async fn each_chunk_of_a_stream_can_be_read_at_once() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        let chunks = ["data: 1\n\n", ":\n\n", "data: 2\n\n"];
        let all = chunks.map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())));
        let mut response = streamed(all.into(), coding.name());
        assert_eq!(response.headers()["content-encoding"], coding.name());
        let body = response.body_mut();
        let mut decoder = Decoder::new(coding).expect("a decoder");
        for chunk in chunks {
            let frame = body.frame().await.expect("a frame").expect("no error");
            let data = frame.into_data().expect("data");
            let mut got = Vec::with_capacity(100);
            decoder.decode(&mut &data[..], &mut got).expect("readable");
            assert_eq!(got, chunk.as_bytes());
        }
        let rest = body.collect().await.expect("the end");
        assert_eq!(rest.trailers(), Some(&headers(&[("status", "0")])));
        let mut got = Vec::with_capacity(100);
        decoder
            .decode(&mut &rest.to_bytes()[..], &mut got)
            .expect("readable");
        assert_eq!((got.len(), decoder.end()), (0, Ok(())));
    }
}

#[tokio::test]
async fn an_aborted_stream_has_no_end() {
    let chunks = vec![Ok(Bytes::from_static(b"data")), Err(Aborted)];
    let mut body = streamed(chunks, "gzip").into_body();
    body.frame().await.expect("a frame").expect("data");
    assert_eq!(body.frame().await.expect("a frame").err(), Some(Aborted));
}
