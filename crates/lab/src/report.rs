//! What a run looks like to a reader: text for a terminal, Markdown, CSV. Pure:
//! in, a [`Run`]; out, a string. Three tables, because one line with everything
//! would not fit a terminal: what the users of a chain see in all, what they see
//! of each route, and what it costs. The routes apart, because the published two
//! differ by the 50 ms of delays that one of them has: percentiles of both
//! together say how many requests went where, the median not even that.

mod csv;
mod table;
mod warnings;

pub(crate) use csv::csv;

use table::{Align, Table};

use crate::{
    account::{Cost, GENERATOR},
    results::{Run, State},
    summary::{LatencyMs, Row},
};

const ABSENT: &str = "n/a";

/// For standard output.
pub(crate) fn text(run: &Run) -> String {
    render(run, Style::Text)
}

/// For `table.md`.
pub(crate) fn markdown(run: &Run) -> String {
    render(run, Style::Markdown)
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Text,
    Markdown,
}

fn render(run: &Run, style: Style) -> String {
    let mut out = String::new();
    let mut paragraph = |text: String| {
        if !text.is_empty() {
            out.push_str(text.trim_end());
            out.push_str("\n\n");
        }
    };
    let table = |table: &Table| match style {
        Style::Text => table.text(),
        Style::Markdown => table.markdown(),
    };
    let title = |title: &str| match style {
        Style::Text => title.to_owned(),
        Style::Markdown => format!("## {title}"),
    };
    if style == Style::Markdown {
        paragraph(format!("# pspd lab, {}", run.started));
    }
    paragraph(circumstances(run));
    if !run.rows.is_empty() {
        paragraph(title("Latency and throughput"));
        paragraph(table(&latency_table(&run.rows)));
        paragraph(method(run));
        paragraph(title("Latency by route"));
        paragraph(table(&route_table(&run.rows)));
        paragraph(title(
            "Cost: CPU seconds over the window, peak memory since the block began",
        ));
        paragraph(table(&cost_table(&run.rows)));
        paragraph(cost_method(run));
    }
    let warnings = warnings::warnings(run);
    if !warnings.is_empty() {
        paragraph(title("Warnings"));
        let lines: Vec<_> = warnings.iter().map(|line| format!("- {line}")).collect();
        paragraph(lines.join("\n"));
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

fn circumstances(run: &Run) -> String {
    let configuration = &run.configuration;
    let commit = run.pspd_commit.as_ref();
    let commit = commit.map_or(String::new(), |commit| format!(" ({commit})"));
    let done = match run.state {
        State::Complete => String::new(),
        State::Running => format!(
            " {} of {} blocks so far.",
            run.rows.len(),
            configuration.blocks
        ),
        State::Interrupted | State::Failed => format!(
            " Stopped early: {} of {} blocks.",
            run.rows.len(),
            configuration.blocks
        ),
    };
    format!(
        "pspd {}{commit}, {} UTC.\n{}.\nClosed loop, {} s a block after {} s of warm-up, {} generator thread{}.{done}",
        run.pspd_version,
        run.started.trim_end_matches('Z').replace('T', " "),
        run.machine.line(),
        configuration.duration_seconds,
        configuration.warm_up_seconds,
        configuration.generator_threads,
        if configuration.generator_threads == 1 {
            ""
        } else {
            "s"
        },
    )
}

fn method(run: &Run) -> String {
    format!(
        "req/s: successes that ended inside the window, over its length; ceiling: 2 x users / 50 ms.\n\
         mean to max: successes that started inside it, waited for up to {} s; failed: failures seen from its start on.\n\
         p50 of all requests falls between the routes, which are equally many: read it in the table by route.\n\
         pub: what the original study published for its own system.",
        run.configuration.request_timeout_seconds
    )
}

fn cost_method(run: &Run) -> String {
    if run.configuration.role_arguments.is_empty() {
        return String::new();
    }
    "Gateways started by this run format an access log line for each request, on both chains, as in\n\
     production; the lines are discarded."
        .to_owned()
}

fn latency_table(rows: &[Row]) -> Table {
    let right = |name| (name, Align::Right);
    let mut table = Table::new(vec![
        right("users"),
        ("chain", Align::Left),
        right("req/s"),
        right("ceiling"),
        right("mean"),
        right("p50"),
        right("p95"),
        right("p99"),
        right("max"),
        right("failed"),
        right("pub/s"),
        right("pub mean"),
        ("", Align::Left),
    ]);
    for row in rows {
        let mut cells = vec![
            row.users.to_string(),
            row.chain.clone(),
            rate(row.requests_per_second),
            format!("{:.1}%", row.ceiling_share() * 100.0),
        ];
        cells.extend(latency(row.latency_ms));
        cells.extend([
            row.failures.total.to_string(),
            row.published.map_or("-".to_owned(), |published| {
                rate(published.requests_per_second)
            }),
            row.published
                .map_or("-".to_owned(), |published| milliseconds(published.mean_ms)),
            marks(row),
        ]);
        table.add(cells);
    }
    table
}

/// What the warnings say more about.
fn marks(row: &Row) -> String {
    let marks = [
        (row.users_stalled > 0, "stalled"),
        (row.generator_bound.is_some(), "gen-bound"),
    ];
    let marks = marks.into_iter().filter(|(is, _)| *is);
    marks.map(|(_, mark)| mark).collect::<Vec<_>>().join(" ")
}

fn route_table(rows: &[Row]) -> Table {
    let right = |name| (name, Align::Right);
    let mut table = Table::new(vec![
        right("users"),
        ("chain", Align::Left),
        ("route", Align::Left),
        right("requests"),
        right("mean"),
        right("p50"),
        right("p95"),
        right("p99"),
        right("max"),
    ]);
    for row in rows {
        for route in &row.routes {
            let mut cells = vec![
                row.users.to_string(),
                row.chain.clone(),
                route.route.clone(),
                route.requests.to_string(),
            ];
            cells.extend(latency(route.latency_ms));
            table.add(cells);
        }
    }
    table
}

/// Mean, p50, p95, p99 and maximum.
fn latency(latency: Option<LatencyMs>) -> [String; 5] {
    latency.map_or_else(
        || [ABSENT; 5].map(str::to_owned),
        |of| [of.mean, of.p50, of.p95, of.p99, of.max].map(milliseconds),
    )
}

fn cost_table(rows: &[Row]) -> Table {
    let columns = cost_columns(rows);
    let mut header = vec![("users", Align::Right), ("chain", Align::Left)];
    header.extend(columns.iter().map(|name| (*name, Align::Right)));
    header.extend([
        (GENERATOR, Align::Right),
        ("us/req", Align::Right),
        ("machine", Align::Right),
    ]);
    let mut table = Table::new(header);
    for row in rows {
        let mut cells = vec![row.users.to_string(), row.chain.clone()];
        cells.extend(columns.iter().map(|column| {
            let mut costs = row.costs.iter();
            let in_chain = costs.find(|cost| family(row, &cost.role) == *column);
            in_chain.map_or("-".to_owned(), cost)
        }));
        let generator = row.costs.iter().find(|cost| cost.role == GENERATOR);
        cells.push(generator.map_or("-".to_owned(), cost));
        cells.push(cpu_us_per_request(row).map_or("-".to_owned(), |us| format!("{us:.0}")));
        cells.push(row.machine.map_or(ABSENT.to_owned(), |machine| {
            format!("{:.0}%", machine.busy * 100.0)
        }));
        table.add(cells);
    }
    table
}

/// The column of a row's role: `a` and `a-rest` share one, because a chain has
/// one of them; where it has both, as a running system may, each has its own.
fn family<'a>(row: &Row, role: &'a str) -> &'a str {
    match role.strip_suffix("-rest") {
        Some(family) if row.costs.iter().all(|cost| cost.role != family) => family,
        _ => role,
    }
}

/// The roles of all rows, in the order in which a request meets them where known.
fn cost_columns(rows: &[Row]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    let roles = rows
        .iter()
        .flat_map(|row| row.costs.iter().map(|cost| family(row, &cost.role)));
    for role in roles.filter(|role| *role != GENERATOR) {
        if !columns.contains(&role) {
            columns.push(role);
        }
    }
    columns.sort_by_key(|role| (*role != "gateway", *role));
    columns
}

fn cost(cost: &Cost) -> String {
    let cpu = cost
        .cpu_seconds
        .map_or(ABSENT.to_owned(), |cpu| format!("{cpu:.2} s"));
    let peak = cost.peak_bytes.map_or(ABSENT.to_owned(), |bytes| {
        format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
    });
    format!("{cpu} {peak}")
}

/// Processor time of the chain, without the generator, for each completion.
fn cpu_us_per_request(row: &Row) -> Option<f64> {
    let mut roles = row
        .costs
        .iter()
        .filter(|cost| cost.role != GENERATOR)
        .peekable();
    roles.peek()?;
    let seconds: f64 = roles.map(|cost| cost.cpu_seconds).sum::<Option<f64>>()?;
    (row.completed_in_window > 0).then(|| seconds * 1e6 / row.completed_in_window as f64)
}

/// Three significant digits, in the unit that a reader would choose.
pub(crate) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 9.995 => format!("{ms:.2} ms"),
        ms if ms < 99.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{:.2} s", ms / 1e3),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// Requests a second: decimals while they matter.
pub(crate) fn rate(rate: f64) -> String {
    if rate < 100.0 {
        format!("{rate:.2}")
    } else {
        format!("{rate:.1}")
    }
}

#[cfg(test)]
pub(crate) mod tests;
