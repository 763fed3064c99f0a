use std::{collections::VecDeque, convert::Infallible, task::Waker};

use http::HeaderMap;
use proptest::prelude::*;

use super::*;

/// Gives these, and has nothing to give in the place of `None`.
struct Scripted(VecDeque<Option<Frame<Bytes>>>);

impl Body for Scripted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(None) => Poll::Pending,
            Some(Some(frame)) => Poll::Ready(Some(Ok(frame))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let frames = self.0.iter().flatten();
        SizeHint::with_exact(
            frames
                .map(|frame| frame.data_ref().map_or(0, |data| data.len() as u64))
                .sum(),
        )
    }
}

fn poll(pieces: &mut Pieces<Scripted>) -> (Poll<Option<Frame<Bytes>>>, Note) {
    let polled = Pin::new(pieces).poll_frame(&mut Context::from_waker(Waker::noop()));
    (
        polled.map(|frame| frame.map(|Ok(frame)| frame)),
        Note::take(),
    )
}

#[test]
fn who_is_waited_for_is_noted() {
    let data = |bytes| Some(Frame::data(Bytes::from(vec![1; bytes])));
    let script = [None, data(3), data(PIECE_BYTES + 1), None];
    let mut pieces = Pieces::of(Scripted(script.into()));
    assert_eq!(Note::take(), Note::Given, "the handler is done");
    assert_eq!(Note::take(), Note::NotAsked);
    let noted: Vec<_> = (0..5).map(|_| poll(&mut pieces).1).collect();
    use Note::{Given, NothingYet};
    assert_eq!(noted, [NothingYet, Given, Given, Given, NothingYet]);
}

#[test]
fn the_last_piece_does_not_keep_the_answer() {
    let mut rest = Bytes::from(vec![7; PIECE_BYTES + 10]);
    let all = rest.as_ptr_range();
    let first = next_piece(&mut rest);
    assert!(all.contains(&first.as_ptr()));
    let last = next_piece(&mut rest);
    assert_eq!((&last[..], rest.len()), (&[7; 10][..], 0));
    assert!(!all.contains(&last.as_ptr()));
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_long(
        lengths in prop::collection::vec(prop_oneof![0..40usize, 16_380..16_390usize, 0..100_000usize], 0..6),
        has_trailers: bool,
    ) {
        let mut frames = VecDeque::new();
        let mut sent = Vec::new();
        for (length, byte) in lengths.into_iter().zip(b'a'..) {
            sent.resize(sent.len() + length, byte);
            frames.push_back(Some(Frame::data(Bytes::from(vec![byte; length]))));
        }
        if has_trailers {
            frames.push_back(Some(Frame::trailers(HeaderMap::new())));
        }
        let mut pieces = Pieces::of(Scripted(frames));
        let mut got = Vec::new();
        let mut trailers = false;
        loop {
            let left = (sent.len() - got.len()) as u64;
            prop_assert_eq!(pieces.size_hint().exact(), Some(left));
            let ended = pieces.is_end_stream();
            let Poll::Ready(Some(frame)) = poll(&mut pieces).0 else {
                prop_assert!(ended);
                break;
            };
            prop_assert!(!ended);
            trailers |= frame.is_trailers();
            if let Ok(data) = frame.into_data() {
                prop_assert!(data.len() <= PIECE_BYTES);
                got.extend_from_slice(&data);
            }
        }
        prop_assert_eq!(trailers, has_trailers);
        prop_assert_eq!(got, sent);
    }
}
