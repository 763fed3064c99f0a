//! gRPC's message framing as it is received: a flag byte, a big-endian length, the
//! message. A compressed message is an error to [`Decoder::complete`], and found by
//! [`Decoder::seek`], which decompresses it in its place, in front of what has arrived after
//! it, to be taken out like any other. So messages that are not compressed have no share in
//! the cost.

use bytes::{Buf, Bytes, BytesMut};

use crate::compression::{
    Coding,
    decode::{self, DecodeError, sent_max},
};

/// Flag byte and length.
pub(crate) const PREFIX_BYTES: usize = 5;

/// Why bytes from an upstream are not gRPC messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a message of {bytes} bytes, more than the limit of {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error(
        "a compressed message, though its grpc-encoding names no compression that was offered \
         (flag {flag})"
    )]
    Compressed { flag: u8 },
    #[error("a message that {0}")]
    Undecodable(#[from] DecodeError),
    #[error("the stream ended inside a message")]
    Truncated,
}

/// Cuts received chunks into messages; a message that lies within one chunk is
/// not copied.
pub(crate) struct Decoder {
    /// The last chunk, unless the bytes before it were needed as well.
    chunk: Bytes,
    /// What was left of chunks and the one after them, if anything was left.
    joined: BytesMut,
    /// How much of either has been taken out.
    read: usize,
    message_bytes_max: usize,
    /// How messages may be compressed.
    coding: Option<Coding>,
    /// Made for the first that is.
    inflating: Option<Box<Inflating>>,
}

/// What compressed messages need beside others.
struct Inflating {
    decoder: decode::Decoder,
    /// What had arrived after the message that was decompressed last.
    after: Bytes,
}

/// A message that is there whole, to be taken out of the decoder that found it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Complete {
    bytes: usize,
}

impl Decoder {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Decoder {
            chunk: Bytes::new(),
            joined: BytesMut::new(),
            read: 0,
            message_bytes_max,
            coding: None,
            inflating: None,
        }
    }

    /// The same for messages of which some may be compressed, with `coding`.
    pub(crate) fn with_coding(self, coding: Option<Coding>) -> Self {
        Decoder { coding, ..self }
    }

    /// Takes the next chunk; every complete message of the one before must have
    /// been taken out.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        let left = &self.received()[self.read..];
        if left.is_empty() {
            self.joined.clear();
            self.chunk = chunk;
        } else if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.chunk[self.read..]);
            self.joined.extend_from_slice(&chunk);
            self.chunk = Bytes::new();
        } else {
            self.joined.advance(self.read);
            self.joined.extend_from_slice(&chunk);
        }
        self.read = 0;
    }

    /// The next message, if all of it is there.
    #[inline]
    pub(crate) fn complete(&self) -> Result<Option<Complete>, FrameError> {
        let received = &self.received()[self.read..];
        let Some((&[flag, a, b, c, d], rest)) = received.split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_be_bytes([a, b, c, d]) as usize;
        if flag != 0 {
            return Err(FrameError::Compressed { flag });
        }
        if bytes > self.message_bytes_max {
            let max = self.message_bytes_max;
            return Err(FrameError::TooLarge { bytes, max });
        }
        Ok((rest.len() >= bytes).then_some(Complete { bytes }))
    }

    /// The same where it says that there is none, for messages that may be compressed.
    #[inline]
    pub(crate) fn seek(&mut self) -> Result<Option<Complete>, FrameError> {
        match self.coding {
            None => self.complete(),
            Some(coding) => self.seek_compressed(coding),
        }
    }

    /// The message that was found.
    #[inline]
    pub(crate) fn take(&mut self, Complete { bytes }: Complete) -> &[u8] {
        let begin = self.read + PREFIX_BYTES;
        self.read = begin + bytes;
        &self.received()[begin..begin + bytes]
    }

    /// The same, for whoever keeps it.
    pub(crate) fn take_whole(&mut self, Complete { bytes }: Complete) -> Bytes {
        let begin = self.read + PREFIX_BYTES;
        if self.joined.is_empty() {
            self.read = begin + bytes;
            return self.chunk.slice(begin..begin + bytes);
        }
        self.joined.advance(begin);
        self.read = 0;
        self.joined.split_to(bytes).freeze()
    }

    /// Whether the stream may end here.
    pub(crate) fn end(&self) -> Result<(), FrameError> {
        let after = self.inflating.as_ref().map(|inflating| &inflating.after);
        match self.received().len() == self.read && after.is_none_or(Bytes::is_empty) {
            true => Ok(()),
            false => Err(FrameError::Truncated),
        }
    }

    #[cold]
    fn seek_compressed(&mut self, coding: Coding) -> Result<Option<Complete>, FrameError> {
        loop {
            match self.complete() {
                Ok(None) if self.resume() => {}
                Err(FrameError::Compressed { flag: 1 }) => return self.unpack(coding),
                found => return found,
            }
        }
    }

    /// Goes on with what had arrived after a message that was decompressed, once that
    /// has been taken out; whether there was anything.
    fn resume(&mut self) -> bool {
        match &mut self.inflating {
            Some(inflating) if !inflating.after.is_empty() => {
                self.chunk = std::mem::take(&mut inflating.after);
                self.joined.clear();
                self.read = 0;
                true
            }
            _ => false,
        }
    }

    /// Puts the compressed message that is next, if all of it is there, into the place of
    /// what was received, decompressed.
    fn unpack(&mut self, coding: Coding) -> Result<Option<Complete>, FrameError> {
        let max = self.message_bytes_max;
        let received = &self.received()[self.read..];
        let Some((&[_, a, b, c, d], rest)) = received.split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_be_bytes([a, b, c, d]) as usize;
        if bytes > sent_max(max) {
            return Err(FrameError::TooLarge { bytes, max });
        }
        if rest.len() < bytes {
            return Ok(None);
        }
        let inflating = match &mut self.inflating {
            Some(inflating) => inflating,
            none => none.insert(Box::new(Inflating {
                decoder: decode::Decoder::new(coding)?,
                after: Bytes::new(),
            })),
        };
        let mut received = match self.joined.is_empty() {
            true => std::mem::take(&mut self.chunk),
            false => self.joined.split().freeze(),
        };
        received.advance(self.read + PREFIX_BYTES);
        self.read = 0;
        let compressed = received.split_to(bytes);
        let mut message = vec![0; PREFIX_BYTES];
        // Some senders say of an empty message too that it is compressed.
        if !compressed.is_empty() {
            inflating.decoder.reset()?;
            inflating.decoder.whole(&compressed, &mut message, max)?;
        }
        let bytes = message.len() - PREFIX_BYTES;
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        message[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        // Nothing can be left from before: this message was in front of it.
        inflating.after = received;
        self.chunk = message.into();
        Ok(Some(Complete { bytes }))
    }

    #[inline]
    fn received(&self) -> &[u8] {
        match self.joined.is_empty() {
            true => &self.chunk,
            false => &self.joined,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compression::encode;

    /// The next message, as a call finds it.
    fn find(decoder: &mut Decoder) -> Result<Option<Complete>, FrameError> {
        match decoder.complete() {
            Ok(Some(complete)) => Ok(Some(complete)),
            _ => decoder.seek(),
        }
    }

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            bytes.push(0);
            bytes.extend_from_slice(&u32::try_from(message.len()).expect("small").to_be_bytes());
            bytes.extend_from_slice(message);
        }
        bytes
    }

    #[test]
    fn limits_are_kept_before_the_message_is_there() {
        let mut decoder = Decoder::new(10);
        decoder.push(Bytes::from_static(&[0, 0, 0, 0, 11]));
        let refused = find(&mut decoder).expect_err("too large");
        assert_eq!(refused, FrameError::TooLarge { bytes: 11, max: 10 });
        let mut decoder = Decoder::new(10);
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 1]));
        let refused = find(&mut decoder).expect_err("compressed");
        assert_eq!(refused, FrameError::Compressed { flag: 1 });
    }

    fn compressed(coding: Coding, message: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode::whole(coding, message, &mut bytes).expect("compressed");
        bytes
    }

    /// One message as it is on the wire, compressed or not.
    fn frame(coding: Option<Coding>, message: &[u8]) -> Vec<u8> {
        let bytes = coding.map_or(message.to_vec(), |coding| compressed(coding, message));
        let mut frame = framed(&[bytes]);
        frame[0] = u8::from(coding.is_some());
        frame
    }

    fn gzip(max: usize) -> Decoder {
        Decoder::new(max).with_coding(Some(Coding::Gzip))
    }

    #[test]
    fn bombs_and_garbage_in_messages() {
        let check = |frame: Vec<u8>, expected: FrameError| {
            let mut decoder = gzip(1000);
            decoder.push(frame.into());
            assert_eq!(find(&mut decoder).expect_err("refused"), expected);
        };
        let too_large = DecodeError::TooLarge { max: 1000 };
        check(
            frame(Some(Coding::Gzip), &[0; 1001]),
            FrameError::Undecodable(too_large),
        );
        let malformed = DecodeError::Malformed(Coding::Gzip);
        check(
            frame(Some(Coding::Zstd), b"text"),
            FrameError::Undecodable(malformed),
        );
        check(vec![2, 0, 0, 0, 0], FrameError::Compressed { flag: 2 });
        let (bytes, max) = (0x0500, 1000);
        check(vec![1, 0, 0, 5, 0], FrameError::TooLarge { bytes, max });
    }

    #[test]
    fn an_empty_message_may_be_called_compressed() {
        let mut decoder = gzip(10);
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]));
        for expected in [&[][..], &[7]] {
            let message = find(&mut decoder).expect("well formed").expect("there");
            assert_eq!(decoder.take(message), expected);
        }
        assert_eq!(decoder.end(), Ok(()));
    }

    #[test]
    fn what_follows_a_compressed_message_counts() {
        let mut decoder = gzip(10);
        let mut bytes = frame(Some(Coding::Gzip), b"a");
        bytes.extend_from_slice(&[0, 0]);
        decoder.push(bytes.into());
        // Found twice, taken once.
        find(&mut decoder).expect("well formed").expect("there");
        let message = find(&mut decoder).expect("well formed").expect("there");
        assert_eq!(decoder.take(message), b"a");
        assert_eq!(decoder.end(), Err(FrameError::Truncated));
        assert!(matches!(find(&mut decoder), Ok(None)));
        assert_eq!(decoder.end(), Err(FrameError::Truncated));
    }

    #[test]
    fn an_end_inside_a_message_is_noticed() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.end(), Ok(()));
        decoder.push(Bytes::from_static(&[0, 0, 0, 0, 2, 8]));
        assert!(matches!(find(&mut decoder), Ok(None)));
        assert_eq!(decoder.end(), Err(FrameError::Truncated));
    }

    proptest! {
        #[test]
        fn messages_survive_any_chunking(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            codings in prop::collection::vec(
                prop_oneof![Just(None), Just(Some(Coding::Gzip)), Just(Some(Coding::Zstd))], 3),
            cuts in prop::collection::vec(1usize..30, 1..60),
        ) {
            // A stream has one coding; which messages it is used for is free.
            let coding = codings[0];
            let used = codings.iter().cycle();
            let framed = |(message, used): (&Vec<u8>, &Option<Coding>)| {
                frame(used.and(coding), message)
            };
            let bytes: Vec<u8> = messages.iter().zip(used).flat_map(framed).collect();
            let mut decoder = Decoder::new(80).with_coding(coding);
            let mut got = Vec::new();
            let mut rest = &bytes[..];
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let cut = cuts.next().copied().unwrap_or(1).min(rest.len());
                decoder.push(Bytes::copy_from_slice(&rest[..cut]));
                rest = &rest[cut..];
                while let Some(message) = find(&mut decoder).expect("well formed") {
                    got.push(match got.len() % 2 {
                        0 => decoder.take(message).to_vec(),
                        _ => decoder.take_whole(message).to_vec(),
                    });
                }
            }
            prop_assert_eq!(got, messages);
            prop_assert_eq!(decoder.end(), Ok(()));
        }

        #[test]
        fn garbage_never_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..10)) {
            let mut decoder = gzip(100);
            'stream: for chunk in chunks {
                decoder.push(chunk.into());
                loop {
                    match find(&mut decoder) {
                        Ok(Some(message)) => drop(decoder.take(message).to_vec()),
                        Ok(None) => break,
                        Err(_) => {
                            // Whoever asks again after an error is not punished for it.
                            let _ = (find(&mut decoder), decoder.end());
                            break 'stream;
                        }
                    }
                }
            }
        }
    }
}
