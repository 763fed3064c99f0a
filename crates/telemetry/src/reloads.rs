//! Which configuration is in force, since when, and how often another was tried.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{Gathered, Source, table};

/// What became of configurations.
#[derive(Debug)]
pub struct Reloads {
    taken_up: AtomicU64,
    refused: AtomicU64,
    last_was_refused: AtomicBool,
    millis: AtomicU64,
}

impl Default for Reloads {
    /// The first configuration is taken up with the start.
    fn default() -> Self {
        Reloads {
            taken_up: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_was_refused: AtomicBool::new(false),
            millis: AtomicU64::new(now_millis()),
        }
    }
}

fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or_default()
}

impl Reloads {
    /// Another configuration is in force.
    pub fn taken_up(&self) {
        self.taken_up.fetch_add(1, Ordering::Relaxed);
        self.last_was_refused.store(false, Ordering::Relaxed);
        self.millis.store(now_millis(), Ordering::Relaxed);
    }

    /// Another configuration could not be used; the one before is in force.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.last_was_refused.store(true, Ordering::Relaxed);
    }
}

impl Source for Reloads {
    #[allow(clippy::cast_precision_loss)]
    fn tell(&self, to: &mut Gathered) {
        let taken_up = self.taken_up.load(Ordering::Relaxed);
        to.count(&table::CONFIG_GENERATION, &[], taken_up + 1);
        let refused = self.refused.load(Ordering::Relaxed);
        to.count(&table::CONFIG_RELOADS, &["taken_up"], taken_up);
        to.count(&table::CONFIG_RELOADS, &["refused"], refused);
        let was_refused = self.last_was_refused.load(Ordering::Relaxed);
        to.count(&table::CONFIG_LAST_SUCCESSFUL, &[], u64::from(!was_refused));
        let seconds = self.millis.load(Ordering::Relaxed) as f64 / 1e3;
        to.add(&table::CONFIG_LAST_SUCCESS, &[], seconds);
    }
}
