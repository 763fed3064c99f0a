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
    chunk: Bytes,
    partial: BytesMut,
    message_bytes_max: usize,
}

impl Decoder {
    pub(super) fn new(message_bytes_max: usize) -> Self {
        Decoder {
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            message_bytes_max,
        }
    }

    /// Takes the next chunk; every complete message of the one before must have
    /// been taken out.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.partial.is_empty() && self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            self.partial.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            self.partial.extend_from_slice(&chunk);
        }
    }

    /// The next complete message; `None` when more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let received = if self.partial.is_empty() {
            &self.chunk[..]
        } else {
            &self.partial[..]
        };
        let Some(length) = self.complete(received)? else {
            return Ok(None);
        };
        let message = if self.partial.is_empty() {
            self.chunk.advance(PREFIX_BYTES);
            self.chunk.split_to(length)
        } else {
            self.partial.advance(PREFIX_BYTES);
            self.partial.split_to(length).freeze()
        };
        Ok(Some(message))
    }

    /// Whether the stream may end here.
    pub(super) fn end(&self) -> Result<(), FrameError> {
        if self.chunk.is_empty() && self.partial.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Truncated)
        }
    }

    /// The length of the message that `received` begins with, if all of it is
    /// there.
    fn complete(&self, received: &[u8]) -> Result<Option<usize>, FrameError> {
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
        Ok((rest.len() >= bytes).then_some(bytes))
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
        assert_eq!(
            decoder.next(),
            Err(FrameError::TooLarge { bytes: 11, max: 10 })
        );
        let mut decoder = Decoder::new(10);
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 1]));
        assert_eq!(decoder.next(), Err(FrameError::Compressed { flag: 1 }));
    }

    #[test]
    fn an_end_inside_a_message_is_noticed() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.end(), Ok(()));
        decoder.push(Bytes::from_static(&[0, 0, 0, 0, 2, 8]));
        assert_eq!(decoder.next(), Ok(None));
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
                while let Some(message) = decoder.next().expect("well formed") {
                    got.push(message.to_vec());
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
                    match decoder.next() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => break 'stream,
                    }
                }
            }
        }
    }
}
