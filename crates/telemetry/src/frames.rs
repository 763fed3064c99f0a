//! How many messages go by in gRPC's framing (a flag, four bytes of length, the
//! message), cut anywhere. Nothing is kept and nothing is refused: what is wrong with the
//! bytes is for those to say who read them.

const PREFIX_BYTES: usize = 5;

/// Where in the framing the bytes so far end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frames {
    prefix: [u8; PREFIX_BYTES],
    /// Bytes of the prefix that are there.
    known: usize,
    /// Bytes of the message that are missing once the prefix is whole.
    missing: usize,
}

impl Frames {
    /// How many messages end within `bytes`, which follow those of before.
    pub fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.known < PREFIX_BYTES {
                let taken = bytes.len().min(PREFIX_BYTES - self.known);
                let (prefix, rest) = bytes.split_at(taken);
                self.prefix[self.known..self.known + taken].copy_from_slice(prefix);
                self.known += taken;
                bytes = rest;
                if self.known < PREFIX_BYTES {
                    break;
                }
                let [_, length @ ..] = self.prefix;
                self.missing = u32::from_be_bytes(length) as usize;
            }
            let taken = bytes.len().min(self.missing);
            self.missing -= taken;
            bytes = &bytes[taken..];
            if self.missing == 0 {
                self.known = 0;
                ended += 1;
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_are_counted_however_they_are_cut(
            lengths in prop::collection::vec(0usize..40, 0..20),
            cut in 1usize..50,
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                bytes.push(0);
                bytes.extend(u32::try_from(*length).expect("small").to_be_bytes());
                bytes.extend(vec![7; *length]);
            }
            let mut frames = Frames::default();
            let counted: u64 = bytes.chunks(cut).map(|chunk| frames.count(chunk)).sum();
            prop_assert_eq!(counted, lengths.len() as u64);
            // Half a message more is none.
            prop_assert_eq!(frames.count(&[0, 0, 0, 0, 9, 1]), 0);
        }

        #[test]
        fn anything_is_counted_in_its_own_time(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Frames::default().count(&bytes) <= 200 / 5);
        }
    }
}
