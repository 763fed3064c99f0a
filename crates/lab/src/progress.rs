//! What is shown on standard error while a run goes on: one line that changes on
//! a terminal, one line at the start and end of each block elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use tokio::time::{sleep, sleep_until};

use crate::{
    load::Generator,
    plan::{Plan, Step},
    report,
    summary::Row,
};

const EVERY: Duration = Duration::from_millis(250);

/// Where the run stands.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    blocks: usize,
    /// The present one, from 1.
    block: usize,
    block_length: Duration,
    label: String,
}

impl Progress {
    pub(crate) fn new(plan: &Plan, steps: &[Step]) -> Progress {
        Progress {
            terminal: io::stderr().is_terminal(),
            blocks: steps.len(),
            block: 0,
            block_length: plan.warm_up + plan.duration,
            label: String::new(),
        }
    }

    pub(crate) fn begin(&mut self, step: Step, chain: &str) {
        self.block += 1;
        self.label = format!(
            "[{}/{}] {} users, {chain}",
            self.block, self.blocks, step.users
        );
        if !self.terminal {
            self.line(&format!(
                "{}: started, {} s with the warm-up",
                self.label,
                self.block_length.as_secs_f64()
            ));
        }
    }

    /// Waits until `until`, showing how the load does meanwhile.
    pub(crate) async fn until(&self, until: Instant, generator: &Generator) {
        let window = generator.window();
        loop {
            let now = Instant::now();
            if now >= until {
                return;
            }
            let text = match now.checked_duration_since(window.start) {
                None => "warming up".to_owned(),
                Some(elapsed) => {
                    let (done, failed) = generator.so_far();
                    let rate = done as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
                    format!(
                        "{:.1} of {} s, {} req/s, {failed} failed",
                        elapsed.as_secs_f64(),
                        window.length().as_secs_f64(),
                        report::rate(rate)
                    )
                }
            };
            let left = window.end.saturating_duration_since(now)
                + self.block_length * (self.blocks - self.block) as u32;
            self.update(&format!("{text}, about {} s left", left.as_secs()));
            sleep_until(until.min(now + EVERY).into()).await;
        }
    }

    /// Waits for the last answers, and says so when that takes long.
    pub(crate) async fn wait_for<T>(&self, last_answers: impl Future<Output = T>) -> T {
        let mut last_answers = std::pin::pin!(last_answers);
        tokio::select! {
            done = &mut last_answers => return done,
            () = sleep(EVERY) => self.update("window over, waiting for the last answers"),
        }
        last_answers.await
    }

    pub(crate) fn end(&self, row: &Row) {
        let latency = row.latency_ms.map_or(String::new(), |latency| {
            format!(
                ", mean {}, p99 {}",
                report::milliseconds(latency.mean),
                report::milliseconds(latency.p99)
            )
        });
        let stalled = match row.users_stalled {
            0 => String::new(),
            stalled => format!(", {stalled} of {} users stalled", row.users),
        };
        self.line(&format!(
            "{}: {} req/s{latency}, {} failed{stalled}",
            self.label,
            report::rate(row.requests_per_second),
            row.failures.total
        ));
    }

    /// Shown until the next text takes its place, on a terminal alone.
    fn update(&self, text: &str) {
        if self.terminal {
            // Back to the line's start, text, rest of the line cleared.
            self.write(&format!("\r{}: {text}\x1b[K", self.label));
        }
    }

    fn line(&self, text: &str) {
        let start = if self.terminal { "\r" } else { "" };
        let clear = if self.terminal { "\x1b[K" } else { "" };
        self.write(&format!("{start}{text}{clear}\n"));
    }

    /// A closed standard error must not end the run.
    fn write(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }
}

/// Says something outside of any block.
pub(crate) fn say(text: &str) {
    // A closed standard error must not end the run.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

impl Drop for Progress {
    /// Leaves the terminal on a fresh line when a run ends inside a block.
    fn drop(&mut self) {
        if self.terminal && self.block > 0 {
            self.write("\r\x1b[K");
        }
    }
}
