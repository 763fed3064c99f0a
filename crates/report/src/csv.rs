//! The run as CSV: a line a block, a line a cell, a line a contrast. Every figure
//! has a column of its own with its unit in the name, those of a route or a role
//! after its name; a figure that is not known is empty. Names are restricted by a
//! plan to letters, digits, `-` and `_`; what holds a comma or a quote all the
//! same, in a record from elsewhere, is quoted as in RFC 4180.

use accounts::Cost;
use results::{Block, Latency, LoadPoint, Messages, Route, Run};

use crate::{
    Digest, Metric, Outcome,
    component::{bytes_received, bytes_sent, switches},
    warnings::mark_names,
};

type Column = (&'static str, fn(Latency) -> f64);

/// Of a distribution, after what it is of.
const LATENCY: [Column; 8] = [
    ("count", |latency| latency.count as f64),
    ("mean_ms", |latency| latency.mean_ms),
    ("p50_ms", |latency| latency.p50_ms),
    ("p90_ms", |latency| latency.p90_ms),
    ("p95_ms", |latency| latency.p95_ms),
    ("p99_ms", |latency| latency.p99_ms),
    ("p999_ms", |latency| latency.p999_ms),
    ("max_ms", |latency| latency.max_ms),
];

/// Lines of named cells; the names of the first are the header.
#[derive(Default)]
struct Line(Vec<(String, String)>);

impl Line {
    fn add(&mut self, name: impl Into<String>, value: impl ToString) {
        self.0.push((name.into(), value.to_string()));
    }

    fn known(&mut self, name: impl Into<String>, value: Option<impl ToString>) {
        self.add(name, value.map_or(String::new(), |value| value.to_string()));
    }

    /// Infinite is not known: not every reader of CSV has a word for it.
    fn finite(&mut self, name: impl Into<String>, value: Option<f64>) {
        self.known(name, value.filter(|value| value.is_finite()));
    }

    fn marks(&mut self, name: &str, blocks: &[&Block]) {
        self.add(name, mark_names(blocks).join(" "));
    }

    fn latency(&mut self, of: &str, latency: Option<Latency>) {
        for (name, read) in LATENCY {
            self.known(format!("{of}{name}"), latency.map(read));
        }
    }

    fn load(&mut self, load: LoadPoint) {
        let users = match load {
            LoadPoint::Users(users) => Some(users),
            LoadPoint::Rate(_) | LoadPoint::Search => None,
        };
        let rate = match load {
            LoadPoint::Rate(rate) => Some(rate),
            LoadPoint::Users(_) | LoadPoint::Search => None,
        };
        let kind = match load {
            LoadPoint::Users(_) => "users",
            LoadPoint::Rate(_) => "rate",
            LoadPoint::Search => "search",
        };
        self.add("load", kind);
        self.known("users", users);
        self.known("rate_per_second", rate);
    }
}

fn csv(lines: impl IntoIterator<Item = Line>) -> String {
    let mut out = String::new();
    for line in lines {
        let quoted = line
            .0
            .iter()
            .map(|(name, cell)| (quoted(name), quoted(cell)));
        let (names, cells): (Vec<String>, Vec<String>) = quoted.unzip();
        if out.is_empty() {
            out = names.join(",") + "\n";
        }
        out += &(cells.join(",") + "\n");
    }
    out
}

/// As it is, unless a reader would take it for more than one cell.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// One line a block, with everything that `run.json` has of it but the steps of
/// searches and the generator's single threads. Empty without blocks.
pub fn blocks_csv(run: &Run) -> String {
    let routes = names(run, |block| {
        block.routes.iter().map(|of| of.route.as_str()).collect()
    });
    // Columns of their own, and only where there is something in them.
    let streaming = names(run, |block| {
        let streaming = block.routes.iter().filter(|of| of.messages.is_some());
        streaming.map(|of| of.route.as_str()).collect()
    });
    let roles = names(run, |block| {
        block.costs.iter().map(|of| of.role.as_str()).collect()
    });
    csv(run.blocks.iter().map(|block| {
        let mut line = Line::default();
        head(&mut line, block);
        for metric in [Metric::Cpu, Metric::Bytes, Metric::Memory, Metric::Switches] {
            line.known(metric.column(), metric.of(block));
        }
        line.latency("", block.latency);
        line.latency("uncorrected_", block.latency_uncorrected);
        for name in &routes {
            let of_name = block.routes.iter().find(|of| of.route == *name);
            route(&mut line, name, of_name);
            if streaming.contains(name) {
                messages(&mut line, name, of_name.and_then(|of| of.messages));
            }
        }
        for name in &roles {
            role(
                &mut line,
                name,
                block.costs.iter().find(|of| of.role == *name),
            );
        }
        circumstances(&mut line, block);
        line
    }))
}

/// The names that `of` finds in blocks, in their order.
fn names<'a>(run: &'a Run, of: fn(&'a Block) -> Vec<&'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in run.blocks.iter().flat_map(of) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn head(line: &mut Line, block: &Block) {
    let failures = block.failures;
    line.add("number", block.number);
    line.add("repetition", block.repetition);
    line.add("session", block.session);
    line.add("target", &block.target);
    line.load(block.load);
    line.add("window_start", &block.window_start);
    line.add("window_seconds", block.window_seconds);
    line.add("completed", block.completed);
    line.add("requests_per_second", block.requests_per_second);
    line.add("iterations", block.iterations);
    line.add("iterations_failed", block.iterations_failed);
    line.add("iterations_per_second", block.iterations_per_second);
    line.known("iteration_mean_ms", block.iteration_mean_ms);
    line.known("offered_per_second", block.offered_per_second);
    line.add("not_begun", block.not_begun);
    line.add("failed", failures.total);
    line.add("failed_connect", failures.connect);
    line.add("failed_closed", failures.closed);
    line.add("failed_timeout", failures.timeout);
    line.add("failed_status", failures.status);
    line.add("failed_malformed", failures.malformed);
    line.add("generator_failed_local_port", failures.local_port);
    line.add("generator_failed_unsent", failures.unsent);
    line.add("users_stalled", block.users_stalled);
    line.add("users_unserved", block.users_unserved);
    line.known("littles_law_users", block.littles_law_users);
}

fn route(line: &mut Line, name: &str, route: Option<&Route>) {
    line.latency(&format!("{name}_"), route.and_then(|of| of.latency));
    let uncorrected = route.and_then(|of| of.latency_uncorrected);
    line.latency(&format!("{name}_uncorrected_"), uncorrected);
    let stream = route.and_then(|of| of.stream);
    let first_message = stream.map(|of| of.first_message);
    line.latency(&format!("{name}_first_message_"), first_message);
    line.latency(&format!("{name}_gap_"), stream.and_then(|of| of.gap));
}

fn messages(line: &mut Line, name: &str, of: Option<Messages>) {
    let (sent, received) = of.map_or((None, None), |of| {
        (of.sent_per_second, of.received_per_second)
    });
    line.known(format!("{name}_messages_sent_per_second"), sent);
    line.known(format!("{name}_messages_received_per_second"), received);
    let round_trip = of.and_then(|of| of.round_trip);
    line.latency(&format!("{name}_round_trip_"), round_trip);
}

fn role(line: &mut Line, name: &str, cost: Option<&Cost>) {
    line.known(
        format!("{name}_cpu_seconds"),
        cost.and_then(|of| of.cpu_seconds),
    );
    line.known(
        format!("{name}_mean_bytes"),
        cost.and_then(|of| of.mean_bytes),
    );
    line.known(
        format!("{name}_peak_bytes"),
        cost.and_then(|of| of.peak_bytes),
    );
    line.known(
        format!("{name}_peak_since_start"),
        cost.map(|of| of.peak_since_start),
    );
    line.known(format!("{name}_context_switches"), cost.and_then(switches));
    line.known(format!("{name}_bytes_sent"), cost.and_then(bytes_sent));
    line.known(
        format!("{name}_bytes_received"),
        cost.and_then(bytes_received),
    );
}

fn circumstances(line: &mut Line, block: &Block) {
    let machine = block.machine;
    let busiest = block.generator.iter().filter_map(|thread| thread.busy);
    let latest = block.generator.iter().map(|thread| thread.lag_p99_ms);
    line.add("accounted_seconds", block.accounted_seconds);
    line.known("machine_busy", machine.map(|of| of.busy));
    line.known("machine_steal", machine.map(|of| of.steal));
    line.known("machine_pressure", machine.and_then(|of| of.pressure));
    line.known("connections_unseen", block.connections_unseen);
    line.known("generator_busy_max", busiest.max_by(f64::total_cmp));
    line.known("generator_lag_p99_ms_max", latest.max_by(f64::total_cmp));
    line.add("connections_opened", block.connections_opened);
    line.add("window_bytes_sent", block.generator_bytes_sent);
    line.add("window_bytes_received", block.generator_bytes_received);
    line.marks("marks", &[block]);
}

/// One line a cell: means over its repetitions with their intervals, percentiles
/// of all its requests. Empty without cells.
pub fn cells_csv(digest: &Digest<'_>) -> String {
    let mut routes: Vec<&str> = Vec::new();
    for route in digest.cells.iter().flat_map(|cell| &cell.routes) {
        if !routes.contains(&route.route) {
            routes.push(route.route);
        }
    }
    let streaming = |name: &str| {
        let mut all = digest.cells.iter().flat_map(|cell| &cell.routes);
        all.any(|of| of.route == name && of.has_messages())
    };
    csv(digest.cells.iter().map(|cell| {
        let mut line = Line::default();
        line.add("target", &cell.target.name);
        line.load(cell.load);
        line.add("repetitions", cell.blocks.len());
        line.add("failed", cell.failed());
        for metric in Metric::ALL {
            let average = cell.average(metric);
            let interval = average.and_then(|of| of.interval);
            let name = metric.column();
            line.known(format!("block_{name}"), average.map(|of| of.mean));
            line.known(format!("block_{name}_low"), interval.map(|(low, _)| low));
            line.known(format!("block_{name}_high"), interval.map(|(_, high)| high));
        }
        line.latency("", cell.times.latency);
        line.latency("uncorrected_", cell.times.uncorrected);
        for name in &routes {
            let route = cell.routes.iter().find(|of| of.route == *name);
            line.latency(&format!("{name}_"), route.and_then(|of| of.times.latency));
            let uncorrected = route.and_then(|of| of.times.uncorrected);
            line.latency(&format!("{name}_uncorrected_"), uncorrected);
            let first_message = route.and_then(|of| of.first_message);
            line.latency(&format!("{name}_first_message_"), first_message);
            line.latency(&format!("{name}_gap_"), route.and_then(|of| of.gap));
            if streaming(name) {
                let of = route.map(|of| Messages {
                    sent_per_second: of.sent_per_second,
                    received_per_second: of.received_per_second,
                    round_trip: of.round_trip,
                });
                messages(&mut line, name, of);
            }
        }
        let published = cell.published;
        line.known("ceiling_per_second", cell.ceiling_per_second);
        line.known(
            "published_requests_per_second",
            published.map(|of| of.requests_per_second),
        );
        line.known("published_mean_ms", published.map(|of| of.mean_ms));
        line.known(
            "published_implied_users",
            published.map(|of| of.little.implied_users),
        );
        line.marks("marks", &cell.blocks);
        line
    }))
}

/// One line a contrast. Empty without any.
pub fn contrasts_csv(digest: &Digest<'_>) -> String {
    csv(digest.contrasts.iter().map(|contrast| {
        let ratio = contrast.ratio.as_ref().ok();
        let mut line = Line::default();
        line.load(contrast.load);
        line.add("base", contrast.base);
        line.add("other", contrast.other);
        line.add("metric", contrast.metric.column());
        line.known("route", contrast.route);
        line.known("ratio", ratio.map(|of| of.estimate()));
        line.known("low", ratio.map(|of| of.low()));
        line.finite("high", ratio.map(|of| of.high()));
        line.known("p_value", ratio.map(|of| of.p_value()));
        line.finite("detectable", ratio.map(|of| of.detectable()));
        line.add("pairs", contrast.pairs);
        line.add("pairs_left_out", contrast.left_out);
        line.add(
            "outcome",
            match contrast.outcome() {
                Outcome::Stands => "stands",
                Outcome::Differs => "differs",
                Outcome::NotDetected => "not_detected",
                Outcome::None => "none",
            },
        );
        for (name, target) in [
            ("base_marks", contrast.base),
            ("other_marks", contrast.other),
        ] {
            let cell = digest.cell(target, contrast.load);
            line.marks(name, cell.map_or(&[], |cell| &cell.blocks));
        }
        line
    }))
}

#[cfg(test)]
mod tests;
