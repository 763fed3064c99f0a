//! Little's law, as a check on a row of results: users that are always busy, the
//! rate they achieve and the time they take cannot be chosen apart. A row that
//! breaks the law was not measured the way it says. It does not tell which of the
//! three is wrong.

/// 5%. In a window of T the law holds up to the iterations that its two ends cut:
/// one a user at most, so the deviation is at most the longest iteration over T.
/// 5% leaves room for windows of twenty iterations, with rates and times rounded as
/// in tables; rows that are wrong by their method, such as times from before the
/// warm-up or of failed calls only, miss by more.
pub const TOLERANCE: f64 = 0.05;

/// What the law makes of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Little {
    /// The users that rate and time speak of.
    pub implied_users: f64,
    /// Relative to the users there were: -0.25 means that a quarter of the users'
    /// time is not accounted for.
    pub deviation: f64,
    /// Whether the deviation is within the tolerance. A row that makes no number (no
    /// users, NaN) does not hold.
    pub holds: bool,
}

/// L = λ W: users = iterations per second * mean seconds of an iteration.
///
/// Little 1961, *A Proof for the Queuing Formula: L = λW*, Operations Research
/// 9(3); on finite windows, Little 2011, Operations Research 59(3). For a closed
/// loop: each of `users` begins an iteration when the one before ends, and a pause
/// belongs to the iteration. `tolerance` is relative; use [`TOLERANCE`].
#[must_use]
pub fn check(
    users: u32,
    iterations_per_second: f64,
    mean_iteration_seconds: f64,
    tolerance: f64,
) -> Little {
    let implied_users = iterations_per_second * mean_iteration_seconds;
    let deviation = implied_users / f64::from(users) - 1.0;
    Little {
        implied_users,
        deviation,
        holds: deviation.abs() <= tolerance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order;

    fn verdict(users: u32, rate: f64, seconds: f64) -> bool {
        check(users, rate, seconds, TOLERANCE).holds
    }

    #[test]
    fn a_row_is_judged_by_its_product() {
        assert!(verdict(100, 50.0, 2.0));
        assert!(verdict(100, 50.0, 2.09));
        assert!(!verdict(100, 50.0, 2.11));
        assert!(verdict(100, 50.0, 1.91));
        assert!(!verdict(100, 50.0, 1.89));
        let row = check(200, 30.0, 5.0, TOLERANCE);
        assert_eq!((row.implied_users, row.deviation), (150.0, -0.25));
    }

    #[test]
    fn a_row_without_numbers_does_not_hold() {
        assert!(!verdict(0, 0.0, 0.0));
        assert!(!verdict(10, 0.0, 0.0));
        assert!(!verdict(10, f64::NAN, 1.0));
        assert!(!verdict(10, f64::INFINITY, 1.0));
    }

    /// Iterations of 0.5 to 1.5 s, drawn without replacement, of 40 users for 30 s.
    /// What completes within the window is counted, as the load engine does.
    fn closed_loop(pause_unseen_seconds: f64) -> Little {
        let (begin, end, users) = (2.0, 32.0, 40);
        let (mut iterations, mut seconds) = (0_u32, 0.0);
        for user in 0..users {
            let mut now = 0.0;
            for step in order::shuffled(100, 7, u64::from(user)) {
                let took = 0.5 + step as f64 / 100.0;
                now += took;
                if now >= begin && now < end {
                    iterations += 1;
                    seconds += took;
                }
                now += pause_unseen_seconds;
            }
        }
        let count = f64::from(iterations);
        check(users, count / (end - begin), seconds / count, TOLERANCE)
    }

    #[test]
    fn a_closed_loop_keeps_the_law_within_what_its_window_cuts() {
        let row = closed_loop(0.0);
        assert!(row.deviation.abs() < 1.5 / 30.0, "{row:?}");
        assert!(row.holds);
    }

    #[test]
    fn time_that_is_not_counted_breaks_the_law() {
        let row = closed_loop(0.25);
        assert!(!row.holds && row.deviation < -0.15, "{row:?}");
    }
}
