//! One thread that looks at the files of everything in use every second, at what they
//! contain: messages of the kernel about files are lost on network file systems, and a
//! folder that Kubernetes exchanges behind a symlink tells of no file at all. A thread of
//! its own, because a file on a server that is gone may hold it back for long.

use std::{
    sync::{Arc, Once, PoisonError, Weak},
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    client::Calling,
    live::{Live, Made},
    server::Serving,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A certificate of this side that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    /// The files that it belongs to, for people.
    pub files: String,
    /// When it began.
    pub not_before: SystemTime,
    /// When it ends.
    pub not_after: SystemTime,
    /// Whether there are newer files that were refused.
    pub stale: bool,
}

/// Every certificate of this process that is in use.
#[must_use]
pub fn in_use() -> Vec<InUse> {
    let serving = all::<Serving>()
        .into_iter()
        .filter_map(|live| live.in_use());
    let calling = all::<Calling>()
        .into_iter()
        .filter_map(|live| live.in_use());
    serving.chain(calling).collect()
}

/// Begins to look, unless it has begun.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let thread = thread::Builder::new().name("certificates".to_owned());
        if let Err(error) = thread.spawn(watch) {
            tracing::error!(%error, "changed certificates will not be noticed");
        }
    });
}

fn watch() {
    loop {
        thread::sleep(LOOK_EVERY);
        all::<Serving>().iter().for_each(|live| live.look());
        all::<Calling>().iter().for_each(|live| live.look());
    }
}

fn all<M: Made>() -> Vec<Arc<Live<M>>> {
    let known = M::registry().lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().filter_map(Weak::upgrade).collect()
}
