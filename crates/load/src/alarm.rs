//! A timeout for one request after the other that costs next to nothing while
//! none expires: the timer stays where an earlier request put it and is moved to
//! the current deadline only when it fires, or when the deadline is the earlier
//! one, which happens where late iterations are caught up with.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep};

/// One timer, for the requests of one user.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Pin<Box<Sleep>>,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm {
            timer: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// The result of `work`, or nothing when `deadline` comes first.
    pub(crate) async fn within<T>(
        &mut self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = tokio::time::Instant::from_std(deadline);
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            while self.timer.as_mut().poll(context).is_ready() {
                if self.timer.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                self.timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_each_deadline_and_not_before() {
        let mut alarm = Alarm::new();
        let begin = tokio::time::Instant::now();
        for second in 1..=5 {
            let deadline = begin + Duration::from_secs(second * 10);
            let in_time = sleep(Duration::from_secs(1));
            assert!(
                alarm.within(deadline.into_std(), in_time).await.is_some(),
                "work that is done in time"
            );
            let late = alarm.within(deadline.into_std(), pending::<()>()).await;
            assert_eq!(late, None);
            assert_eq!(begin.elapsed().as_secs(), second * 10);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_may_be_earlier_than_the_one_before() {
        let mut alarm = Alarm::new();
        let begin = tokio::time::Instant::now();
        let at = |second| (begin + Duration::from_secs(second)).into_std();
        // The timer is left at second 10.
        assert_eq!(alarm.within(at(10), pending::<()>()).await, None);
        assert_eq!(alarm.within(at(90), async { 1 }).await, Some(1));
        let work = sleep(Duration::from_secs(1));
        assert!(alarm.within(at(90), work).await.is_some());
        assert_eq!(alarm.within(at(20), pending::<()>()).await, None);
        assert_eq!(begin.elapsed().as_secs(), 20);
        assert_eq!(alarm.within(at(5), pending::<()>()).await, None, "over");
        assert_eq!(begin.elapsed().as_secs(), 20);
    }
}
