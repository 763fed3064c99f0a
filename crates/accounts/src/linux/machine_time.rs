//! The whole machine. In: `/proc/stat` and `/proc/pressure/cpu` at two moments;
//! out: shares of the time between them.

use std::{fs, time::Instant};

use procfs::{CpuTime, CurrentSI, KernelStats};

use crate::cost::MachineLoad;

/// What all processors have done since the machine started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineTime {
    at: Instant,
    /// In ticks, as are the next two.
    busy: u64,
    idle: u64,
    steal: u64,
    /// Microseconds in which a runnable thread waited.
    stalled: Option<u64>,
}

impl MachineTime {
    pub(crate) fn now() -> Option<MachineTime> {
        let CpuTime {
            user,
            nice,
            system,
            idle,
            iowait,
            irq,
            softirq,
            steal,
            ..
        } = KernelStats::current().ok()?.total;
        let pressure = fs::read_to_string("/proc/pressure/cpu").ok();
        Some(MachineTime {
            at: Instant::now(),
            busy: user + nice + system + irq.unwrap_or(0) + softirq.unwrap_or(0),
            idle: idle + iowait.unwrap_or(0),
            steal: steal.unwrap_or(0),
            stalled: pressure.as_deref().and_then(some_total),
        })
    }

    pub(crate) fn until(&self, later: &MachineTime) -> Option<MachineLoad> {
        let busy = later.busy.saturating_sub(self.busy) as f64;
        let idle = later.idle.saturating_sub(self.idle) as f64;
        let steal = later.steal.saturating_sub(self.steal) as f64;
        let all = busy + idle + steal;
        (all > 0.0).then(|| MachineLoad {
            busy: busy / all,
            steal: steal / all,
            pressure: self.pressure_until(later),
        })
    }

    fn pressure_until(&self, later: &MachineTime) -> Option<f64> {
        let stalled = later.stalled?.saturating_sub(self.stalled?) as f64 / 1e6;
        let passed = later.at.saturating_duration_since(self.at).as_secs_f64();
        (passed > 0.0).then(|| (stalled / passed).min(1.0))
    }
}

/// The total of the line `some`, in microseconds. The line `full` is missing for
/// processors on kernels before 5.13, so it is not asked for.
fn some_total(pressure: &str) -> Option<u64> {
    let mut lines = pressure.lines().map(str::split_ascii_whitespace);
    let mut some = lines.find_map(|mut words| (words.next() == Some("some")).then_some(words))?;
    some.find_map(|word| word.strip_prefix("total="))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_total_of_the_line_some_is_found() {
        let check = |text: &str, expected| assert_eq!(some_total(text), expected, "{text:?}");
        check(
            "some avg10=1.20 avg60=0.51 avg300=2.97 total=3123048615\n\
             full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
            Some(3_123_048_615),
        );
        check("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", Some(0));
        check("full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", None);
        check("some avg10=0.00 total=-1\n", None);
        check("some\n", None);
        check("", None);
    }

    #[test]
    fn shares_are_of_the_time_between() {
        let at = Instant::now();
        let first = MachineTime {
            at,
            busy: 100,
            idle: 1000,
            steal: 10,
            stalled: Some(1_000_000),
        };
        let second = MachineTime {
            at: at + Duration::from_secs(2),
            busy: 150,
            idle: 1040,
            steal: 20,
            stalled: Some(1_500_000),
        };
        let load = first.until(&second).expect("time passed");
        assert_eq!((load.busy, load.steal), (0.5, 0.1));
        assert_eq!(load.pressure, Some(0.25));
        assert_eq!(first.until(&first), None);
        let without = MachineTime {
            stalled: None,
            ..second
        };
        let load = first.until(&without).expect("time passed");
        assert_eq!(load.pressure, None);
    }

    proptest! {
        #[test]
        fn any_total_is_read(total: u64, average in 0.0f64..100.0) {
            let line = format!("some avg10={average:.2} avg60=0.00 avg300=0.00 total={total}\n");
            prop_assert_eq!(some_total(&line), Some(total));
        }

        #[test]
        fn any_text_is_survived(text in "(some|full|total=|[ -~]|\n){0,60}") {
            let _ = some_total(&text);
        }
    }
}
