//! The way out of a role, in three steps that everybody can wait for: it says that it
//! leaves and goes on as before, so that load balancers notice; it takes nothing new; and
//! the time of what is in flight is over, so that what still goes on is given an end of
//! its own protocol rather than a torn connection. Each step is taken once and implies
//! those before it; this module times none of them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// How far a role is on its way out. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Steps>);

/// Behind one pointer, since handlers are cloned with each request, and each of these
/// takes a lock for that.
#[derive(Debug, Default)]
struct Steps {
    leaving: CancellationToken,
    begun: CancellationToken,
    over: CancellationToken,
}

impl Stop {
    /// One that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Stop::default()
    }

    /// Says that the role leaves, and is not ready for more; it goes on for now.
    pub fn leave(&self) {
        self.0.leaving.cancel();
    }

    /// Takes nothing new from now on.
    pub fn begin(&self) {
        self.0.leaving.cancel();
        self.0.begun.cancel();
    }

    /// Takes nothing new, since another process does so at the same place: to clients
    /// the role does not leave, and is as ready as before.
    pub fn hand_over(&self) {
        self.0.begun.cancel();
    }

    /// Ends what is still in flight.
    pub fn end(&self) {
        self.0.begun.cancel();
        self.0.over.cancel();
    }

    /// Whether clients are to go elsewhere.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.0.leaving.is_cancelled()
    }

    /// Whether nothing new is taken.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.begun.is_cancelled()
    }

    /// Whether the time of what is in flight is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.over.is_cancelled()
    }

    /// Waits until clients are to go elsewhere.
    pub async fn leaving(&self) {
        self.0.leaving.cancelled().await;
    }

    /// Waits until nothing new is taken.
    pub async fn begun(&self) {
        self.0.begun.cancelled().await;
    }

    /// Waits until what is in flight has to end.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }

    /// The same step for those who keep it.
    #[must_use]
    pub fn end_of_time(&self) -> CancellationToken {
        self.0.over.clone()
    }

    /// One that begins only when it is told to, and is otherwise this one: for whoever
    /// has to be told after others.
    pub(crate) fn later(&self) -> Self {
        let Steps { leaving, over, .. } = &*self.0;
        Stop(Arc::new(Steps {
            leaving: leaving.clone(),
            begun: CancellationToken::new(),
            over: over.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(stop: &Stop) -> [bool; 3] {
        [
            stop.is_leaving(),
            stop.0.begun.is_cancelled(),
            stop.is_over(),
        ]
    }

    #[test]
    fn each_step_implies_those_before() {
        let stop = Stop::new();
        assert_eq!(step(&stop), [false, false, false]);
        stop.leave();
        assert_eq!(step(&stop), [true, false, false]);
        stop.begin();
        assert_eq!(step(&stop), [true, true, false]);
        stop.end();
        assert_eq!(step(&stop.clone()), [true, true, true]);
    }

    #[test]
    fn who_hands_over_does_not_leave() {
        let stop = Stop::new();
        stop.hand_over();
        assert_eq!(step(&stop), [false, true, false]);
    }

    #[test]
    fn later_is_the_same_but_for_the_beginning() {
        let stop = Stop::new();
        let later = stop.later();
        stop.begin();
        assert_eq!(step(&later), [true, false, false]);
        later.begin();
        later.end();
        assert_eq!(step(&stop), [true, true, true]);
    }
}
