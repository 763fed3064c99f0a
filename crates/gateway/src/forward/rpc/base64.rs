//! The base64 of gRPC-Web's text form, as it arrives: any number of padded pieces one
//! after the other, cut anywhere. In: chunks; out: their bytes. At most three letters
//! wait for the next chunk.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bytes::Bytes;

/// Letters that stand for three bytes.
const GROUP: usize = 4;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Something that is no base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not base64; encode it with the standard alphabet")]
pub(super) struct NotBase64;

/// What is left of the chunks before.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    left: Vec<u8>,
}

impl Unwrapper {
    /// The bytes that `chunk` completes.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<Bytes, NotBase64> {
        let mut out = Vec::with_capacity((self.left.len() + chunk.len()) / GROUP * 3);
        let mut rest = chunk;
        if !self.left.is_empty() {
            let (head, tail) = rest.split_at((GROUP - self.left.len()).min(rest.len()));
            self.left.extend_from_slice(head);
            rest = tail;
            if self.left.len() < GROUP {
                return Ok(out.into());
            }
            groups(&self.left, &mut out)?;
            self.left.clear();
        }
        let (whole, left) = rest.split_at(rest.len() / GROUP * GROUP);
        groups(whole, &mut out)?;
        self.left.extend_from_slice(left);
        Ok(out.into())
    }

    /// What the end of the body completes: a last piece may lack its padding.
    pub(super) fn end(&mut self) -> Result<Bytes, NotBase64> {
        let mut out = Vec::new();
        groups(&std::mem::take(&mut self.left), &mut out)?;
        Ok(out.into())
    }
}

/// Decodes groups of which any may be padded.
fn groups(mut letters: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
    while !letters.is_empty() {
        let padded = letters.iter().position(|letter| *letter == b'=');
        let piece = padded.map_or(letters.len(), |at| (at / GROUP + 1) * GROUP);
        let (piece, rest) = letters.split_at_checked(piece).unwrap_or((letters, &[]));
        LENIENT.decode_vec(piece, out).map_err(|_| NotBase64)?;
        letters = rest;
    }
    Ok(())
}

/// One padded piece.
pub(super) fn wrap(bytes: &[u8]) -> Bytes {
    STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unwrapped(chunks: &[&[u8]]) -> Result<Vec<u8>, NotBase64> {
        let mut unwrapper = Unwrapper::default();
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(&unwrapper.push(chunk)?);
        }
        out.extend_from_slice(&unwrapper.end()?);
        Ok(out)
    }

    #[test]
    fn pieces() {
        assert_eq!(unwrapped(&[b"AAECAw=="]).as_deref(), Ok(&[0, 1, 2, 3][..]));
        assert_eq!(unwrapped(&[b"AA==AQ=="]).as_deref(), Ok(&[0, 1][..]));
        assert_eq!(
            unwrapped(&[b"A", b"A", b"=", b"="]).as_deref(),
            Ok(&[0][..])
        );
        assert_eq!(unwrapped(&[b"AAE"]).as_deref(), Ok(&[0, 1][..]));
        for bad in [&b"A"[..], b"====", b"A===", b"!!!!", b"AA=A", b"=AAA"] {
            assert_eq!(unwrapped(&[bad]), Err(NotBase64), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_pieces_in_any_chunks(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8),
            cut in 1usize..9,
        ) {
            let text: Vec<u8> = pieces.iter().flat_map(|piece| wrap(piece).to_vec()).collect();
            let chunks: Vec<_> = text.chunks(cut).collect();
            prop_assert_eq!(unwrapped(&chunks), Ok(pieces.concat()));
        }

        #[test]
        fn garbage_is_refused_or_read(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
            let _ = unwrapped(&chunks);
        }
    }
}
