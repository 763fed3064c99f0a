//! The decoder against what the encoder and others write, cut anywhere, torn and bad.

use proptest::prelude::*;

use super::*;
use crate::compression::encode::{self, Encoder};

const CODINGS: [Coding; 2] = [Coding::Gzip, Coding::Zstd];

fn compressed(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode::whole(coding, bytes, &mut out).expect("compressed");
    out
}

fn decompressed(coding: Coding, bytes: &[u8], max: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let mut decoder = Decoder::new(coding)?;
    decoder.whole(bytes, &mut out, max)?;
    Ok(out)
}

fn text(lines: usize) -> Vec<u8> {
    let line = |index| {
        format!(
            "{{\"name\":\"shelves/{index}\",\"title\":\"T{}\"}}\n",
            index * 7
        )
    };
    (0..lines)
        .flat_map(|index| line(index).into_bytes())
        .collect()
}

#[test]
fn sizes_up_to_the_limit() {
    let bytes = text(1000);
    for coding in CODINGS {
        let small = compressed(coding, &bytes);
        assert!(small.len() < bytes.len() / 4, "{coding:?}");
        let got = decompressed(coding, &small, bytes.len()).expect("within the limit");
        assert_eq!(got, bytes);
        let max = bytes.len() - 1;
        let refused = decompressed(coding, &small, max).expect_err("beyond the limit");
        assert_eq!(refused, DecodeError::TooLarge { max });
        assert_eq!(
            decompressed(coding, &compressed(coding, b""), 0),
            Ok(Vec::new())
        );
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    for coding in CODINGS {
        let bomb = compressed(coding, &vec![0; 64 * 1024 * 1024]);
        let mut decoder = Decoder::new(coding).expect("a decoder");
        let mut out = Vec::new();
        let refused = decoder
            .whole(&bomb, &mut out, 100_000)
            .expect_err("too large");
        assert_eq!(refused, DecodeError::TooLarge { max: 100_000 });
        assert!(out.capacity() <= 110_000, "{coding:?}: {}", out.capacity());
    }
}

#[test]
fn every_torn_end_is_noticed() {
    let bytes = text(20);
    for coding in CODINGS {
        let small = compressed(coding, &bytes);
        for end in 0..small.len() {
            let torn = decompressed(coding, &small[..end], 1 << 20);
            assert_eq!(
                torn,
                Err(DecodeError::Truncated(coding)),
                "{coding:?} {end}"
            );
        }
    }
}

#[test]
fn what_follows_must_be_compressed_too() {
    for coding in CODINGS {
        let mut twice = compressed(coding, b"first ");
        twice.extend(compressed(coding, b"second"));
        assert_eq!(
            decompressed(coding, &twice, 100),
            Ok(b"first second".to_vec())
        );
        twice.extend_from_slice(b"more text");
        let malformed = Err(DecodeError::Malformed(coding));
        assert_eq!(decompressed(coding, &twice, 100), malformed);
    }
}

#[test]
fn a_changed_byte_of_gzip_is_noticed() {
    let bytes = text(20);
    let small = compressed(Coding::Gzip, &bytes);
    // What the head says of time and system (bytes 4 to 9) is nobody's concern.
    for place in (0..4).chain(10..small.len()) {
        let mut bad = small.clone();
        bad[place] ^= 0x55;
        let got = decompressed(Coding::Gzip, &bad, 1 << 20);
        assert!(got.is_err(), "{place}");
    }
}

#[test]
fn windows_are_small() {
    // Magic number, a head of window and no size, the window of 2^(10+14) bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3];
    let refused = decompressed(Coding::Zstd, &frame, 1 << 20).expect_err("a large window");
    assert_eq!(refused, DecodeError::Window);
    // A single segment of 1 TiB.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0];
    let refused = decompressed(Coding::Zstd, &frame, 1 << 20).expect_err("a large window");
    assert_eq!(refused, DecodeError::Window);
    // 2^(10+13) is the largest: the frame is begun.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
    let refused = decompressed(Coding::Zstd, &frame, 1 << 20).expect_err("not whole");
    assert_eq!(refused, DecodeError::Truncated(Coding::Zstd));
}

#[test]
fn pieces_can_be_read_at_once() {
    let pieces = text(50);
    for coding in CODINGS {
        let mut encoder = Encoder::new(coding).expect("an encoder");
        let mut decoder = Decoder::new(coding).expect("a decoder");
        for piece in pieces
            .split_inclusive(|byte| *byte == b'\n')
            .chain([&pieces[..]])
        {
            let mut sent = Vec::new();
            encoder.piece(piece, &mut sent).expect("compressed");
            let mut got = Vec::with_capacity(pieces.len() + 1);
            let mut input = &sent[..];
            assert_eq!(decoder.decode(&mut input, &mut got), Ok(Needs::Input));
            assert_eq!(got, piece, "{coding:?}");
            assert_eq!(decoder.end(), Err(DecodeError::Truncated(coding)));
        }
        let mut sent = Vec::new();
        encoder.finish(&mut sent).expect("compressed");
        let mut got = Vec::with_capacity(1);
        decoder.decode(&mut &sent[..], &mut got).expect("the end");
        assert_eq!((got.len(), decoder.end()), (0, Ok(())));
    }
}

/// Feeds `bytes` in chunks of these sizes into room of those.
fn in_pieces(
    coding: Coding,
    bytes: &[u8],
    chunks: &[usize],
    rooms: &[usize],
) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = Decoder::new(coding)?;
    let (mut chunks, mut rooms) = (chunks.iter().cycle(), rooms.iter().cycle());
    let (mut rest, mut got) = (bytes, Vec::new());
    while !rest.is_empty() {
        let chunk = chunks.next().map_or(1, |chunk| (*chunk).min(rest.len()));
        let (mut input, after) = rest.split_at(chunk);
        rest = after;
        loop {
            let room = rooms.next().copied().unwrap_or(1);
            let mut out = Vec::with_capacity(room);
            let needs = decoder.decode(&mut input, &mut out)?;
            got.extend_from_slice(&out);
            if needs == Needs::Input {
                break;
            }
        }
    }
    decoder.end()?;
    Ok(got)
}

proptest! {
    #[test]
    fn any_chunks_and_any_room(
        bytes in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..3000),
        chunks in prop::collection::vec(1usize..700, 1..5),
        rooms in prop::collection::vec(1usize..700, 1..5),
    ) {
        for coding in CODINGS {
            let small = compressed(coding, &bytes);
            let got = in_pieces(coding, &small, &chunks, &rooms);
            prop_assert_eq!(got, Ok(bytes.clone()));
        }
    }

    #[test]
    fn garbage_never_panics(
        valid in prop::collection::vec(0u8..4, 0..600),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        chunks in prop::collection::vec(1usize..100, 1..5),
        rooms in prop::collection::vec(1usize..100, 1..5),
    ) {
        for coding in CODINGS {
            let mut bytes = compressed(coding, &valid);
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            let _ = in_pieces(coding, &bytes, &chunks, &rooms);
            let _ = decompressed(coding, &bytes, 1000);
        }
    }

    #[test]
    fn noise_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (coding, head) in [
            (Coding::Gzip, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0][..]),
            (Coding::Zstd, &[0x28, 0xb5, 0x2f, 0xfd][..]),
        ] {
            bytes.splice(0..0, head.iter().copied());
            let _ = decompressed(coding, &bytes, 10_000);
        }
    }
}
