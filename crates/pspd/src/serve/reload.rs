//! A running gateway takes up its configuration when that changes: the file itself, and
//! every file that it names or that those import. In: the files, looked at every second;
//! out: another plan for the catalog, or every problem in the log, once, and nothing
//! changed.
//!
//! Files are looked at and no messages of the kernel about them waited for: those are
//! lost on network and overlay file systems, and of the folders of a Kubernetes
//! ConfigMap, where a symlink is exchanged two levels up, they tell of no file at all.
//! What a path leads to is compared: another file, another length, another time of a
//! change.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::ArgMatches;
use contract::Role;
use gateway::{CannotServe, Catalog, services::Services};
use tokio::{task::spawn_blocking, time::sleep};

use crate::config::{self, RoleConfig, Work};

/// Settings as they were given.
pub(super) type Fixed = BTreeMap<&'static str, String>;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long nothing may change before what changed is read: an editor, or a copy of
/// several files, takes a moment.
const SETTLED_AFTER: Duration = Duration::from_millis(200);
/// How often that is waited for; a file that never rests is read all the same.
const SETTLING_MAX: usize = 25;

/// When what was refused is tried again though no file has changed.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Where the configuration comes from, and what that looked like before it was read.
pub(super) struct Source {
    path: PathBuf,
    /// The flags, which win over the file.
    matches: ArgMatches,
    seen: Seen,
}

/// What files looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen(BTreeMap<PathBuf, Option<Look>>);

/// What tells one state of a file from another; nothing when it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: Option<std::time::SystemTime>,
    /// Device, number, and the seconds and nanoseconds of the last change of any kind.
    inode: [i64; 4],
}

impl Source {
    /// The file that these flags, or the environment, name; a pipe, which can be read
    /// but once, is none. Must be called before it is read, so that no change is missed.
    pub(super) fn of(matches: &ArgMatches) -> Option<Self> {
        let path = config::path(matches)?;
        let is_file = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        is_file.then(|| Source {
            seen: Seen::of([path.clone()]),
            matches: matches.clone(),
            path,
        })
    }

    /// Looks at the files that will be read for `services` as well.
    pub(super) fn look_at(&mut self, services: &Services) {
        let named = services.files().map(Path::to_owned);
        let named = self.seen.new_of(named);
        self.seen.0.extend(Seen::of(named).0);
    }

    /// Takes up what changes in `catalog`, for as long as it is polled. The settings that
    /// hold until the end are `fixed`.
    pub(super) async fn follow(mut self, fixed: Fixed, catalog: Catalog) {
        // Imports are known only now.
        self.seen.look_at(catalog.files()).await;
        let mut refused: Option<Refused> = None;
        loop {
            sleep(LOOK_EVERY).await;
            if let Some(now) = settled(&self.seen).await {
                let files = now.differing(&self.seen);
                tracing::info!(files, "files have changed; reading the configuration anew");
                self.seen = now;
                refused = None;
            } else if refused.as_ref().is_none_or(|refused| !refused.is_due()) {
                continue;
            }
            match self.take_up(&fixed, &catalog).await {
                Ok(()) => {
                    let routes = catalog.routes().len();
                    tracing::info!(routes, "the changed configuration is in force");
                    refused = None;
                }
                Err(problems) => refused = Some(Refused::now(problems, refused)),
            }
        }
    }

    /// Serves what the files say, if all of it is right.
    async fn take_up(&mut self, fixed: &Fixed, catalog: &Catalog) -> Result<(), Vec<String>> {
        let path = &self.path;
        if matches!(self.seen.0.get(path), Some(Some(look)) if look.bytes == 0) {
            // At a start that means the published routes; here somebody is at it, or the
            // disk is full.
            return Err(vec![format!("{} is empty", path.display())]);
        }
        let matches = self.matches.clone();
        let read = spawn_blocking(move || config::load(Role::Gateway, &matches)).await;
        let read = read.map_err(|error| vec![error.to_string()])?;
        let config: RoleConfig =
            read.map_err(|wrong| wrong.each().map(str::to_owned).collect::<Vec<_>>())?;
        let Work::Gateway(plan, _) = config.work else {
            return Ok(());
        };
        let named: Vec<_> = plan.services.files().map(Path::to_owned).collect();
        self.seen.look_at(named).await;
        let replaced = catalog.replace(*plan).await;
        replaced.map_err(|CannotServe(problems)| problems)?;
        let mut wanted = catalog.files();
        wanted.insert(self.path.clone());
        self.seen.0.retain(|path, _| wanted.contains(path));
        self.seen.look_at(wanted).await;
        warn_of_fixed(fixed, &config.fixed);
        Ok(())
    }
}

/// A configuration that could not be taken up. What mends it may be none of the files that
/// are known, such as an import of a file that could not be read, or a server.
struct Refused {
    problems: Vec<String>,
    at: Instant,
}

impl Refused {
    /// Logs the problems, unless they are the same as before.
    fn now(problems: Vec<String>, before: Option<Refused>) -> Self {
        if before.is_none_or(|before| before.problems != problems) {
            for line in problems.iter().flat_map(|problem| problem.lines()) {
                tracing::error!("{line}");
            }
            tracing::error!(
                "the changed configuration cannot be used; going on with the one before \
                 (`pspd gateway check` says the same)"
            );
        }
        let at = Instant::now();
        Refused { problems, at }
    }

    fn is_due(&self) -> bool {
        self.at.elapsed() >= TRY_AGAIN_AFTER
    }
}

/// Names the settings that are to be otherwise and cannot.
fn warn_of_fixed(fixed: &Fixed, wanted: &Fixed) {
    for (key, now) in fixed {
        let wanted = wanted.get(key).filter(|wanted| *wanted != now);
        if let Some(wanted) = wanted {
            tracing::warn!(
                key,
                now,
                wanted,
                "this setting holds until the gateway is started again; restart it"
            );
        }
    }
}

/// What files look like now, if it is something else and nobody is at it any more.
async fn settled(seen: &Seen) -> Option<Seen> {
    let mut now = seen.again().await;
    if now == *seen {
        return None;
    }
    for _ in 0..SETTLING_MAX {
        sleep(SETTLED_AFTER).await;
        let next = now.again().await;
        if next == now {
            break;
        }
        now = next;
    }
    Some(now)
}

impl Seen {
    fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let looks = paths.into_iter().map(|path| {
            let look = fs::metadata(&path).ok();
            (path, look.as_ref().map(Look::of))
        });
        Seen(looks.collect())
    }

    /// The same as [`of`](Self::of), where a file on a server that is gone holds back
    /// nobody else.
    async fn beside(paths: Vec<PathBuf>) -> Option<Self> {
        spawn_blocking(|| Seen::of(paths)).await.ok()
    }

    /// The same files as they are now.
    async fn again(&self) -> Self {
        let paths = self.0.keys().cloned().collect();
        Seen::beside(paths).await.unwrap_or_else(|| self.clone())
    }

    /// Adds files as they are now, unless they have been looked at before.
    async fn look_at(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let new = self.new_of(paths);
        if let Some(new) = Seen::beside(new).await {
            self.0.extend(new.0);
        }
    }

    fn new_of(&self, paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let paths = paths.into_iter();
        paths.filter(|path| !self.0.contains_key(path)).collect()
    }

    /// Names of the files that looked otherwise before.
    fn differing(&self, before: &Seen) -> String {
        let differing = self
            .0
            .iter()
            .filter(|(path, look)| before.0.get(*path) != Some(look));
        let names: Vec<_> = differing
            .map(|(path, _)| path.display().to_string())
            .collect();
        names.join(", ")
    }
}

impl Look {
    fn of(metadata: &Metadata) -> Self {
        Look {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            inode: inode(metadata),
        }
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt;

    let number = |number: u64| i64::from_ne_bytes(number.to_ne_bytes());
    [
        number(metadata.dev()),
        number(metadata.ino()),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> [i64; 4] {
    [0; 4]
}
