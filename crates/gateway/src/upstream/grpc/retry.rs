//! Whether a call that failed is made again, and when. In: how it failed, how often it
//! was made, what the operator allows and what the budget has left; out: give up, or
//! go on after a pause. Pure: chance and time come in. The rules are those of gRPC
//! (proposal A6), so that service owners find what they know.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::respond::Code;

/// Attempts that an operator may ask for, the first one among them.
pub const ATTEMPTS_MAX: u32 = 5;

/// When calls are made again that may have begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// With the first one.
    pub attempts: u32,
    /// After which codes.
    pub codes: Codes,
    /// Of which methods, beside those that declare themselves idempotent.
    pub methods: Methods,
    /// The pause before the second attempt; doubled from attempt to attempt.
    pub back_off: Duration,
    /// The longest pause.
    pub back_off_max: Duration,
}

/// When a second call is made before the first has been answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hedge {
    /// How long each attempt waits for the one before.
    pub after: Duration,
    /// With the first one.
    pub attempts: u32,
    /// Codes that are not the end: other attempts may still go well.
    pub codes: Codes,
    /// Of which unary methods, beside those that declare themselves idempotent.
    pub methods: Methods,
}

/// Tokens that retries and hedges take, and calls that go well give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimits {
    /// How many there are at first, and at most.
    pub tokens: u32,
    /// Thousandths of a token that a call gives that goes well.
    pub ratio_thousandths: u32,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        BudgetLimits {
            tokens: 100,
            ratio_thousandths: 100,
        }
    }
}

/// A set of gRPC status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Codes(u32);

impl Codes {
    /// `UNAVAILABLE` alone.
    #[must_use]
    pub fn unavailable() -> Self {
        Codes(1 << Code::Unavailable.number())
    }

    /// The codes with these names.
    ///
    /// # Errors
    ///
    /// A name that no code has.
    pub fn of_names(names: &[String]) -> Result<Self, String> {
        let mut codes = Codes::default();
        for name in names {
            let number = (1..=16).find(|number| {
                Code::from_number(*number).is_some_and(|code| code.name() == name.as_str())
            });
            codes.0 |= 1 << number.ok_or_else(|| name.clone())?;
        }
        Ok(codes)
    }

    pub(super) fn contains(self, code: Code) -> bool {
        self.0 & (1 << code.number()) != 0
    }
}

/// Methods by their path, `/package.Service/Method`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Methods {
    /// All of them.
    All,
    /// These.
    Named(HashSet<String>),
}

impl Methods {
    pub(super) fn contains(&self, path: &str) -> bool {
        match self {
            Methods::All => true,
            Methods::Named(paths) => paths.contains(path),
        }
    }
}

/// What a service says about making a call again (`grpc-retry-pushback-ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushback {
    /// Nothing.
    None,
    After(Duration),
    Never,
}

impl Pushback {
    /// What the header's value says; one that is no count of milliseconds says never.
    pub(super) fn of(value: Option<&[u8]>) -> Self {
        let Some(value) = value else {
            return Pushback::None;
        };
        let millis = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<u32>().ok());
        match millis {
            Some(millis) => Pushback::After(Duration::from_millis(millis.into())),
            None => Pushback::Never,
        }
    }
}

/// What becomes of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GiveUp,
    After(Duration),
}

impl Retry {
    /// What becomes of a call that failed with `code` after `made` attempts, with
    /// `left` of its time. `chance` is drawn from 0 to 1.
    pub(super) fn next(
        &self,
        code: Code,
        pushback: Pushback,
        made: u32,
        left: Duration,
        chance: f64,
    ) -> Next {
        if made >= self.attempts || !self.codes.contains(code) {
            return Next::GiveUp;
        }
        let pause = match pushback {
            Pushback::Never => return Next::GiveUp,
            Pushback::After(pause) => pause,
            Pushback::None => self.pause(made).mul_f64(0.8 + 0.4 * chance),
        };
        match pause < left {
            true => Next::After(pause),
            false => Next::GiveUp,
        }
    }

    fn pause(&self, made: u32) -> Duration {
        let doubled = 1u32.checked_shl(made.saturating_sub(1)).unwrap_or(u32::MAX);
        self.back_off.saturating_mul(doubled).min(self.back_off_max)
    }
}

/// What is left of the tokens. Below half of them nothing is made again: then most calls
/// fail, and more of them would make it worse.
#[derive(Debug)]
pub(super) struct Budget {
    limits: BudgetLimits,
    thousandths: AtomicU32,
}

impl Budget {
    pub(super) fn new(limits: BudgetLimits) -> Self {
        Budget {
            limits,
            thousandths: AtomicU32::new(limits.tokens.saturating_mul(1000)),
        }
    }

    fn most(&self) -> u32 {
        self.limits.tokens.saturating_mul(1000)
    }

    pub(super) fn allows(&self) -> bool {
        self.thousandths.load(Ordering::Relaxed) > self.most() / 2
    }

    /// An attempt failed, or one was made beside another.
    pub(super) fn take(&self) {
        let before = self.thousandths.load(Ordering::Relaxed);
        let after = before.saturating_sub(1000);
        self.thousandths.store(after, Ordering::Relaxed);
    }

    pub(super) fn give(&self) {
        let before = self.thousandths.load(Ordering::Relaxed);
        if before < self.most() {
            let after = before.saturating_add(self.limits.ratio_thousandths);
            self.thousandths
                .store(after.min(self.most()), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn retry(attempts: u32) -> Retry {
        Retry {
            attempts,
            codes: Codes::unavailable(),
            methods: Methods::All,
            back_off: Duration::from_millis(50),
            back_off_max: Duration::from_millis(300),
        }
    }

    fn next(pushback: Pushback, made: u32, left: Duration) -> Next {
        retry(5).next(Code::Unavailable, pushback, made, left, 0.5)
    }

    #[test]
    fn pauses() {
        let after = |millis| Next::After(Duration::from_millis(millis));
        for (made, millis) in [(1, 50), (2, 100), (3, 200), (4, 300)] {
            assert_eq!(next(Pushback::None, made, HOUR), after(millis));
        }
        assert_eq!(next(Pushback::None, 5, HOUR), Next::GiveUp);
        assert_eq!(
            next(Pushback::None, 1, Duration::from_millis(50)),
            Next::GiveUp
        );
        let asked = Pushback::of(Some(b"7000"));
        assert_eq!(next(asked, 1, HOUR), after(7000));
        for never in [&b"-1"[..], b"", b"soon", b"\xff", b"99999999999"] {
            assert_eq!(next(Pushback::of(Some(never)), 1, HOUR), Next::GiveUp);
        }
        let other = retry(5).next(Code::Internal, Pushback::None, 1, HOUR, 0.5);
        assert_eq!(other, Next::GiveUp);
    }

    #[test]
    fn names_of_codes() {
        let names = ["UNAVAILABLE", "RESOURCE_EXHAUSTED"].map(str::to_owned);
        let codes = Codes::of_names(&names).expect("they exist");
        assert!(codes.contains(Code::Unavailable) && codes.contains(Code::ResourceExhausted));
        assert!(!codes.contains(Code::Internal));
        assert_eq!(Codes::of_names(&["OK".to_owned()]), Err("OK".to_owned()));
    }

    proptest! {
        #[test]
        fn pauses_stay_within_their_limits(made in 1u32..5, chance in 0.0..1.0f64) {
            let next = retry(5).next(Code::Unavailable, Pushback::None, made, HOUR, chance);
            let Next::After(pause) = next else {
                return Err(TestCaseError::fail("given up"));
            };
            prop_assert!(pause >= Duration::from_millis(40));
            prop_assert!(pause <= Duration::from_millis(360));
        }

        /// However calls end, repeated ones are at most half the tokens and the ratio's
        /// share of those that went well.
        #[test]
        fn retries_are_bounded(ends in prop::collection::vec(any::<bool>(), 0..2000)) {
            let limits = BudgetLimits { tokens: 10, ratio_thousandths: 100 };
            let budget = Budget::new(limits);
            let (mut repeated, mut well) = (0, 0);
            for end in ends {
                if end {
                    well += 1;
                    budget.give();
                } else {
                    budget.take();
                    repeated += u32::from(budget.allows());
                }
            }
            prop_assert!(repeated <= 5 + well / 10 + 1, "{} of {}", repeated, well);
        }
    }
}
