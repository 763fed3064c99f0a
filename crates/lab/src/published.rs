//! The table that the original study published for its own system, to be set
//! beside ours. Its gRPC column is headed "ms" throughout; the means from 400
//! users on are plainly seconds and are given as such here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::Protocol;

/// Users, gRPC mean and REST mean in milliseconds, gRPC and REST requests a second.
const TABLE: [(u32, f64, f64, f64, f64); 8] = [
    (25, 76.13, 28_210.0, 342.29, 0.44),
    (50, 150.9, 28_430.0, 351.05, 0.88),
    (100, 292.57, 28_410.0, 348.52, 1.76),
    (200, 549.61, 28_240.0, 362.04, 3.53),
    (400, 1_070.0, 28_370.0, 359.29, 7.05),
    (800, 2_140.0, 28_350.0, 345.54, 14.12),
    (1600, 5_180.0, 28_230.0, 269.23, 28.24),
    (3200, 10_480.0, 28_260.0, 242.82, 56.76),
];

/// The delays of one iteration, 10 x 5 ms, which no system can shorten.
const ITERATION_MIN: Duration = Duration::from_millis(50);
/// One greeting and one stream of numbers.
const REQUESTS_PER_ITERATION: f64 = 2.0;

/// What the original reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) mean_ms: f64,
    pub(crate) requests_per_second: f64,
}

/// The original's figures for these users and this protocol, where it has any.
pub(crate) fn published(users: u32, protocol: Protocol) -> Option<Published> {
    let (_, grpc_mean, rest_mean, grpc_rate, rest_rate) =
        TABLE.into_iter().find(|row| row.0 == users)?;
    let (mean_ms, requests_per_second) = match protocol {
        Protocol::Grpc => (grpc_mean, grpc_rate),
        Protocol::Rest => (rest_mean, rest_rate),
    };
    Some(Published {
        mean_ms,
        requests_per_second,
    })
}

/// The requests a second that no system can pass with so many users.
pub(crate) fn ceiling(users: u32) -> f64 {
    REQUESTS_PER_ITERATION * f64::from(users) / ITERATION_MIN.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_five_users_cannot_pass_a_thousand_requests_a_second() {
        assert_eq!(ceiling(25), 1000.0);
    }

    #[test]
    fn the_grpc_column_obeys_littles_law_with_its_units_corrected() {
        for (users, mean_ms, _, rate, _) in TABLE {
            let concurrent = rate * mean_ms / 1000.0;
            let share = concurrent / f64::from(users);
            assert!((0.7..1.1).contains(&share), "{users} users: {share}");
        }
    }

    #[test]
    fn other_user_counts_have_no_published_figures() {
        assert_eq!(published(30, Protocol::Rest), None);
        let row = published(3200, Protocol::Grpc).expect("published");
        assert_eq!(row.requests_per_second, 242.82);
    }
}
