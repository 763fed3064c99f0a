//! What a plan would do, for `--dry-run`: targets, loads, order, duration, and
//! the whole experiment as a file. Pure.

use std::fmt::Write as _;

use results::LoadPoint;

use crate::plan::Plan;

impl Plan {
    /// The plan in words.
    #[must_use]
    pub fn preview(&self) -> String {
        let experiment = &self.experiment;
        let steps = self.steps();
        let mut out = format!("{}\n\n", experiment.title);
        let mut line = |name: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<14}{text}");
        };
        let names = |all: Vec<String>| all.join(", ");
        line(
            "targets",
            names(
                self.targets
                    .iter()
                    .map(|target| target.name.clone())
                    .collect(),
            ),
        );
        line(
            "loads",
            names(self.loads.iter().map(LoadPoint::to_string).collect()),
        );
        line("repetitions", experiment.repetitions.to_string());
        line(
            "each block",
            format!(
                "{} after {} of warm-up",
                humantime::format_duration(experiment.duration),
                humantime::format_duration(experiment.warm_up)
            ),
        );
        line("blocks", self.blocks().to_string());
        line("seed", self.seed().to_string());
        line("duration", self.duration_text(self.blocks()));
        let first = steps.iter().take_while(|step| step.repetition == 1);
        let order = first.map(|step| {
            format!(
                "{} {}",
                self.loads[step.load], self.targets[step.target].name
            )
        });
        line("first blocks", names(order.collect()));
        if let Ok(toml) = experiment.to_toml() {
            let _ = write!(out, "\nAs a file:\n\n{toml}");
        }
        out
    }

    fn duration_text(&self, blocks: usize) -> String {
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        let load = self.block_length().saturating_mul(blocks);
        let load = humantime::format_duration(std::time::Duration::from_secs(load.as_secs()));
        match self.loads.contains(&LoadPoint::Search) {
            true => format!("{load} for each step of the searches, which often take 10 to 20"),
            false => format!("at least {load}, and the time of the last answers of each block"),
        }
    }
}
