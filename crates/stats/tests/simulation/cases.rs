//! Kinds of noise. Each draws the logarithms of noise for the runs of both systems
//! in all blocks, 3% in a run if nothing else is said.

use std::ops::RangeInclusive;

use super::{Source, TRUE_RATIO};

/// What a 95% interval is to cover.
pub(crate) const NOMINAL: RangeInclusive<f64> = 0.93..=0.97;

/// One kind of noise.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What the t interval covers at five blocks: [`NOMINAL`] where it holds.
    pub(crate) at_five_blocks: RangeInclusive<f64>,
    draw: fn(&mut Source, usize) -> Noise,
}

/// Logarithms, of the base's runs and of the other's.
type Noise = (Vec<f64>, Vec<f64>);

impl Case {
    /// Measured values of both systems.
    pub(crate) fn experiment(&self, source: &mut Source, blocks: usize) -> Noise {
        let (base, other) = (self.draw)(source, blocks);
        let values = |level: f64, logs: Vec<f64>| logs.iter().map(|l| level * l.exp()).collect();
        (values(100.0, base), values(100.0 * TRUE_RATIO, other))
    }
}

pub(crate) fn named(name: &str) -> &'static Case {
    CASES
        .iter()
        .find(|case| case.name == name)
        .expect("a case of this name")
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "normal, alike",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.normal(), |s| 0.03 * s.normal()),
    },
    Case {
        name: "normal, 3% and 9%",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.normal(), |s| 0.09 * s.normal()),
    },
    Case {
        name: "gamma (skewness 1.4), alike",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(2), |s| 0.03 * s.gamma(2)),
    },
    Case {
        name: "exponential (skewness 2), alike",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(1), |s| 0.03 * s.gamma(1)),
    },
    Case {
        name: "blocks vary by 30%, runs by 3%",
        at_five_blocks: NOMINAL,
        draw: |s, n| {
            let blocks: Vec<f64> = (0..n).map(|_| 0.3 * s.normal()).collect();
            let mut runs = || blocks.iter().map(|b| b + 0.03 * s.normal()).collect();
            (runs(), runs())
        },
    },
    Case {
        name: "each run remembers 0.8 of the one before",
        at_five_blocks: NOMINAL,
        draw: |s, n| in_drawn_order(remembering(s, n), s),
    },
    Case {
        name: "each run remembers 0.8 of the one before, order balanced",
        at_five_blocks: NOMINAL,
        draw: |s, n| in_balanced_order(remembering(s, n), s),
    },
    Case {
        name: "slower by 3% each run, noise 1%",
        at_five_blocks: 0.92..=0.94,
        draw: |s, n| in_drawn_order(slowing(s, n), s),
    },
    Case {
        name: "slower by 3% each run, noise 1%, order balanced",
        at_five_blocks: 0.97..=1.0,
        draw: |s, n| in_balanced_order(slowing(s, n), s),
    },
    Case {
        name: "exponential and normal",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(1), |s| 0.03 * s.normal()),
    },
    Case {
        name: "gamma, 3% and 6%",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(2), |s| 0.06 * s.gamma(2)),
    },
    Case {
        name: "exponential, 3% and 6%",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(1), |s| 0.06 * s.gamma(1)),
    },
    Case {
        name: "one run in ten 30% up on one side; ratio of the undisturbed",
        at_five_blocks: NOMINAL,
        draw: |s, n| each(s, n, |s| 0.03 * s.normal(), |s| 0.03 * s.normal() + hit(s)),
    },
    Case {
        name: "one run in ten 30% up on either side",
        at_five_blocks: 0.97..=0.985,
        draw: |s, n| {
            let run = |s: &mut Source| 0.03 * s.normal() + hit(s);
            each(s, n, run, run)
        },
    },
    Case {
        name: "log-normal in the logarithm (skewness 6.2), alike",
        at_five_blocks: 0.97..=0.985,
        draw: |s, n| {
            let run = |s: &mut Source| 0.02 * s.normal().exp();
            each(s, n, run, run)
        },
    },
    Case {
        name: "gamma on one side, none on the other",
        at_five_blocks: 0.905..=0.93,
        draw: |s, n| each(s, n, |_| 0.0, |s| 0.03 * s.gamma(2)),
    },
    Case {
        name: "exponential, 3% and 9%",
        at_five_blocks: 0.90..=0.93,
        draw: |s, n| each(s, n, |s| 0.03 * s.gamma(1), |s| 0.09 * s.gamma(1)),
    },
    Case {
        name: "exponential on one side, none on the other",
        at_five_blocks: 0.87..=0.90,
        draw: |s, n| each(s, n, |_| 0.0, |s| 0.03 * s.gamma(1)),
    },
    Case {
        name: "one run in ten 30% up on one side; ratio of the means",
        at_five_blocks: 0.87..=0.90,
        draw: |s, n| {
            let mean = 0.1 * 1.3_f64.ln();
            let run = |s: &mut Source| 0.03 * s.normal() + hit(s) - mean;
            each(s, n, |s| 0.03 * s.normal(), run)
        },
    },
];

/// Independent runs.
fn each(
    source: &mut Source,
    blocks: usize,
    base: fn(&mut Source) -> f64,
    other: impl Fn(&mut Source) -> f64,
) -> Noise {
    (0..blocks).map(|_| (base(source), other(source))).unzip()
}

/// Something else on the machine, in one run of ten.
fn hit(source: &mut Source) -> f64 {
    if source.uniform() < 0.1 {
        1.3_f64.ln()
    } else {
        0.0
    }
}

/// Two runs a block: what slows one run has mostly not gone at the next.
fn remembering(source: &mut Source, blocks: usize) -> Vec<f64> {
    let mut state = 0.03 * source.normal();
    let runs = (0..2 * blocks).map(|_| {
        state = 0.8 * state + 0.6 * 0.03 * source.normal();
        state
    });
    runs.collect()
}

/// Two runs a block, each 3% slower than the one before.
fn slowing(source: &mut Source, blocks: usize) -> Vec<f64> {
    let run = |run| 0.03 * run as f64 + 0.01 * source.normal();
    (0..2 * blocks).map(run).collect()
}

/// A coin for each block says which run is the base's, as `order::shuffled` does.
fn in_drawn_order(runs: Vec<f64>, source: &mut Source) -> Noise {
    let blocks = runs.chunks_exact(2);
    blocks.map(|pair| dealt(pair, source.coin())).unzip()
}

/// A coin for every other block, as `order::balanced` does.
fn in_balanced_order(runs: Vec<f64>, source: &mut Source) -> Noise {
    let mut base_first = false;
    let block = |(block, pair): (usize, &[f64])| {
        base_first = if block % 2 == 0 {
            source.coin()
        } else {
            !base_first
        };
        dealt(pair, base_first)
    };
    runs.chunks_exact(2).enumerate().map(block).unzip()
}

fn dealt(pair: &[f64], base_first: bool) -> (f64, f64) {
    if base_first {
        (pair[0], pair[1])
    } else {
        (pair[1], pair[0])
    }
}
