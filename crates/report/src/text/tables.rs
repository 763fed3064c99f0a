//! The tables of the text. A figure over repetitions has half the width of its
//! 95% interval beside it; percentiles are those of all requests of a cell.

use accounts::GENERATOR;
use results::{Latency, LoadPoint};

use crate::{
    Average, Cell, Component, Digest, Language, Metric,
    component::mean,
    figures::{ABSENT, bytes, milliseconds, percent, plain, rate},
    metric::held_nothing,
    steps::{self, Step},
    table::{Align, Table},
    warnings::{load_name, mark_name, marks},
};

/// For what is left out on purpose.
const LEFT_OUT: &str = "-";
/// Marks in a row; more are counted.
const MARKS_MAX: usize = 2;

type Percentile = (&'static str, fn(Latency) -> f64);

const P50: Percentile = ("p50", |latency| latency.p50_ms);
const P95: Percentile = ("p95", |latency| latency.p95_ms);
const P99: Percentile = ("p99", |latency| latency.p99_ms);
const P999: Percentile = ("p99.9", |latency| latency.p999_ms);
const MAX: Percentile = ("max", |latency| latency.max_ms);

/// What users see in all.
pub(super) fn overall(digest: &Digest<'_>) -> Table {
    let is_search = is_search(digest);
    let percentiles = percentiles(digest);
    let mut header = labels(digest);
    if is_search {
        header.push(right("held"));
    }
    header.extend([right("req/s"), right("mean")]);
    header.extend(percentiles.iter().map(|(name, _)| right(name)));
    header.extend(sent(digest).iter().map(|(name, _)| right(name)));
    header.extend([right("failed"), left("marks")]);
    let mut table = Table::new(header);
    for cell in &digest.cells {
        let mut row = names(cell);
        if is_search {
            let held = cell.blocks.iter().map(|block| match held_nothing(block) {
                true => 0.0,
                false => block.iterations_per_second,
            });
            row.push(mean(held).map_or(ABSENT.to_owned(), |held| format!("{}/s", rate(held))));
        }
        row.push(average(cell.average(Metric::RequestsPerSecond), rate));
        row.push(average(cell.average(Metric::MeanLatency), milliseconds));
        row.extend(overall_latencies(cell, cell.times.latency, &percentiles));
        let sent = sent(digest);
        row.extend(overall_latencies(cell, cell.times.uncorrected, &sent));
        row.extend([cell.failed().to_string(), mark_names(cell)]);
        table.add(row);
    }
    table
}

/// What users see of each route.
pub(super) fn routes(digest: &Digest<'_>) -> Table {
    let percentiles = percentiles(digest);
    let mut header = labels(digest);
    header.extend([left("route"), right("requests"), right("mean")]);
    header.extend(percentiles.iter().map(|(name, _)| right(name)));
    header.extend(sent(digest).iter().map(|(name, _)| right(name)));
    let mut table = Table::new(header);
    for cell in &digest.cells {
        for route in &cell.routes {
            let latency = route.times.latency;
            let mut row = names(cell);
            row.push(route.route.to_owned());
            row.push(latency.map_or("0".to_owned(), |latency| latency.count.to_string()));
            row.extend(latencies(latency, &[("mean", |latency| latency.mean_ms)]));
            row.extend(latencies(latency, &percentiles));
            row.extend(latencies(route.times.uncorrected, &sent(digest)));
            table.add(row);
        }
    }
    table
}

/// The inside of streamed answers.
pub(super) fn streams(digest: &Digest<'_>) -> Table {
    let mut header = labels(digest);
    header.push(left("route"));
    header.extend(["first p50", "first p99", "first max"].map(right));
    header.extend(["gap p50", "gap p99", "gap max"].map(right));
    header.extend(["whole p50", "whole p99"].map(right));
    let mut table = Table::new(header);
    for cell in &digest.cells {
        for route in &cell.routes {
            if route.first_message.is_none() {
                continue;
            }
            let mut row = names(cell);
            row.push(route.route.to_owned());
            row.extend(latencies(route.first_message, &[P50, P99, MAX]));
            row.extend(latencies(route.gap, &[P50, P99, MAX]));
            row.extend(latencies(route.times.latency, &[P50, P99]));
            table.add(row);
        }
    }
    table
}

/// The messages of calls that stream: how many a second each way, and round trips
/// where there are any.
pub(super) fn messages(digest: &Digest<'_>) -> Table {
    let mut routes = digest.cells.iter().flat_map(|cell| &cell.routes);
    let has_trips = routes.any(|route| route.round_trip.is_some());
    let mut header = labels(digest);
    header.extend([left("route"), right("sent/s"), right("received/s")]);
    if has_trips {
        header.extend(["trip p50", "trip p99", "trip max"].map(right));
    }
    let mut table = Table::new(header);
    for cell in &digest.cells {
        for route in cell.routes.iter().filter(|route| route.has_messages()) {
            let mut row = names(cell);
            row.push(route.route.to_owned());
            for a_second in [route.sent_per_second, route.received_per_second] {
                row.push(a_second.map_or(LEFT_OUT.to_owned(), rate));
            }
            if has_trips {
                row.extend(latencies(route.round_trip, &[P50, P99, MAX]));
            }
            table.add(row);
        }
    }
    table
}

/// What came of each rate that was tried.
pub(super) fn steps(digest: &Digest<'_>, steps: Vec<Step<'_>>) -> Table {
    let objective = steps::objective(digest);
    let mut table = Table::new(vec![
        left("target"),
        right("repetition"),
        right("offered"),
        right("reached"),
        right(objective),
        left("outcome"),
    ]);
    for step in steps {
        table.add(vec![
            step.target.to_owned(),
            step.repetition.to_string(),
            step.offered,
            step.reached,
            step.measured,
            step.outcome.to_owned(),
        ]);
    }
    table
}

/// What it costs, by role, the generator among them.
pub(super) fn costs(digest: &Digest<'_>) -> Table {
    let mut header = labels(digest);
    header.push(left("role"));
    header.extend(["CPU us", "mean mem", "peak mem", "switches"].map(right));
    header.extend(["forced", "sent", "received", "machine"].map(right));
    let mut table = Table::new(header);
    for cell in &digest.cells {
        for component in &cell.components {
            table.add(cost(cell, component));
        }
        if cell.components.iter().any(|of| of.role != GENERATOR) {
            table.add(total(cell));
        }
    }
    table
}

fn cost(cell: &Cell<'_>, of: &Component) -> Vec<String> {
    let star = if of.peak_since_start { "!" } else { "" };
    let mut row = names(cell);
    row.push(of.role.clone());
    row.extend([
        known(of.cpu_us_per_request, plain),
        known(of.mean_bytes, bytes),
        known(of.peak_bytes, bytes) + star,
        known(of.switches_per_request, plain),
        known(of.involuntary_per_request, plain),
        known(of.bytes_sent_per_request, bytes),
        known(of.bytes_received_per_request, bytes),
        String::new(),
    ]);
    row
}

/// All roles of the target; bytes with the generator's, each once at its sender.
fn total(cell: &Cell<'_>) -> Vec<String> {
    let roles = || cell.components.iter().filter(|of| of.role != GENERATOR);
    let sum = |figure: fn(&Component) -> Option<f64>| roles().map(figure).sum::<Option<f64>>();
    let machine = cell.blocks.iter().filter_map(|block| block.machine);
    let mut row = names(cell);
    row.push("= target".to_owned());
    row.extend([
        average(cell.average(Metric::Cpu), plain),
        known(sum(|of| of.mean_bytes), bytes),
        average(cell.average(Metric::Memory), |mib| bytes(mib * 1_048_576.0)),
        average(cell.average(Metric::Switches), plain),
        known(sum(|of| of.involuntary_per_request), plain),
        average(cell.average(Metric::Bytes), bytes),
        String::new(),
        known(mean(machine.map(|machine| machine.busy)), percent),
    ]);
    row
}

/// Beside what the original study published.
pub(super) fn published(digest: &Digest<'_>) -> Table {
    let mut header = labels(digest);
    header.extend(
        [
            "req/s",
            "of ceiling",
            "published",
            "mean",
            "published",
            "implies",
        ]
        .map(right),
    );
    let mut table = Table::new(header);
    for cell in &digest.cells {
        let rps = cell.average(Metric::RequestsPerSecond);
        let share = rps.zip(cell.ceiling_per_second);
        let of = cell.published;
        let mut row = names(cell);
        row.extend([
            known(rps.map(|rps| rps.mean), rate),
            known(share.map(|(rps, ceiling)| rps.mean / ceiling), percent),
            of.map_or("-".to_owned(), |of| rate(of.requests_per_second)),
            known(
                cell.average(Metric::MeanLatency).map(|of| of.mean),
                milliseconds,
            ),
            of.map_or("-".to_owned(), |of| milliseconds(of.mean_ms)),
            of.map_or("-".to_owned(), |of| {
                let mark = if of.little.holds { "" } else { " !" };
                format!("{:.0} users{mark}", of.little.implied_users)
            }),
        ]);
        table.add(row);
    }
    table
}

/// What the figures of the first tables are.
pub(super) fn method(digest: &Digest<'_>) -> String {
    let mut lines = vec![
        "req/s: successes that ended inside the window, over its length. mean and percentiles: of \
         the successes that were due in it; percentiles of all repetitions together, from their \
         merged histograms. ±: half the width of a 95% interval over the repetitions (geometric \
         mean, Student's t).",
    ];
    if digest.has_intended_starts() {
        lines.push(
            "Latency counts from the intended start, and so holds the wait of requests sent late; \
             the columns 'sent' count from the moment of sending, as most tools do.",
        );
    }
    if digest.cells.iter().any(|cell| !cell.has_median()) {
        lines.push(
            "p50 is left out where a target has several routes: that of all their requests would \
             say only how many there are of each. It stands in the table by route.",
        );
    }
    lines.join("\n")
}

/// What the figures of the cost table are.
pub(super) fn cost_method(digest: &Digest<'_>) -> String {
    let mut text = "CPU: user and system. Peak memory: since the block began; with ! since the \
                    process started. Switches: context switches, of which forced by the kernel. \
                    Sent and received: payload of TCP. = target: all roles but the generator; what \
                    it sent is what all roles and the generator sent: every byte once, at its \
                    sender."
        .to_owned();
    if !digest.run.role_arguments.is_empty() {
        text += "\nGateways started by this run format an access log line for each request, on \
                 both chains, as in production; the lines are discarded.";
    }
    text
}

fn right(name: &str) -> (&str, Align) {
    (name, Align::Right)
}

fn left(name: &str) -> (&str, Align) {
    (name, Align::Left)
}

fn is_search(digest: &Digest<'_>) -> bool {
    digest
        .cells
        .iter()
        .any(|cell| cell.load == LoadPoint::Search)
}

fn labels(digest: &Digest<'_>) -> Vec<(&'static str, Align)> {
    let is_users = digest
        .cells
        .iter()
        .all(|cell| matches!(cell.load, LoadPoint::Users(_)));
    let load = if is_users { "users" } else { "load" };
    vec![(load, Align::Right), ("target", Align::Left)]
}

fn names(cell: &Cell<'_>) -> Vec<String> {
    let load = match cell.load {
        LoadPoint::Users(users) => users.to_string(),
        LoadPoint::Search => "search".to_owned(),
        load => load_name(load, Language::English),
    };
    vec![load, cell.target.name.clone()]
}

/// From the intended start; fewer where those from sending stand beside them.
fn percentiles(digest: &Digest<'_>) -> Vec<Percentile> {
    match (is_search(digest), digest.has_intended_starts()) {
        (true, _) => vec![P50, P99, MAX],
        (false, true) => vec![P50, P95, P99, MAX],
        (false, false) => vec![P50, P95, P99, P999, MAX],
    }
}

/// From the moment of sending, where that is another one.
fn sent(digest: &Digest<'_>) -> Vec<Percentile> {
    match digest.has_intended_starts() {
        true => vec![("sent p50", P50.1), ("sent p99", P99.1)],
        false => Vec::new(),
    }
}

fn latencies(of: Option<Latency>, percentiles: &[Percentile]) -> Vec<String> {
    let figure = |(_, read): &Percentile| known(of.map(read), milliseconds);
    percentiles.iter().map(figure).collect()
}

/// Of all requests, whose median is left out where it says nothing.
fn overall_latencies(
    cell: &Cell<'_>,
    of: Option<Latency>,
    percentiles: &[Percentile],
) -> Vec<String> {
    let mut texts = latencies(of, percentiles);
    for ((name, _), text) in percentiles.iter().zip(&mut texts) {
        if !cell.has_median() && name.ends_with(P50.0) {
            *text = LEFT_OUT.to_owned();
        }
    }
    texts
}

fn known(figure: Option<f64>, write: fn(f64) -> String) -> String {
    figure.map_or(ABSENT.to_owned(), write)
}

fn average(average: Option<Average>, write: fn(f64) -> String) -> String {
    let Some(average) = average else {
        return ABSENT.to_owned();
    };
    match average.margin() {
        Some(margin) => format!("{} ±{}", write(average.mean), percent(margin)),
        None => write(average.mean),
    }
}

/// What the warnings say more about.
fn mark_names(cell: &Cell<'_>) -> String {
    let marks = marks(&cell.blocks);
    let mut names: Vec<String> = marks
        .iter()
        .take(MARKS_MAX)
        .map(|mark| mark_name(*mark).to_owned())
        .collect();
    if marks.len() > MARKS_MAX {
        names.push(format!("+{}", marks.len() - MARKS_MAX));
    }
    names.join(" ")
}
