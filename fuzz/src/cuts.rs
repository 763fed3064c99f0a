//! Streams of JSON values: however they are cut, the same values come out, and of a
//! list those that a parser of the whole finds.

use serde_json::Value;
use transcode::{Separated, SplitError, Splitter, Text};

/// Texts and places, and how it ended.
type Split = (Vec<(Vec<u8>, usize, usize)>, Result<(), SplitError>);

/// The first byte says how values are told apart and how long they may be, the second
/// how long the pieces are.
pub fn split(bytes: &[u8]) {
    let [options, pieces, stream @ ..] = bytes else {
        return;
    };
    let separated = match options & 1 {
        0 => Separated::Lines,
        _ => Separated::Elements,
    };
    let max = match options & 2 {
        0 => usize::from(options >> 2),
        _ => usize::MAX,
    };
    let whole = values(separated, max, [stream]);
    let size = usize::from(*pieces).max(1);
    assert_eq!(values(separated, max, stream.chunks(size)), whole);
    assert_eq!(values(separated, max, stream.chunks(1)), whole);
    if max == usize::MAX && separated == Separated::Elements {
        agrees(stream, &whole);
    }
}

fn values<'p>(separated: Separated, max: usize, pieces: impl IntoIterator<Item = &'p [u8]>) -> Split {
    let mut splitter = Splitter::new(separated, max);
    let mut values = Vec::new();
    let mut take = |splitter: &mut Splitter| {
        while let Some(Text { json, place }) = splitter.next_value()? {
            values.push((json.to_vec(), place.line, place.column));
        }
        Ok(())
    };
    let mut all = || {
        for piece in pieces {
            splitter.push(piece);
            take(&mut splitter)?;
        }
        splitter.end();
        take(&mut splitter)
    };
    let ended = all();
    (values, ended)
}

/// What a parser of the whole takes for a list is cut into its elements, and a stream
/// whose pieces are all values is a list.
fn agrees(stream: &[u8], (values, ended): &Split) {
    let pieces = values.iter().map(|(json, ..)| serde_json::from_slice::<Value>(json));
    let pieces: Result<Vec<_>, _> = pieces.collect();
    let whole = serde_json::from_slice::<Vec<Value>>(stream);
    match (whole, pieces) {
        (Ok(whole), pieces) => {
            assert_eq!(ended, &Ok(()));
            assert_eq!(pieces.ok(), Some(whole));
        }
        // A reader of the whole has a limit on depth that one of the pieces reaches later.
        (Err(error), Ok(_)) if ended.is_ok() && !stream.trim_ascii().is_empty() => {
            assert!(error.to_string().contains("recursion"), "{error}");
        }
        (Err(_), _) => {}
    }
}
