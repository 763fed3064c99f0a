use std::future::pending;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// Seconds until a stream is given up that leaves these notes, one each second, and waits
/// without end then; `None` when it is still there after an hour.
async fn given_up_after(notes: Vec<Note>) -> Option<u64> {
    let streams = Streams::new(([127, 0, 0, 1], 1).into(), LIMIT, Arc::default());
    let begun = Instant::now();
    streams.execute(Box::pin(async move {
        for note in notes {
            note.leave();
            sleep(SECOND).await;
        }
        pending().await
    }));
    assert_eq!(streams.counts(), (1, 0));
    for _ in 0..3600 {
        sleep(SECOND / 2).await;
        if streams.counts() == (1, 1) {
            return Some(begun.elapsed().as_secs());
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn only_the_wait_for_a_reader_ends() {
    use Note::{Given, NotAsked, NothingYet};
    for (notes, expected) in [
        (vec![], None),
        (vec![NotAsked; 100], None),
        (vec![NothingYet; 100], None),
        (vec![Given], Some(60)),
        (vec![NotAsked, NothingYet, Given], Some(62)),
        // Being polled again is no progress.
        (vec![Given, NotAsked, NotAsked], Some(60)),
        // A reader that takes something is waited for anew.
        ([vec![Given; 100], vec![NotAsked; 9]].concat(), Some(159)),
        // So is one that had taken everything.
        (vec![Given, NothingYet], None),
        (
            [vec![Given], vec![NothingYet; 300], vec![Given]].concat(),
            Some(361),
        ),
    ] {
        let told = format!("{notes:?}");
        assert_eq!(given_up_after(notes).await, expected, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_takes_something_in_time_is_waited_for() {
    let streams = Streams::new(([127, 0, 0, 1], 1).into(), LIMIT, Arc::default());
    let (done, ended) = tokio::sync::oneshot::channel();
    streams.execute(Box::pin(async move {
        for _ in 0..100 {
            Note::Given.leave();
            sleep(LIMIT - SECOND).await;
        }
        // Gone when the stream was given up.
        let _ = done.send(());
    }));
    assert_eq!(ended.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_without_streams() {
    let streams = Streams::new(([127, 0, 0, 1], 1).into(), LIMIT, Arc::default());
    let begun = Instant::now();
    // One after the other, with pauses that are nearly long enough.
    let others = streams.clone();
    tokio::spawn(async move {
        for _ in 0..10 {
            others.execute(Box::pin(sleep(LIMIT)));
            sleep(LIMIT + LIMIT - SECOND).await;
        }
    });
    tokio::task::yield_now().await;
    streams.idle(LIMIT).await;
    let last_end = 9 * (LIMIT + LIMIT - SECOND) + LIMIT;
    let idle = begun.elapsed() - last_end;
    assert!((LIMIT..=LIMIT + LIMIT / LOOKS).contains(&idle), "{idle:?}");
}
