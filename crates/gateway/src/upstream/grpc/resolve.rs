//! Names of a service's addresses, looked up again and again. What is new is connected
//! to; what has vanished gets no new call once something else is open, and its
//! connections close after their last call. A lookup that fails changes nothing.
//!
//! The system's resolver is asked, so `/etc/hosts`, search domains and the like work as
//! everywhere. It tells no time to live, so there is one pause for all names.

use std::{
    io::{self, Read},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{
    Address, Policy,
    endpoint::{Endpoint, Target},
    pool::Pool,
};

/// How soon names are looked up again after a connection was lost or a lookup failed.
const SOON: Duration = Duration::from_millis(250);
/// Endpoints of one service; more than that are left out.
const ENDPOINTS_MAX: usize = 64;
/// Bytes of a file of hosts.
const HOSTS_BYTES_MAX: u64 = 1024 * 1024;

/// What needs no looking up, if that is all.
pub(super) fn fixed(addresses: &[Address]) -> Option<Vec<Target>> {
    let target = |address: &Address| {
        (!address.is_name()).then(|| Target {
            address: address.clone(),
            at: None,
        })
    };
    addresses.iter().map(target).collect()
}

/// Looks the names up for as long as it is polled.
pub(super) async fn follow(pool: Arc<Pool>) {
    let every = pool.policy.resolve_every;
    let mut known = vec![Vec::new(); pool.policy.addresses.len()];
    loop {
        let begun = Instant::now();
        let looked_up = look_up_all(&pool.policy, &mut known).await;
        change(&pool, known.concat()).await;
        let pause = match looked_up {
            Ok(()) => {
                pool.resolved(begun);
                every
            }
            Err(why) => {
                pool.unresolved(why);
                every.min(SOON)
            }
        };
        // Gateways that were started together do not go on asking together.
        let pause = pause.mul_f64(0.9 + 0.2 * fastrand::f64());
        if timeout(pause, pool.common.lost.told()).await.is_ok() {
            sleep(SOON.min(every)).await;
        }
    }
}

/// Renews what is `known` of each address; what cannot be had now stays as it is.
async fn look_up_all(policy: &Policy, known: &mut [Vec<Target>]) -> Result<(), String> {
    let mut all = Ok(());
    for (address, known) in policy.addresses.iter().zip(known) {
        let target = |at| Target {
            address: address.clone(),
            at,
        };
        if !address.is_name() {
            *known = vec![target(None)];
            continue;
        }
        match look_up(policy.hosts.clone(), address).await {
            Ok(found) => *known = found.into_iter().map(|at| target(Some(at))).collect(),
            Err(error) => all = Err(format!("cannot look up {address}: {error}")),
        }
    }
    all
}

/// Where the name leads to; never empty.
async fn look_up(hosts: Option<PathBuf>, address: &Address) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (address.host(), address.port());
    let mut found: Vec<_> = match hosts {
        None => tokio::net::lookup_host((host, port)).await?.collect(),
        Some(path) => {
            let text = tokio::task::spawn_blocking(move || read(&path)).await??;
            let addresses = hosts_of(&text, host);
            addresses.map(|ip| SocketAddr::new(ip, port)).collect()
        }
    };
    found.sort_unstable();
    found.dedup();
    match found.is_empty() {
        false => Ok(found),
        true => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(HOSTS_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The addresses of `name` in a file in the form of `/etc/hosts`.
fn hosts_of<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = IpAddr> + 't {
    text.lines().filter_map(move |line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let ip = words.next()?.parse().ok()?;
        words
            .any(|word| word.eq_ignore_ascii_case(name))
            .then_some(ip)
    })
}

/// Goes over to `wanted`.
async fn change(pool: &Pool, wanted: Vec<Target>) {
    let known = pool.endpoints();
    let next = chosen(known.iter().map(|endpoint| endpoint.target()), wanted);
    let (kept, gone): (Vec<_>, Vec<_>) = known
        .iter()
        .cloned()
        .partition(|endpoint| next.contains(endpoint.target()));
    let is_new = |target: &Target| !kept.iter().any(|endpoint| endpoint.target() == target);
    let mut new: Vec<_> = next.into_iter().filter(is_new).collect();
    if new.is_empty() && gone.is_empty() {
        return;
    }
    // Gateways and workers are many, and should not all begin with the same one.
    fastrand::shuffle(&mut new);
    let new: Vec<_> = new.into_iter().map(|target| pool.connect(target)).collect();
    tracing::info!(
        service = %pool.common.name,
        kept = kept.len(),
        new = new.len(),
        gone = gone.len(),
        "its addresses were looked up"
    );
    let all = [kept, new].concat();
    if !gone.is_empty() {
        // What is gone goes on until something else can take its calls, but not for long.
        pool.set([&all[..], &gone[..]].concat());
        let _ = timeout(pool.options.connect_timeout, opened(pool, &all)).await;
    }
    pool.set(all);
}

/// Waits until one of them is open.
async fn opened(pool: &Pool, endpoints: &[Arc<Endpoint>]) {
    loop {
        let mut changed = std::pin::pin!(pool.common.changed.notified());
        changed.as_mut().enable();
        if endpoints.iter().any(|endpoint| endpoint.is_open()) {
            return;
        }
        changed.await;
    }
}

/// Those of `wanted` that are used: each once, and known ones first where they are too
/// many.
fn chosen<'k>(known: impl Iterator<Item = &'k Target>, wanted: Vec<Target>) -> Vec<Target> {
    let mut chosen: Vec<Target> = Vec::new();
    let still: Vec<_> = known
        .filter(|target| wanted.contains(target))
        .cloned()
        .collect();
    for target in still.into_iter().chain(wanted) {
        if chosen.len() < ENDPOINTS_MAX && !chosen.contains(&target) {
            chosen.push(target);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_of_hosts() {
        let text =
            "# comment\n10.0.0.1 shop  # shop2\n::1\tSHOP other\n\nnonsense shop\n10.0.0.3\n";
        let of =
            |name: &str| -> Vec<String> { hosts_of(text, name).map(|ip| ip.to_string()).collect() };
        assert_eq!(of("shop"), ["10.0.0.1", "::1"]);
        assert_eq!(of("other"), ["::1"]);
        assert!(of("shop2").is_empty() && of("10.0.0.3").is_empty());
    }

    fn target(number: u8) -> Target {
        Target {
            address: "shop:1".parse().expect("an address"),
            at: Some(SocketAddr::from(([10, 0, 0, number], 1))),
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_file_of_hosts(text: String, name: String) {
            hosts_of(&text, &name).count();
        }

        #[test]
        fn what_is_chosen(
            known in prop::collection::vec(any::<u8>(), 0..70),
            wanted in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let known: Vec<_> = known.into_iter().map(target).collect();
            let wanted: Vec<_> = wanted.into_iter().map(target).collect();
            let chosen = chosen(known.iter(), wanted.clone());
            let mut all: Vec<_> = wanted.iter().map(|target| target.at).collect();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(chosen.len(), all.len().min(ENDPOINTS_MAX));
            prop_assert!(chosen.iter().all(|target| wanted.contains(target)));
            let room = chosen.len() == ENDPOINTS_MAX && known.len() >= ENDPOINTS_MAX;
            for target in known.iter().filter(|target| wanted.contains(target)) {
                prop_assert!(room || chosen.contains(target));
            }
        }
    }
}
