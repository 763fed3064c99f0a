//! What is shown on standard error while a run goes on: on a terminal a live
//! view of rate, percentiles, failures and processors; elsewhere a line at the
//! start and the end of each block; nothing when asked for quiet.

use std::{fmt::Write as _, time::Duration};

use accounts::Glance;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use load::{Generator, LatestInterval};
use results::Block;

use crate::{plan::Plan, schedule::Step, target::Target};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// A view that changes in place; for terminals.
    Live,
    /// Lines.
    Lines,
    /// Nothing but warnings.
    Quiet,
}

/// Where the run stands.
#[derive(Debug)]
pub(crate) struct Progress {
    show: Show,
    bar: ProgressBar,
    blocks: usize,
    block_length: Duration,
    label: String,
}

impl Progress {
    pub(crate) fn new(plan: &Plan, blocks: usize, show: Show) -> Progress {
        let bar = ProgressBar::with_draw_target(
            Some(blocks as u64),
            match show {
                Show::Live => ProgressDrawTarget::stderr(),
                Show::Lines | Show::Quiet => ProgressDrawTarget::hidden(),
            },
        );
        let style = ProgressStyle::with_template(
            "{bar:32} block {pos} of {len}, {elapsed} gone, {prefix} left\n{msg}",
        );
        // The template is constant: one that is wrong leaves the usual bar.
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress {
            show,
            bar,
            blocks,
            block_length: plan.block_length(),
            label: String::new(),
        }
    }

    /// A block begins; `done` are complete.
    pub(crate) fn begin(&mut self, plan: &Plan, step: Step, done: usize) {
        let experiment = &plan.experiment;
        self.label = format!(
            "{}, {}, repetition {} of {}",
            plan.loads[step.load],
            plan.targets[step.target].name,
            step.repetition,
            experiment.repetitions
        );
        self.bar.set_position(done as u64);
        let left = self.left(done);
        self.bar
            .set_prefix(humantime::format_duration(left).to_string());
        if self.show == Show::Lines {
            eprintln!("[{}/{}] {}: started", done + 1, self.blocks, self.label);
        }
    }

    pub(crate) fn warming_up(&self) {
        self.say_now("warming up");
    }

    pub(crate) fn finishing(&self) {
        self.say_now("waiting for the last answers");
    }

    /// The load as it does now.
    pub(crate) fn show(&self, target: &Target, generator: &Generator, glances: &[Glance]) {
        if self.show != Show::Live {
            return;
        }
        let so_far = generator.so_far();
        let elapsed = generator.window().start.elapsed().as_secs_f64();
        let rate = so_far.completed as f64 / elapsed.max(f64::EPSILON);
        let mut text = format!("{rate:.0} req/s");
        if let Some(LatestInterval { p50, p99 }) = so_far.latest {
            let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
            // Writing to a string cannot fail.
            let _ = write!(text, ", p50 {:.1} ms, p99 {:.1} ms", ms(p50), ms(p99));
        }
        let _ = write!(text, ", {} failed", so_far.failed);
        if let Some(cpus) = processors_used(target, glances) {
            let _ = write!(text, "\n  processors: {cpus}");
        }
        self.say_now(&text);
    }

    /// A block is complete.
    pub(crate) fn end(&self, block: &Block, done: usize) {
        self.bar.set_position(done as u64);
        if self.show == Show::Lines {
            let latency = block.latency.map_or(String::new(), |latency| {
                format!(
                    ", p50 {:.2} ms, p99 {:.2} ms",
                    latency.p50_ms, latency.p99_ms
                )
            });
            eprintln!(
                "[{done}/{}] {}: {:.1} req/s{latency}, {} failed",
                self.blocks, self.label, block.requests_per_second, block.failures.total
            );
        }
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        match self.show {
            Show::Live => self.bar.println(line),
            Show::Lines => eprintln!("{line}"),
            Show::Quiet => {}
        }
    }

    /// A line that stays, however quiet the run is.
    pub(crate) fn warn(&self, line: &str) {
        self.bar.suspend(|| eprintln!("warning: {line}"));
    }

    /// The view goes away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn say_now(&self, text: &str) {
        self.bar.set_message(format!("{}: {text}", self.label));
    }

    /// Without what starting the system and writing results take.
    fn left(&self, done: usize) -> Duration {
        let blocks = u32::try_from(self.blocks.saturating_sub(done)).unwrap_or(u32::MAX);
        Duration::from_secs((self.block_length * blocks).as_secs())
    }
}

/// Processors that each role used from the glance before the last to the last.
fn processors_used(target: &Target, glances: &[Glance]) -> Option<String> {
    let [.., before, after] = glances else {
        return None;
    };
    let elapsed = after.at.checked_duration_since(before.at)?;
    let roles = target
        .accounts
        .roles()
        .zip(before.roles.iter().zip(&after.roles));
    let parts = roles.filter_map(|(role, (before, after))| {
        let used = after.cpu?.saturating_sub(before.cpu?);
        Some(format!("{role} {:.2}", used.div_duration_f64(elapsed)))
    });
    Some(parts.collect::<Vec<_>>().join(", "))
}
