//! A running role takes up its configuration when that changes, or when SIGHUP asks for
//! it: the file itself, and every file that it names or that those import. In: the files,
//! looked at every second; out: another plan for what answers requests and another level
//! of the log, or every problem in the log, once, and nothing changed.
//!
//! Files are looked at and no messages of the kernel about them waited for: those are
//! lost on network and overlay file systems, and of the folders of a Kubernetes
//! ConfigMap, where a symlink is exchanged two levels up, they tell of no file at all.
//! What a path leads to is compared: another file, another length, another time of a
//! change.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::ArgMatches;
use contract::Role;
use gateway::{CannotServe, Catalog, RestPlan};
use telemetry::Reloads;
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tracing::Level;

use super::{hang_up::HangUps, logging::LogLevel};
use crate::config::{self, RoleConfig, Work};

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
    role: Role,
    path: Option<PathBuf>,
    /// The flags, which win over the file.
    matches: ArgMatches,
    seen: Seen,
}

/// Settings as they were given.
type Settings = BTreeMap<&'static str, String>;

/// What was read of it.
pub(super) struct Read {
    /// The settings that hold until the end.
    pub(super) fixed: Settings,
    /// Files that settings name.
    pub(super) files: BTreeSet<PathBuf>,
    pub(super) level: LogLevel,
}

/// Whose work follows the configuration.
pub(super) enum Running {
    Gateway(Catalog),
    GatewayRest(watch::Sender<Arc<RestPlan>>),
    /// Only its log does.
    Service,
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
    /// The file that these flags, or the environment, name. Must be called before it is
    /// read, so that no change is missed.
    pub(super) fn of(role: Role, matches: &ArgMatches) -> Self {
        let path = config::path(matches);
        Source {
            role,
            seen: Seen::of(path.clone()),
            matches: matches.clone(),
            path,
        }
    }

    /// Looks at these files as well, before they are read.
    pub(super) fn look_at<'p>(&mut self, files: impl Iterator<Item = &'p Path>) {
        let new = self.seen.new_of(files.map(Path::to_owned));
        self.seen.0.extend(Seen::of(new).0);
    }

    /// Whether the file can be read more than once, which a pipe cannot.
    fn is_lasting(&self) -> bool {
        let is_pipe = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| !found.is_file());
        !self.path.as_ref().is_some_and(is_pipe)
    }

    /// Takes up what changes, for as long as it is polled.
    pub(super) async fn follow(
        mut self,
        read: Read,
        running: Running,
        mut hang_ups: HangUps,
        reloads: Arc<Reloads>,
    ) {
        while !self.is_lasting() {
            hang_ups.next().await;
            tracing::warn!(
                "SIGHUP; the configuration came through a pipe and cannot be read again; give \
                 --config a file"
            );
        }
        // Imports are known only now.
        self.seen.look_at(running.files()).await;
        let mut refused: Option<Refused> = None;
        loop {
            let is_asked = tokio::select! {
                () = sleep(LOOK_EVERY) => false,
                () = hang_ups.next() => true,
            };
            if is_asked {
                tracing::info!("SIGHUP; reading the configuration anew");
                self.seen = self.seen.again().await;
                refused = None;
            } else if let Some(now) = settled(&self.seen).await {
                let files = now.differing(&self.seen);
                tracing::info!(files, "files have changed; reading the configuration anew");
                self.seen = now;
                refused = None;
            } else if refused.as_ref().is_none_or(|refused| !refused.is_due()) {
                continue;
            }
            match self.take_up(&running).await {
                Ok((level, wanted)) => {
                    reloads.taken_up();
                    // Said whether the log says more from now on or less.
                    read.level.say_more(level);
                    warn_of_fixed(&read.fixed, &wanted);
                    match &running {
                        Running::Gateway(catalog) => {
                            let routes = catalog.routes().len();
                            tracing::info!(routes, "the changed configuration is in force");
                        }
                        _ => tracing::info!("the changed configuration is in force"),
                    }
                    read.level.set(level);
                    refused = None;
                }
                Err(problems) => {
                    reloads.refused();
                    refused = Some(Refused::now(problems, self.role, refused));
                }
            }
        }
    }

    /// Does what the files say, if all of it is right; returns the level that the log is
    /// to have, and the settings that hold until the end as they are wanted.
    async fn take_up(&mut self, running: &Running) -> Result<(Level, Settings), Vec<String>> {
        let is_empty = |path: &&PathBuf| {
            let look = self.seen.0.get(*path).and_then(Option::as_ref);
            look.is_some_and(|look| look.bytes == 0)
        };
        if let Some(path) = self.path.iter().find(is_empty) {
            // At a start that means the defaults; here somebody is at it, or the disk is
            // full.
            return Err(vec![format!("{} is empty", path.display())]);
        }
        let (role, matches) = (self.role, self.matches.clone());
        let config = spawn_blocking(move || config::load(role, &matches)).await;
        let config = config.map_err(|error| vec![error.to_string()])?;
        let config: RoleConfig =
            config.map_err(|wrong| wrong.each().map(str::to_owned).collect::<Vec<_>>())?;
        match (config.work, running) {
            (Work::Gateway(plan, _), Running::Gateway(catalog)) => {
                let named: Vec<_> = plan.services.files().map(Path::to_owned).collect();
                self.seen.look_at(named).await;
                let replaced = catalog.replace(*plan).await;
                replaced.map_err(|CannotServe(problems)| problems)?;
            }
            (Work::GatewayRest(plan, _), Running::GatewayRest(plans)) => {
                plans.send_replace(Arc::from(plan));
            }
            _ => {}
        }
        let mut wanted = running.files();
        wanted.extend(config.files);
        wanted.extend(self.path.clone());
        self.seen.0.retain(|path, _| wanted.contains(path));
        self.seen.look_at(wanted).await;
        Ok((config.common.log, config.fixed))
    }
}

impl Running {
    /// The files that what is served was read from.
    fn files(&self) -> BTreeSet<PathBuf> {
        match self {
            Running::Gateway(catalog) => catalog.files(),
            Running::GatewayRest(_) | Running::Service => BTreeSet::new(),
        }
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
    fn now(problems: Vec<String>, role: Role, before: Option<Refused>) -> Self {
        if before.is_none_or(|before| before.problems != problems) {
            for line in problems.iter().flat_map(|problem| problem.lines()) {
                tracing::error!("{line}");
            }
            let check = match role {
                Role::Gateway => "pspd gateway check",
                _ => "pspd config check",
            };
            tracing::error!(
                "the changed configuration cannot be used; going on with the one before \
                 (`{check}` says the same)"
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
fn warn_of_fixed(fixed: &BTreeMap<&'static str, String>, wanted: &BTreeMap<&'static str, String>) {
    for (key, now) in fixed {
        let wanted = wanted.get(key).filter(|wanted| *wanted != now);
        if let Some(wanted) = wanted {
            tracing::warn!(
                key,
                now,
                wanted,
                "this setting holds until the role is started again; restart it"
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
