//! gRPC's message framing as it is received: a flag byte, a big-endian length, the
//! message.

use bytes::{Buf, Bytes, BytesMut};

/// Flag byte and length.
pub(crate) const PREFIX_BYTES: usize = 5;

/// Why bytes from an upstream are not gRPC messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a message of {bytes} bytes, more than the limit of {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error("a compressed message, though no compression was offered (flag {flag})")]
    Compressed { flag: u8 },
    #[error("the stream ended inside a message")]
    Truncated,
}

/// Cuts received chunks into messages; a message that lies within one chunk is
/// not copied.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The last chunk, unless the bytes before it were needed as well.
    chunk: Bytes,
    /// What was left of chunks and the one after them, if anything was left.
    joined: BytesMut,
    /// How much of either has been taken out.
    read: usize,
    message_bytes_max: usize,
}

/// A message that is there whole, to be taken out of the decoder that found it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complete {
    bytes: usize,
}

impl Decoder {
    pub(super) fn new(message_bytes_max: usize) -> Self {
        Decoder {
            chunk: Bytes::new(),
            joined: BytesMut::new(),
            read: 0,
            message_bytes_max,
        }
    }

    /// Takes the next chunk; every complete message of the one before must have
    /// been taken out.
    pub(super) fn push(&mut self, chunk: Bytes) {
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
    pub(super) fn complete(&self) -> Result<Option<Complete>, FrameError> {
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

    /// The message that was found.
    #[inline]
    pub(super) fn take(&mut self, Complete { bytes }: Complete) -> &[u8] {
        let begin = self.read + PREFIX_BYTES;
        self.read = begin + bytes;
        &self.received()[begin..begin + bytes]
    }

    /// The same, for whoever keeps it.
    pub(super) fn take_whole(&mut self, Complete { bytes }: Complete) -> Bytes {
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
    pub(super) fn end(&self) -> Result<(), FrameError> {
        match self.received().len() == self.read {
            true => Ok(()),
            false => Err(FrameError::Truncated),
        }
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
        let refused = decoder.complete().expect_err("too large");
        assert_eq!(refused, FrameError::TooLarge { bytes: 11, max: 10 });
        let mut decoder = Decoder::new(10);
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 1]));
        let refused = decoder.complete().expect_err("compressed");
        assert_eq!(refused, FrameError::Compressed { flag: 1 });
    }

    #[test]
    fn an_end_inside_a_message_is_noticed() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.end(), Ok(()));
        decoder.push(Bytes::from_static(&[0, 0, 0, 0, 2, 8]));
        assert!(matches!(decoder.complete(), Ok(None)));
        assert_eq!(decoder.end(), Err(FrameError::Truncated));
    }

    proptest! {
        #[test]
        fn messages_survive_any_chunking(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            cuts in prop::collection::vec(1usize..30, 1..60),
        ) {
            let bytes = framed(&messages);
            let mut decoder = Decoder::new(40);
            let mut got = Vec::new();
            let mut rest = &bytes[..];
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let cut = cuts.next().copied().unwrap_or(1).min(rest.len());
                decoder.push(Bytes::copy_from_slice(&rest[..cut]));
                rest = &rest[cut..];
                while let Some(message) = decoder.complete().expect("well formed") {
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
            let mut decoder = Decoder::new(100);
            'stream: for chunk in chunks {
                decoder.push(chunk.into());
                loop {
                    match decoder.complete() {
                        Ok(Some(message)) => drop(decoder.take(message).to_vec()),
                        Ok(None) => break,
                        Err(_) => break 'stream,
                    }
                }
            }
        }
    }
}
