//! Calls that are made more than once. One that the service provably did not begin is
//! begun again, always; one that may have begun only where the operator allows it, the
//! service has not begun to answer, and the budget has something left; and one that is
//! slow is made a second time where the operator asks for that. Whether and when is
//! decided in [`retry`](super::retry).

use std::{future::Future, pin::Pin, sync::Arc, task::Poll};

use bytes::Bytes;
use h2::SendStream;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Answering, Hedge, Messages, Metadata, Upstream,
    call::{AttemptError, Before, Failed},
    endpoint::Standing,
    pool::Place,
    retry::{Budget, Next, Pushback},
};
use crate::respond::UpstreamFailure;

/// Attempts at a call that the service provably did not begin.
pub(super) const ATTEMPTS_MAX: usize = 3;

impl Upstream {
    /// What becomes of a call whose first attempt failed.
    pub(super) async fn call_again(
        &self,
        failed: Failed,
        method: &PathAndQuery,
        message: &Bytes,
        metadata: &Metadata<'_>,
    ) -> Result<Messages, UpstreamFailure> {
        let (mut not_begun, mut made) = (1, 1);
        let mut tried = Vec::new();
        let mut failed = failed;
        loop {
            let Failed { error, standing } = failed;
            tried.push(standing);
            if error.has_not_begun() && not_begun < ATTEMPTS_MAX {
                not_begun += 1;
                // Lets the connection's keeper notice that it is closing.
                tokio::task::yield_now().await;
            } else {
                match self.next(&error, method, made, metadata.deadline) {
                    Next::GiveUp => return Err(error.into()),
                    Next::After(pause) => sleep(pause).await,
                }
                made += 1;
            }
            let place = match self.place(&tried, metadata.deadline).await {
                Ok(place) => place,
                Err(nowhere) if error.has_not_begun() => return Err(nowhere),
                Err(_) => return Err(error.into()),
            };
            self.pool.common.counts.retried();
            let before = Before {
                made: times(&tried),
                begun: made - 1,
            };
            let attempt = self.attempt(place, method, message, before, metadata);
            failed = match attempt.await {
                Ok(messages) => return Ok(messages),
                Err(failed) => failed,
            };
        }
    }

    /// The same for a call whose messages follow, none of which has been sent.
    pub(super) async fn begin_again(
        &self,
        failed: Failed,
        method: &PathAndQuery,
        metadata: &Metadata<'_>,
    ) -> Result<(SendStream<Bytes>, Answering), UpstreamFailure> {
        let mut tried = vec![failed.standing];
        let mut error = failed.error;
        while error.has_not_begun() && tried.len() < ATTEMPTS_MAX {
            tokio::task::yield_now().await;
            let place = self.place(&tried, metadata.deadline).await?;
            self.pool.common.counts.retried();
            let before = Before {
                made: times(&tried),
                begun: 0,
            };
            match self.head(place, method, None, before, metadata).await {
                Ok(begun) => return Ok(begun),
                Err(failed) => {
                    tried.push(failed.standing);
                    error = failed.error;
                }
            }
        }
        Err(error.into())
    }

    /// What becomes of a call that may have begun.
    fn next(
        &self,
        error: &AttemptError,
        method: &PathAndQuery,
        made: u32,
        deadline: Instant,
    ) -> Next {
        let Some(retry) = &self.pool.policy.retry else {
            return Next::GiveUp;
        };
        let path = method.path();
        let allowed = retry.methods.contains(path) || self.traits(path).idempotent;
        if !allowed {
            return Next::GiveUp;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let chance = fastrand::f64();
        match retry.next(error.code(), error.pushback(), made, left, chance) {
            Next::After(_) if !self.budget_allows() => {
                self.pool.common.counts.budget_exhausted();
                Next::GiveUp
            }
            next => next,
        }
    }

    fn budget_allows(&self) -> bool {
        let budget = &self.pool.common.budget;
        budget.as_ref().is_some_and(Budget::allows)
    }

    /// How a call of the method is hedged, if it is.
    pub(super) fn hedge(&self, path: &str) -> Option<&Hedge> {
        let hedge = self.pool.policy.hedge.as_ref()?;
        let traits = self.traits(path);
        let allowed = traits.idempotent || hedge.methods.contains(path);
        (allowed && traits.unary).then_some(hedge)
    }

    /// Makes a call again and again until one attempt is answered; the others are then
    /// cancelled.
    pub(super) async fn call_hedged(
        &self,
        hedge: &Hedge,
        method: &PathAndQuery,
        message: &Bytes,
        metadata: &Metadata<'_>,
    ) -> Result<Messages, UpstreamFailure> {
        let place = self.place(&[], metadata.deadline).await?;
        let mut tried = vec![Arc::clone(place.0.standing())];
        let mut running = vec![self.begun(place, method, message, Before::default(), metadata)];
        let mut more = hedge.attempts.saturating_sub(1);
        let mut due = Instant::now() + hedge.after;
        let mut last = None;
        loop {
            tokio::select! {
                biased;
                ended = first(&mut running) => {
                    let failed = match ended {
                        Ok(messages) => return Ok(messages),
                        Err(failed) => failed,
                    };
                    let error = &failed.error;
                    if !error.has_not_begun() && !hedge.codes.contains(error.code()) {
                        return Err(failed.into());
                    }
                    match error.pushback() {
                        Pushback::None => due = Instant::now(),
                        Pushback::After(pause) => due = Instant::now() + pause,
                        Pushback::Never => more = 0,
                    }
                    let is_last = more == 0 || due >= metadata.deadline;
                    if running.is_empty() && is_last {
                        return self.call_again(failed, method, message, metadata).await;
                    }
                    last = Some(failed);
                }
                () = sleep_until(due), if more > 0 => match self.hedge_place(&tried, metadata) {
                    Some(place) => {
                        let before = Before {
                            made: times(&tried),
                            begun: times(&tried),
                        };
                        tried.push(Arc::clone(place.0.standing()));
                        running.push(self.begun(place, method, message, before, metadata));
                        more -= 1;
                        due = Instant::now() + hedge.after;
                    }
                    None => {
                        more = 0;
                        if let Some(failed) = last.take_if(|_| running.is_empty()) {
                            return self.call_again(failed, method, message, metadata).await;
                        }
                    }
                }
            }
        }
    }

    /// A place for one attempt more, if there is one at once and the budget has room.
    fn hedge_place(&self, tried: &[Arc<Standing>], metadata: &Metadata<'_>) -> Option<Place> {
        let budget = self.pool.common.budget.as_ref()?;
        if !budget.allows() {
            self.pool.common.counts.budget_exhausted();
            return None;
        }
        let place = self.pool.place(tried, metadata.deadline)?;
        self.pool.common.counts.hedged();
        budget.take();
        Some(place)
    }

    fn begun<'c>(
        &'c self,
        place: Place,
        method: &'c PathAndQuery,
        message: &'c Bytes,
        before: Before,
        metadata: &'c Metadata<'_>,
    ) -> Attempt<'c> {
        Box::pin(self.attempt(place, method, message, before, metadata))
    }
}

fn times(tried: &[Arc<Standing>]) -> u32 {
    u32::try_from(tried.len()).unwrap_or(u32::MAX)
}

type Attempt<'c> = Pin<Box<dyn Future<Output = Result<Messages, Failed>> + Send + 'c>>;

/// Waits for the first of them to end, and takes it out; for ever where there is none.
async fn first(running: &mut Vec<Attempt<'_>>) -> Result<Messages, Failed> {
    let (index, ended) = std::future::poll_fn(|cx| {
        for (index, attempt) in running.iter_mut().enumerate() {
            if let Poll::Ready(ended) = attempt.as_mut().poll(cx) {
                return Poll::Ready((index, ended));
            }
        }
        Poll::Pending
    })
    .await;
    drop(running.swap_remove(index));
    ended
}
