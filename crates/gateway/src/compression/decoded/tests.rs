//! A body in frames, decompressed.

use std::collections::VecDeque;

use http_body_util::BodyExt;

use super::*;
use crate::compression::encode;

const CODINGS: [Coding; 2] = [Coding::Gzip, Coding::Zstd];

/// Frames that are there, and how many were taken.
struct Frames(VecDeque<Result<Frame<Bytes>, &'static str>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn compressed(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode::whole(coding, bytes, &mut out).expect("compressed");
    out
}

fn frames(bytes: &[u8], size: usize) -> VecDeque<Result<Frame<Bytes>, &'static str>> {
    let frame = |bytes| Ok(Frame::data(Bytes::copy_from_slice(bytes)));
    bytes.chunks(size).map(frame).collect()
}

fn decoded(
    frames: VecDeque<Result<Frame<Bytes>, &'static str>>,
    coding: Option<Coding>,
    limit: Limit,
) -> Decoded<Frames> {
    Decoded::new(Frames(frames), coding, limit).expect("a decoder")
}

#[tokio::test]
async fn frames_of_any_size() {
    let bytes: Vec<_> = (0..100_000u32)
        .flat_map(|n| (n / 7).to_be_bytes())
        .collect();
    for coding in CODINGS {
        for size in [1, 7, 1000, usize::MAX] {
            let small = compressed(coding, &bytes);
            let limit = Limit::Bytes(bytes.len());
            let body = decoded(frames(&small, size.min(small.len())), Some(coding), limit);
            let got = body.collect().await.expect("whole").to_bytes();
            assert!(got == bytes, "{coding:?} {size}");
        }
    }
}

#[tokio::test]
async fn what_is_not_compressed_goes_through() {
    let mut sent = frames(b"as it is", 3);
    sent.push_back(Ok(Frame::trailers(http::HeaderMap::new())));
    let body = decoded(sent, None, Limit::Bytes(0));
    let got = body.collect().await.expect("whole");
    assert!(got.trailers().is_some());
    assert_eq!(got.to_bytes(), "as it is");
}

#[tokio::test]
async fn no_bytes_are_no_body() {
    let body = decoded(frames(b"", 1), Some(Coding::Gzip), Limit::Ratio);
    assert_eq!(body.collect().await.expect("empty").to_bytes(), "");
}

#[tokio::test]
async fn ends_and_trailers() {
    for coding in CODINGS {
        let small = compressed(coding, b"text");
        let all = || {
            let mut sent = frames(&small, 2);
            sent.push_back(Ok(Frame::trailers(http::HeaderMap::new())));
            sent
        };
        let got = decoded(all(), Some(coding), Limit::Ratio).collect().await;
        assert!(got.expect("whole").trailers().is_some());

        let mut sent = all();
        sent.remove(sent.len() - 2);
        let torn = decoded(sent, Some(coding), Limit::Ratio).collect().await;
        let truncated = DecodeError::Truncated(coding);
        assert!(matches!(torn, Err(BodyError::Undecodable(error)) if error == truncated));

        let mut sent = frames(&small[..3], 3);
        sent.push_back(Err("reset"));
        let broken = decoded(sent, Some(coding), Limit::Ratio).collect().await;
        assert!(matches!(broken, Err(BodyError::Broken("reset"))));
    }
}

/// Reads until it fails; what had been read by then.
async fn read(mut body: Decoded<Frames>) -> (u64, Option<DecodeError>) {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let piece = frame.into_data().expect("data");
                assert!(piece.len() <= PIECE_BYTES, "{}", piece.len());
                bytes += piece.len() as u64;
            }
            Err(BodyError::Undecodable(error)) => return (bytes, Some(error)),
            Err(BodyError::Broken(error)) => unreachable!("{error}"),
        }
    }
    (bytes, None)
}

#[tokio::test]
async fn bombs() {
    for coding in CODINGS {
        let bomb = compressed(coding, &vec![b' '; 32 * 1024 * 1024]);
        let all = || frames(&bomb, 1 << 20);
        let (read_bytes, error) = read(decoded(all(), Some(coding), Limit::Bytes(50_000))).await;
        assert_eq!(error, Some(DecodeError::TooLarge { max: 50_000 }));
        assert!(read_bytes <= 50_000, "{read_bytes}");
        // In frames as small as a network's, so that little was received when it counts.
        let (read_bytes, error) =
            read(decoded(frames(&bomb, 1000), Some(coding), Limit::Ratio)).await;
        assert_eq!(error, Some(DecodeError::Ratio { max: RATIO_MAX }));
        let most = RATIO_FREE_BYTES + RATIO_MAX * 1000 * 8;
        assert!(read_bytes <= most, "{coding:?} {read_bytes}");
    }
}

#[tokio::test]
async fn nothing_again_and_again() {
    for coding in CODINGS {
        let empty = compressed(coding, b"").repeat(1000);
        let all = || frames(&empty, 100);
        let enough = Limit::Bytes(empty.len());
        assert_eq!(read(decoded(all(), Some(coding), enough)).await, (0, None));
        let refused = read(decoded(all(), Some(coding), Limit::Bytes(100))).await;
        assert_eq!(refused.1, Some(DecodeError::TooLarge { max: 100 }));
    }
}
