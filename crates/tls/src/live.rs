//! Something made of files that is made anew when they change. What is in use stays in
//! use until all of the new is right: an invalid pair is refused with the reason, once.
//! Who asks for the same settings again gets the same thing, so that a configuration that
//! is read anew brings no second watch.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    Leaf,
    files::{Named, digest},
    leaf::shown,
    watch::{self, InUse},
};

/// How often it is said that a certificate ends.
const SAID_EVERY: Duration = Duration::from_secs(60 * 60);
/// A certificate is said to end when less than this part of its life is left.
const LIFE_LEFT: u32 = 5;
/// And this at the most.
const SOON_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What can be made of files.
pub(crate) trait Made: Sized + Send + Sync + 'static {
    /// What says how.
    type Settings: Clone + PartialEq + Send + Sync + fmt::Debug;

    fn files(settings: &Self::Settings) -> Vec<&Named>;
    fn make(settings: &Self::Settings) -> Result<Self, Vec<String>>;
    /// The certificate of this side.
    fn leaf(&self) -> Option<&Leaf>;
    /// Everything of this kind that is in use.
    fn registry() -> &'static Registry<Self>;
}

/// Things of one kind that are in use.
pub(crate) type Registry<M> = Mutex<Vec<Weak<Live<M>>>>;

pub(crate) struct Live<M: Made> {
    pub(crate) settings: M::Settings,
    now: RwLock<Arc<M>>,
    watched: Mutex<Watched>,
}

struct Watched {
    /// Of the files that what is in use was made of.
    used: u64,
    /// Of the files when they were last looked at, and when they were refused.
    seen: u64,
    refused: Option<u64>,
    said: Option<Instant>,
}

impl<M: Made> Live<M> {
    /// What these settings say, watched from now on.
    pub(crate) fn open(settings: &M::Settings) -> Result<Arc<Self>, Vec<String>> {
        let mut known = M::registry().lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|live| live.strong_count() > 0);
        let same = known.iter().filter_map(Weak::upgrade);
        if let Some(live) = same.into_iter().find(|live| live.settings == *settings) {
            return Ok(live);
        }
        // Before they are read, so that no change is missed.
        let digest = digest(M::files(settings).into_iter());
        let made = M::make(settings)?;
        let live = Arc::new(Live {
            settings: settings.clone(),
            now: RwLock::new(Arc::new(made)),
            watched: Mutex::new(Watched {
                used: digest,
                seen: digest,
                refused: None,
                said: None,
            }),
        });
        known.push(Arc::downgrade(&live));
        drop(known);
        watch::start();
        Ok(live)
    }

    pub(crate) fn now(&self) -> Arc<M> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files, and takes up what has changed and rests.
    pub(crate) fn look(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = digest(M::files(&self.settings).into_iter());
        let rests = std::mem::replace(&mut watched.seen, digest) == digest;
        if digest == watched.used {
            watched.refused = None;
        } else if rests && watched.refused != Some(digest) {
            self.take_up(&mut watched, digest);
        }
        self.say_when_it_ends(&mut watched);
    }

    fn take_up(&self, watched: &mut Watched, digest: u64) {
        let files = self.files();
        match M::make(&self.settings) {
            Ok(made) => {
                let until = made.leaf().map(|leaf| shown(leaf.not_after));
                tracing::info!(
                    files,
                    until,
                    "certificates have changed; new connections get the new ones"
                );
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
                watched.used = digest;
                watched.refused = None;
                watched.said = None;
            }
            Err(problems) => {
                for problem in problems {
                    tracing::error!("{problem}");
                }
                tracing::error!(
                    files,
                    "the changed certificates cannot be used; going on with the ones before"
                );
                watched.refused = Some(digest);
            }
        }
    }

    fn say_when_it_ends(&self, watched: &mut Watched) {
        let now = self.now();
        let Some(leaf) = now.leaf() else { return };
        if watched.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            return;
        }
        let (files, ends) = (self.files(), shown(leaf.not_after));
        match leaf.not_after.duration_since(SystemTime::now()) {
            Err(_) => tracing::error!(files, ends, "the certificate has expired; renew it"),
            Ok(left) if left < soon(leaf) => {
                tracing::warn!(files, ends, "the certificate ends soon; renew it");
            }
            Ok(_) => return,
        }
        watched.said = Some(Instant::now());
    }

    /// What is in use of it, if it has a certificate.
    pub(crate) fn in_use(&self) -> Option<InUse> {
        let now = self.now();
        let refused = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let leaf = now.leaf()?;
        Some(InUse {
            files: self.files(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            stale: refused.refused.is_some(),
        })
    }

    fn files(&self) -> String {
        let files = M::files(&self.settings).into_iter();
        let files: Vec<_> = files.map(|file| file.path.display().to_string()).collect();
        files.join(", ")
    }
}

/// How long before its end a certificate is said to end soon.
fn soon(leaf: &Leaf) -> Duration {
    let life = leaf.not_after.duration_since(leaf.not_before);
    (life.unwrap_or_default() / LIFE_LEFT).min(SOON_MAX)
}
