//! What one worker serves at the moment, made of what a watch says and made anew when that
//! changes. What was there before helps to make it, so that connections are kept; a request
//! keeps what it began with.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::watch, task::AbortHandle};

/// Kept up to date until it is dropped.
pub(crate) struct Current<T> {
    now: Arc<Mutex<Arc<T>>>,
    follower: AbortHandle,
}

impl<T: Send + Sync + 'static> Current<T> {
    /// What `make` makes of what is said now, and of everything that is said later. Must be
    /// called on the worker's runtime, which keeps the connections.
    pub(super) fn follow<S: Send + Sync + 'static>(
        mut said: watch::Receiver<Arc<S>>,
        make: impl Fn(&S, Option<&T>) -> T + Send + 'static,
    ) -> Self {
        let first = Arc::clone(&said.borrow_and_update());
        let now = Arc::new(Mutex::new(Arc::new(make(&first, None))));
        let kept = Arc::clone(&now);
        let following = async move {
            while said.changed().await.is_ok() {
                let next = Arc::clone(&said.borrow_and_update());
                let mut now = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let made = make(&next, Some(&now));
                *now = Arc::new(made);
            }
        };
        Current {
            now,
            follower: tokio::spawn(following).abort_handle(),
        }
    }

    /// What is served now.
    pub(crate) fn now(&self) -> Arc<T> {
        Arc::clone(&self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Drop for Current<T> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_made_anew_of_what_is_said_and_of_what_there_was() {
        let (say, said) = watch::channel(Arc::new(1));
        let current = Current::follow(said, |said: &u32, before: Option<&Vec<u32>>| {
            let mut all = before.cloned().unwrap_or_default();
            all.push(*said);
            all
        });
        let first = current.now();
        say.send_replace(Arc::new(2));
        while current.now().len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*first, [1]);
        assert_eq!(*current.now(), [1, 2]);
    }

    #[tokio::test]
    async fn it_stops_following_when_it_is_gone() {
        let (say, said) = watch::channel(Arc::new(()));
        let current = Current::follow(said, |(), _| ());
        tokio::task::yield_now().await;
        drop(current);
        say.closed().await;
    }
}
