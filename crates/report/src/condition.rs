//! What gates and objectives have in common: a figure's name, an operator and a
//! value with its unit, such as `p99 > 20ms`. In: text; out: a [`Condition`]
//! whose unit fits its figure. Latencies and memory need a unit, because a bare
//! number would be read as another one by half of all readers.

use std::fmt;

use results::Latency;

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Of whole requests.
    Latency(At),
    /// Of single messages of calls that stream both ways: from when one was due to its
    /// answer.
    RoundTrip(At),
    RequestsPerSecond,
    Cpu,
    Bytes,
    Memory,
    Failed,
}

/// A place in a distribution of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Mean,
    P50,
    P90,
    P95,
    P99,
    P999,
    Max,
}

/// Before the name of a place, in figures of single messages.
const ROUND_TRIP: &str = "round-trip-";

impl At {
    const ALL: [At; 7] = [
        At::Mean,
        At::P50,
        At::P90,
        At::P95,
        At::P99,
        At::P999,
        At::Max,
    ];

    fn name(self) -> &'static str {
        match self {
            At::Mean => "mean",
            At::P50 => "p50",
            At::P90 => "p90",
            At::P95 => "p95",
            At::P99 => "p99",
            At::P999 => "p999",
            At::Max => "max",
        }
    }

    fn named(name: &str) -> Option<At> {
        At::ALL.into_iter().find(|at| at.name() == name)
    }

    fn of(self, latency: Latency) -> f64 {
        match self {
            At::Mean => latency.mean_ms,
            At::P50 => latency.p50_ms,
            At::P90 => latency.p90_ms,
            At::P95 => latency.p95_ms,
            At::P99 => latency.p99_ms,
            At::P999 => latency.p999_ms,
            At::Max => latency.max_ms,
        }
    }

    /// The share that lies above it and may be anything.
    fn left_out(self) -> f64 {
        match self {
            At::P50 => 0.5,
            At::P90 => 0.1,
            At::P95 => 0.05,
            At::P99 => 0.01,
            At::P999 => 0.001,
            At::Mean | At::Max => 0.0,
        }
    }
}

impl Figure {
    /// Those that are no times.
    const OTHERS: [(&'static str, Figure); 5] = [
        ("rps", Figure::RequestsPerSecond),
        ("cpu", Figure::Cpu),
        ("bytes", Figure::Bytes),
        ("memory", Figure::Memory),
        ("failed", Figure::Failed),
    ];

    pub(crate) fn parse(name: &str) -> Result<Figure, ConditionError> {
        let of_messages = name.strip_prefix(ROUND_TRIP).and_then(At::named);
        let mut others = Figure::OTHERS.into_iter();
        let found = of_messages
            .map(Figure::RoundTrip)
            .or_else(|| At::named(name).map(Figure::Latency))
            .or_else(|| others.find(|(known, _)| *known == name).map(|of| of.1));
        found.ok_or_else(|| ConditionError::Figure {
            name: name.to_owned(),
        })
    }

    /// Milliseconds of a distribution, of requests or of messages as the figure is;
    /// none for what is no time.
    pub(crate) fn of_latency(self, latency: Latency) -> Option<f64> {
        match self {
            Figure::Latency(at) | Figure::RoundTrip(at) => Some(at.of(latency)),
            _ => None,
        }
    }

    /// The share of requests that a latency says nothing of: with more failures
    /// than that it is not known, since a failure is slower than any limit.
    pub(crate) fn failures_max(self) -> f64 {
        match self {
            Figure::Latency(at) | Figure::RoundTrip(at) => at.left_out(),
            _ => 0.0,
        }
    }

    pub(crate) fn is_latency(self) -> bool {
        matches!(self, Figure::Latency(_) | Figure::RoundTrip(_))
    }

    pub(crate) fn is_round_trip(self) -> bool {
        matches!(self, Figure::RoundTrip(_))
    }

    /// The units that fit, the one of the base value first, with what one of it is
    /// worth in that; the empty one may be left out.
    fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Figure::RequestsPerSecond => &[("/s", 1.0), ("", 1.0)],
            Figure::Cpu => &[("us", 1.0), ("ms", 1e3), ("s", 1e6), ("", 1.0)],
            Figure::Bytes => &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("", 1.0)],
            Figure::Memory => &[
                ("MiB", 1.0),
                ("B", 1.0 / 1_048_576.0),
                ("KiB", 1.0 / 1024.0),
                ("GiB", 1024.0),
            ],
            Figure::Failed => &[("%", 0.01), ("", 1.0)],
            Figure::Latency(_) | Figure::RoundTrip(_) => &[("ms", 1.0), ("us", 1e-3), ("s", 1e3)],
        }
    }

    /// A base value as readers write it.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Figure::RequestsPerSecond => format!("{}/s", crate::rate(value)),
            Figure::Cpu => format!("{} us", crate::figures::plain(value)),
            Figure::Bytes => crate::bytes(value),
            Figure::Memory => crate::bytes(value * 1_048_576.0),
            Figure::Failed => crate::figures::percent(value),
            Figure::Latency(_) | Figure::RoundTrip(_) => crate::milliseconds(value),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::Latency(at) => f.write_str(at.name()),
            Figure::RoundTrip(at) => write!(f, "{ROUND_TRIP}{}", at.name()),
            other => {
                let mut others = Figure::OTHERS.iter();
                let found = others.find(|(_, figure)| figure == other);
                f.write_str(found.map_or("", |(name, _)| name))
            }
        }
    }
}

/// How a figure stands to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Operator {
    /// Two signs before one.
    const ALL: [(&'static str, Operator); 4] = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        (">", Operator::Above),
        ("<", Operator::Below),
    ];

    pub(crate) fn holds(self, figure: f64, value: f64) -> bool {
        match self {
            Operator::Above => figure > value,
            Operator::AtLeast => figure >= value,
            Operator::Below => figure < value,
            Operator::AtMost => figure <= value,
        }
    }

    /// It is met by large figures.
    pub(crate) fn is_upward(self) -> bool {
        matches!(self, Operator::Above | Operator::AtLeast)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Operator::ALL.iter();
        let found = all.find(|(_, operator)| operator == self);
        f.write_str(found.map_or("", |(sign, _)| sign))
    }
}

/// A value as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantity {
    number: f64,
    unit: &'static str,
    /// What one of the unit is worth in the figure's base unit: milliseconds,
    /// microseconds of CPU, bytes, MiB of memory, a share.
    worth: f64,
}

impl Quantity {
    /// Of `figure`.
    fn parse(text: &str, figure: Figure) -> Result<Quantity, ConditionError> {
        let (number, unit) = split(text)?;
        let mut units = figure.units().iter();
        let found = units.find(|(known, _)| *known == unit);
        let (unit, worth) = *found.ok_or_else(|| ConditionError::Unit {
            text: text.to_owned(),
            figure: figure.to_string(),
            units: {
                let units = figure.units().iter().map(|(unit, _)| *unit);
                let units: Vec<&str> = units.filter(|unit| !unit.is_empty()).collect();
                units.join(", ")
            },
        })?;
        Ok(Quantity {
            number,
            unit,
            worth,
        })
    }

    /// A plain factor, such as that of a ratio.
    fn parse_factor(text: &str) -> Result<Quantity, ConditionError> {
        let (number, unit) = split(text)?;
        if !matches!(unit, "" | "x") {
            return Err(ConditionError::Factor {
                text: text.to_owned(),
            });
        }
        Ok(Quantity {
            number,
            unit: "",
            worth: 1.0,
        })
    }

    /// In the figure's base unit.
    pub(crate) fn value(&self) -> f64 {
        self.number * self.worth
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.unit)
    }
}

/// Number and unit.
fn split(text: &str) -> Result<(f64, &str), ConditionError> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    let number = text[..end]
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite());
    let number = number.ok_or_else(|| ConditionError::Number {
        text: text.to_owned(),
    })?;
    Ok((number, text[end..].trim_start()))
}

/// Operator and value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) quantity: Quantity,
}

/// A text parted at its operator, both sides trimmed.
pub(crate) struct Parted<'a> {
    pub(crate) subject: &'a str,
    operator: Operator,
    value: &'a str,
}

impl<'a> Parted<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Parted<'a>, ConditionError> {
        let at = text.find(['<', '>']).ok_or(ConditionError::Operator)?;
        let mut signs = Operator::ALL.into_iter();
        let (sign, operator) = signs
            .find(|(sign, _)| text[at..].starts_with(sign))
            .ok_or(ConditionError::Operator)?;
        Ok(Parted {
            subject: text[..at].trim(),
            operator,
            value: text[at + sign.len()..].trim(),
        })
    }

    /// The condition on `figure`.
    pub(crate) fn condition(&self, figure: Figure) -> Result<Condition, ConditionError> {
        let condition = Condition {
            operator: self.operator,
            quantity: Quantity::parse(self.value, figure)?,
        };
        match figure == Figure::Failed && condition.is_no_share() {
            false => Ok(condition),
            true => Err(ConditionError::Share {
                text: self.value.to_owned(),
            }),
        }
    }

    /// The condition on a ratio.
    pub(crate) fn factor(&self) -> Result<Condition, ConditionError> {
        Ok(Condition {
            operator: self.operator,
            quantity: Quantity::parse_factor(self.value)?,
        })
    }
}

impl Condition {
    pub(crate) fn holds(&self, figure: f64) -> bool {
        self.operator.holds(figure, self.quantity.value())
    }

    /// What nothing can be above, and a bare 1, which may be meant as 1%.
    fn is_no_share(&self) -> bool {
        let value = self.quantity.value();
        let is_bare = self.quantity.unit.is_empty();
        value > 1.0 || (value == 1.0 && (is_bare || self.operator == Operator::Above))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operator, self.quantity)
    }
}

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// No operator.
    #[error("it has no operator; write >, >=, < or <= before the value, as in p99 > 20ms")]
    Operator,
    /// The figure is not known.
    #[error(
        "{name:?} is no figure; choose mean, p50, p90, p95, p99, p999, max, rps, cpu, bytes, \
         memory or failed, or of messages one of the first seven after round-trip-, such as \
         round-trip-p99"
    )]
    Figure {
        /// As written.
        name: String,
    },
    /// The value is no number.
    #[error("{text:?} is no number with a unit; write one such as 20ms")]
    Number {
        /// As written.
        text: String,
    },
    /// The unit does not fit.
    #[error("{text:?}: {figure} has one of these units: {units}")]
    Unit {
        /// As written.
        text: String,
        /// The figure.
        figure: String,
        /// Those that fit.
        units: String,
    },
    /// More than everything.
    #[error(
        "{text:?}: at most 100% can fail; write a percentage such as 1%, or a share below 1 such \
         as 0.01"
    )]
    Share {
        /// As written.
        text: String,
    },
    /// A ratio has no unit.
    #[error("{text:?}: a ratio has no unit; write a factor such as 1.2")]
    Factor {
        /// As written.
        text: String,
    },
}
