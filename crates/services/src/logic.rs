//! What the services answer: pure decisions, no transport and no clock. The two
//! transports differ where the published system did (the greeting's tag, what a
//! count of zero means); those differences live here, side by side.

use std::{fmt, time::Duration};

/// Numbers sent when a gRPC caller asks for none, or a REST caller says nothing.
pub const DEFAULT_COUNT: i32 = 5;

/// The greeting of service A; an empty name is greeted as `world`.
#[must_use]
pub fn greeting(name: &str) -> String {
    let name = if name.is_empty() { "world" } else { name };
    format!("Olá, {name}! [A]")
}

/// The greeting of A-REST; a missing name is greeted as `mundo`, an empty one
/// stays empty.
#[must_use]
pub fn rest_greeting(name: Option<&str>) -> String {
    format!("Olá, {}! [A-REST]", name.unwrap_or("mundo"))
}

/// The most that service B accepts in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Numbers in one sequence; messages in one stream of requests.
    pub count_max: i32,
    /// Milliseconds between two numbers.
    pub delay_ms_max: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            count_max: 1_000_000,
            delay_ms_max: 60_000,
        }
    }
}

/// The numbers 1 to `count`, value `i + 1` due `i` delays after the start and
/// the end `count` delays after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    count: i32,
    delay: Duration,
}

/// A parameter beyond the operator's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeyondLimit {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The value asked for.
    pub value: i64,
    /// The largest value accepted.
    pub max: i32,
}

impl fmt::Display for BeyondLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BeyondLimit {
            parameter,
            value,
            max,
        } = self;
        write!(
            f,
            "{parameter} is {value}, more than this service accepts; ask for at most {max}"
        )
    }
}

impl std::error::Error for BeyondLimit {}

impl Sequence {
    /// As gRPC's B understands a request: a count of zero or less means 5, a
    /// delay of zero or less means none.
    ///
    /// # Errors
    ///
    /// [`BeyondLimit`] for the first parameter that is too large.
    pub fn requested(count: i32, delay_ms: i32, limits: &Limits) -> Result<Self, BeyondLimit> {
        let count = if count > 0 { count } else { DEFAULT_COUNT };
        Self::within(count.into(), delay_ms.into(), limits)
    }

    /// As B-REST understands a request: negative values become zero, and a
    /// count of zero is an empty sequence.
    ///
    /// # Errors
    ///
    /// [`BeyondLimit`] for the first parameter that is too large.
    pub fn within(count: i64, delay_ms: i64, limits: &Limits) -> Result<Self, BeyondLimit> {
        let count = at_most("count", count, limits.count_max)?;
        let delay_ms = at_most("delay_ms", delay_ms, limits.delay_ms_max)?;
        Ok(Sequence {
            count,
            delay: Duration::from_millis(delay_ms.unsigned_abs().into()),
        })
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> i32 {
        self.count
    }

    /// When, after the start, the thing that follows `sent` numbers is due: the
    /// next number, or the end. `None` when nothing has to be waited for.
    #[must_use]
    pub fn due_after(&self, sent: i32) -> Option<Duration> {
        if self.delay.is_zero() {
            return None;
        }
        Some(self.delay.saturating_mul(sent.unsigned_abs()))
    }
}

/// `value` as a number from 0 to `max`; negative ones become 0.
fn at_most(parameter: &'static str, value: i64, max: i32) -> Result<i32, BeyondLimit> {
    match i32::try_from(value.max(0)) {
        Ok(value) if value <= max => Ok(value),
        _ => Err(BeyondLimit {
            parameter,
            value,
            max,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn greetings() {
        assert_eq!(greeting("pspd"), "Olá, pspd! [A]");
        assert_eq!(greeting(""), "Olá, world! [A]");
        assert_eq!(rest_greeting(Some("pspd")), "Olá, pspd! [A-REST]");
        assert_eq!(rest_greeting(Some("")), "Olá, ! [A-REST]");
        assert_eq!(rest_greeting(None), "Olá, mundo! [A-REST]");
    }

    #[test]
    fn a_count_of_zero_means_five_over_grpc_and_none_over_rest() {
        let limits = Limits::default();
        let count = |sequence: Result<Sequence, BeyondLimit>| sequence.expect("small").count();
        assert_eq!(count(Sequence::requested(0, 0, &limits)), 5);
        assert_eq!(count(Sequence::requested(-1, 0, &limits)), 5);
        assert_eq!(count(Sequence::within(0, 0, &limits)), 0);
        assert_eq!(count(Sequence::within(-1, 0, &limits)), 0);
    }

    #[test]
    fn the_schedule_is_absolute() {
        let sequence = Sequence::requested(10, 5, &Limits::default()).expect("small");
        assert_eq!(sequence.due_after(0), Some(Duration::ZERO));
        assert_eq!(sequence.due_after(9), Some(Duration::from_millis(45)));
        assert_eq!(sequence.due_after(10), Some(Duration::from_millis(50)));
        let hurried = Sequence::requested(10, -5, &Limits::default()).expect("small");
        assert_eq!(hurried.due_after(9), None);
    }

    proptest! {
        #[test]
        fn no_request_passes_a_limit(
            count: i64, delay_ms: i64, count_max in 1..i32::MAX, delay_ms_max in 0..i32::MAX,
        ) {
            let limits = Limits { count_max, delay_ms_max };
            match Sequence::within(count, delay_ms, &limits) {
                Ok(sequence) => {
                    prop_assert_eq!(i64::from(sequence.count()), count.max(0));
                    prop_assert!(sequence.count() <= count_max);
                    prop_assert!(delay_ms <= i64::from(delay_ms_max));
                }
                Err(beyond) => {
                    let (value, max) = match beyond.parameter {
                        "count" => (count, count_max),
                        _ => (delay_ms, delay_ms_max),
                    };
                    prop_assert_eq!((beyond.value, beyond.max), (value, max));
                    prop_assert!(value > i64::from(max));
                }
            }
        }
    }
}
