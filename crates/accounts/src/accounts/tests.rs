//! On this process and real children. Tests that use sockets take turns: they
//! share this process, and so its accounts.

use std::time::{Duration, Instant};

use super::*;

fn glance(at: Instant, resident_bytes: Option<u64>) -> Glance {
    let cpu = None;
    Glance {
        at,
        roles: vec![RoleGlance {
            cpu,
            resident_bytes,
        }],
    }
}

#[test]
fn the_mean_weighs_each_sample_by_its_time() {
    let start = Instant::now();
    let after = |millis| start + Duration::from_millis(millis);
    let check = |samples: &[(u64, Option<u64>)], expected| {
        let glances: Vec<Glance> = samples
            .iter()
            .map(|(millis, bytes)| glance(after(*millis), *bytes))
            .collect();
        let glances: Vec<&Glance> = glances.iter().collect();
        assert_eq!(mean_bytes(&glances, 0), expected, "{samples:?}");
    };
    check(&[(0, Some(100)), (1000, Some(100))], Some(100));
    check(&[(0, Some(0)), (1000, Some(100))], Some(50));
    // A burst of samples weighs no more than one.
    check(
        &[(0, Some(0)), (1, Some(0)), (2, Some(0)), (1002, Some(1000))],
        Some(499),
    );
    check(&[(0, Some(7)), (0, Some(7))], Some(7));
    check(&[(0, Some(7)), (10, None), (20, Some(7))], None);
}

#[cfg(not(target_os = "linux"))]
#[test]
fn elsewhere_figures_are_absent_and_process_ids_refused() {
    let accounts = Accounts::open(&Pids::new()).expect("no ids to fail on");
    let reading = accounts.read();
    let costs = accounts.between(&reading, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].cpu_seconds, None);
    let pids = Pids::from([("one".into(), vec![1])]);
    Accounts::open(&pids).expect_err("unsupported");
}

#[cfg(target_os = "linux")]
mod linux;
