//! When the iterations of an open loop are due: absolute times that depend on the
//! rate and the seed alone, never on how the target does. In: a rate, a start;
//! out: one due time after the other, without end. It is a cursor: arrivals that
//! wait for a worker take no memory.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::shape::Arrivals;

/// Sets the random numbers of arrivals apart from those of templates, which use
/// the same seed and the thread's number as their stream.
const STREAM: u64 = 1 << 63;

/// Which part of a load a generator thread has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) thread: u32,
    pub(crate) threads: u32,
}

impl Share {
    /// Which of `count` things are the thread's: they are dealt out in turn.
    pub(crate) fn indices(self, count: u32) -> impl Iterator<Item = u32> {
        (self.thread..count).step_by(self.threads as usize)
    }
}

/// The arrivals of one thread, in order. Constant arrivals are dealt to the
/// threads in turn; Poisson threads have a process each, of a part of the rate,
/// and together these are one of the whole rate.
#[derive(Debug)]
pub(crate) struct Schedule {
    start: Instant,
    rate_per_second: f64,
    share: Share,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Constant {
        index: u64,
    },
    Poisson {
        offset: Duration,
        random: Box<ChaCha8Rng>,
    },
}

impl Schedule {
    /// A schedule from `start`, the first constant arrival being there; the rate,
    /// of all threads, must be above zero.
    pub(crate) fn new(
        arrivals: Arrivals,
        start: Instant,
        rate_per_second: f64,
        share: Share,
        seed: u64,
    ) -> Self {
        let next = match arrivals {
            Arrivals::Constant => Next::Constant {
                index: u64::from(share.thread),
            },
            Arrivals::Poisson => {
                let mut random = Box::new(ChaCha8Rng::seed_from_u64(seed));
                random.set_stream(STREAM | u64::from(share.thread));
                Next::Poisson {
                    offset: Duration::ZERO,
                    random,
                }
            }
        };
        Schedule {
            start,
            rate_per_second,
            share,
            next,
        }
    }

    /// The next due time; none when it is beyond what a clock can say.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        let offset = match &mut self.next {
            Next::Constant { index } => {
                let seconds = *index as f64 / self.rate_per_second;
                *index += u64::from(self.share.threads);
                Duration::try_from_secs_f64(seconds).ok()?
            }
            Next::Poisson { offset, random } => {
                let rate = self.rate_per_second / f64::from(self.share.threads);
                // In (0, 1], of which the logarithm exists.
                let uniform = 1.0 - random.random::<f64>();
                let gap = Duration::try_from_secs_f64(-uniform.ln() / rate).ok()?;
                *offset = offset.checked_add(gap)?;
                *offset
            }
        };
        self.start.checked_add(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(arrivals: Arrivals, rate: f64, share: Share, count: usize) -> Vec<Duration> {
        let start = Instant::now();
        let mut schedule = Schedule::new(arrivals, start, rate, share, 7);
        (0..count)
            .map(|_| schedule.next().expect("not so far") - start)
            .collect()
    }

    const ALONE: Share = Share {
        thread: 0,
        threads: 1,
    };

    #[test]
    fn constant_arrivals_are_exact_however_many() {
        let offsets = offsets(Arrivals::Constant, 3.0, ALONE, 3_000_001);
        assert_eq!(offsets[0], Duration::ZERO);
        assert_eq!(offsets[1], Duration::from_nanos(333_333_333));
        assert_eq!(offsets[2], Duration::from_nanos(666_666_667));
        for second in [1, 1_000, 1_000_000] {
            assert_eq!(offsets[second * 3], Duration::from_secs(second as u64));
        }
    }

    #[test]
    fn threads_take_turns_at_constant_arrivals() {
        let mut all: Vec<_> = (0..3)
            .flat_map(|thread| {
                let share = Share { thread, threads: 3 };
                offsets(Arrivals::Constant, 1_000.0, share, 100)
            })
            .collect();
        all.sort_unstable();
        let expected: Vec<_> = (0..300).map(Duration::from_millis).collect();
        assert_eq!(all, expected);
    }

    /// Mean and standard deviation of the gaps, in seconds.
    fn gaps(offsets: &[Duration]) -> (f64, f64) {
        let gaps: Vec<f64> = offsets
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let squares = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>();
        (mean, (squares / gaps.len() as f64).sqrt())
    }

    #[test]
    fn poisson_gaps_are_exponential_on_each_thread_and_all_together() {
        // With 100,000 gaps of a pinned seed, 2% is six standard errors of the
        // mean and four of the deviation.
        let near = |found: f64, expected: f64| {
            assert!(
                (found / expected - 1.0).abs() < 0.02,
                "{found}, not {expected}"
            );
        };
        let mut all = Vec::new();
        for thread in 0..4 {
            let share = Share { thread, threads: 4 };
            let offsets = offsets(Arrivals::Poisson, 2_000.0, share, 100_000);
            let (mean, deviation) = gaps(&offsets);
            near(mean, 4.0 / 2_000.0);
            near(deviation, 4.0 / 2_000.0);
            all.extend(offsets);
        }
        // Up to where the shortest thread ends.
        all.sort_unstable();
        let (mean, deviation) = gaps(&all[..380_000]);
        near(mean, 1.0 / 2_000.0);
        near(deviation, 1.0 / 2_000.0);
        // What tells it from other processes of this mean and deviation: the
        // number in an interval varies as much as it is large.
        let mut counts = vec![0.0_f64; 180];
        for offset in &all {
            if let Some(count) = counts.get_mut(offset.as_secs() as usize) {
                *count += 1.0;
            }
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let squares = counts.iter().map(|count| (count - mean).powi(2));
        let dispersion = squares.sum::<f64>() / counts.len() as f64 / mean;
        assert!((0.7..1.3).contains(&dispersion), "{dispersion}");
    }

    #[test]
    fn the_seed_and_the_thread_decide_and_nothing_else() {
        let other = Share {
            thread: 1,
            threads: 1,
        };
        let first = offsets(Arrivals::Poisson, 10.0, ALONE, 50);
        assert_eq!(first, offsets(Arrivals::Poisson, 10.0, ALONE, 50));
        assert_ne!(first, offsets(Arrivals::Poisson, 10.0, other, 50));
    }

    #[test]
    fn a_rate_close_to_nothing_has_no_second_arrival() {
        let start = Instant::now();
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let mut schedule = Schedule::new(arrivals, start, 1e-300, ALONE, 7);
            let _ = schedule.next();
            assert_eq!(schedule.next(), None, "{arrivals:?}");
        }
    }
}
