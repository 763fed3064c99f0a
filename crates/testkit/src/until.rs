//! Waiting for a condition instead of for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::IN_TIME;

/// Asks again and again until there is an answer. Fails the test, naming what
/// was awaited, when there is none in time.
#[track_caller]
pub fn until<T>(awaited: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + IN_TIME;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{awaited}: did not happen within {IN_TIME:?}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}
