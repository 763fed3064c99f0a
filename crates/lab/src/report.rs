//! What a run looks like to a reader: text for a terminal, Markdown, CSV. Pure:
//! in, a [`Run`]; out, a string. Two tables, because one line with everything
//! would not fit 120 columns: what a user of the chain sees, and what it costs.

mod csv;
mod table;
mod warnings;

pub(crate) use csv::csv;

use table::{Align, Table};

use crate::{
    account::{Cost, GENERATOR},
    results::{Run, State},
    summary::Row,
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
        paragraph(title("Cost over the window: CPU seconds, peak memory"));
        paragraph(table(&cost_table(&run.rows)));
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
        "pspd {}{commit}, {} UTC; {}.\nClosed loop, {} s a block after {} s of warm-up, {} generator thread{}.{done}",
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
         Latencies and failures: requests that started inside it, waited for up to {} s; latencies of successes alone.\n\
         pub: what the original study published for its own system.",
        run.configuration.request_timeout_seconds
    )
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
        let latency = row.latency_ms;
        let ms = |read: fn(&crate::summary::LatencyMs) -> f64| {
            latency
                .as_ref()
                .map_or(ABSENT.to_owned(), |latency| milliseconds(read(latency)))
        };
        table.add(vec![
            row.users.to_string(),
            row.chain.clone(),
            rate(row.requests_per_second),
            format!("{:.1}%", row.ceiling_share() * 100.0),
            ms(|latency| latency.mean),
            ms(|latency| latency.p50),
            ms(|latency| latency.p95),
            ms(|latency| latency.p99),
            ms(|latency| latency.max),
            row.failures.total.to_string(),
            row.published.map_or("-".to_owned(), |published| {
                rate(published.requests_per_second)
            }),
            row.published
                .map_or("-".to_owned(), |published| milliseconds(published.mean_ms)),
            row.generator_bound
                .as_ref()
                .map_or(String::new(), |_| "gen-bound".to_owned()),
        ]);
    }
    table
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
            let in_chain = row.costs.iter().find(|cost| family(&cost.role) == *column);
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

/// `a` and `a-rest` share a column: a chain has one of them.
fn family(role: &str) -> &str {
    role.strip_suffix("-rest").unwrap_or(role)
}

/// The roles of all rows, in the order in which a request meets them where known.
fn cost_columns(rows: &[Row]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    let roles = rows
        .iter()
        .flat_map(|row| &row.costs)
        .map(|cost| family(&cost.role));
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
