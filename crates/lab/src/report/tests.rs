use super::*;
use crate::{
    account::MachineLoad,
    machine::Machine,
    published::{Published, ceiling},
    results::{ChainConfiguration, Configuration},
    summary::{FailureCounts, GeneratorThread, LatencyMs, Route},
};

pub(crate) fn cost_of(role: &str, cpu_seconds: f64) -> Cost {
    Cost {
        role: role.into(),
        cpu_seconds: Some(cpu_seconds),
        peak_bytes: Some(12 << 20),
        peak_since_start: false,
    }
}

fn route(route: &str, requests: u64, ms: Option<f64>) -> Route {
    Route {
        route: route.into(),
        requests,
        latency_ms: ms.map(|ms| LatencyMs {
            mean: ms,
            p50: ms,
            p95: 2.0 * ms,
            p99: 3.0 * ms,
            max: 4.0 * ms,
        }),
    }
}

/// A row with plain figures; what a test is about is set afterwards.
pub(crate) fn row(users: u32, chain: &str) -> Row {
    let suffix = if chain == "rest" { "-rest" } else { "" };
    let costs = ["a", "b", "gateway"].map(|role| cost_of(&format!("{role}{suffix}"), 1.25));
    Row {
        users,
        chain: chain.into(),
        window_start: "2026-01-31T12:00:01Z".into(),
        window_seconds: 5.0,
        requests_per_second: 968.2,
        completed_in_window: 4841,
        ceiling_requests_per_second: ceiling(users),
        requests: 4840,
        latency_ms: Some(LatencyMs {
            mean: 25.81,
            p50: 1.234,
            p95: 52.01,
            p99: 1070.0,
            max: 28_210.0,
        }),
        routes: vec![
            route("hello", 2421, Some(1.234)),
            route("numbers", 2419, Some(51.2)),
        ],
        failures: FailureCounts::default(),
        users_stalled: 0,
        users_unserved: 0,
        costs: costs.into_iter().chain([cost_of(GENERATOR, 0.5)]).collect(),
        machine: Some(MachineLoad {
            busy: 0.5,
            steal: 0.0,
        }),
        generator: Vec::new(),
        generator_bound: None,
        published: Some(Published {
            mean_ms: 28_210.0,
            requests_per_second: 0.44,
        }),
    }
}

pub(crate) fn run_of(rows: Vec<Row>) -> Run {
    let chain = |name: &str| ChainConfiguration {
        name: name.into(),
        url: None,
    };
    Run {
        schema_version: 1,
        state: State::Complete,
        started: "2026-01-31T12:00:00Z".into(),
        pspd_version: "0.1.0".into(),
        pspd_commit: Some("abc123".into()),
        debug_build: false,
        machine: Machine {
            cpu_model: Some("Example CPU".into()),
            cores: 2,
            processors: 2,
            memory_bytes: Some(4 << 30),
            kernel: Some("6.1".into()),
            os: "Example OS".into(),
            architecture: "x86_64".into(),
        },
        configuration: Configuration {
            users: vec![25],
            chains: vec![chain("grpc"), chain("rest")],
            duration_seconds: 5.0,
            warm_up_seconds: 1.0,
            request_timeout_seconds: 60.0,
            pause_after_failure_seconds: 0.1,
            generator_threads: 1,
            histogram_significant_digits: 3,
            blocks: rows.len(),
            role_arguments: [("gateway".into(), vec!["--access-log".into(), "json".into()])].into(),
        },
        rows,
    }
}

/// A run in which everything that can be said is said.
fn eventful() -> Run {
    let mut late = row(3200, "original");
    late.generator_bound = Some("a thread of the generator was 91% busy (limit 80%)".into());
    late.published = None;
    late.costs.truncate(1);
    late.costs[0].peak_since_start = true;
    late.machine = Some(MachineLoad {
        busy: 0.99,
        steal: 0.03,
    });
    let mut dead = row(25, "rest");
    dead.requests = 0;
    dead.completed_in_window = 0;
    dead.requests_per_second = 0.0;
    dead.latency_ms = None;
    dead.routes = vec![route("hello", 0, None), route("numbers", 0, None)];
    dead.users_stalled = 13;
    dead.users_unserved = 10;
    dead.failures = FailureCounts {
        total: 12,
        timeout: 10,
        closed: 2,
        ..FailureCounts::default()
    };
    let mut run = run_of(vec![row(25, "grpc"), dead, late]);
    run.state = State::Interrupted;
    run.debug_build = true;
    run.configuration.blocks = 6;
    run
}

#[test]
fn the_report_fits_110_columns_and_reads_as_intended() {
    let text = text(&eventful());
    let tables = text
        .split("Warnings")
        .next()
        .expect("there is a first part");
    for line in tables.lines() {
        assert!(
            line.chars().count() <= 110,
            "{} columns: {line}",
            line.chars().count()
        );
    }
    insta::assert_snapshot!(text);
}

#[test]
fn markdown_tables_are_tables() {
    insta::assert_snapshot!(markdown(&eventful()));
}

#[test]
fn every_csv_line_has_a_cell_for_every_column() {
    let csv = csv(&eventful());
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let rows: Vec<_> = lines.collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == header.len()), "{csv}");
    let cell = |row: usize, name: &str| {
        let column = header.iter().position(|column| *column == name);
        rows[row][column.expect("the column exists")]
    };
    assert_eq!(cell(0, "p99_ms"), "1070");
    assert_eq!(cell(0, "gateway_cpu_seconds"), "1.25");
    assert_eq!(cell(0, "gateway-rest_cpu_seconds"), "");
    assert_eq!(cell(1, "p99_ms"), "");
    assert_eq!(cell(1, "failed_timeout"), "10");
    assert_eq!(cell(0, "users_stalled"), "0");
    assert_eq!(cell(1, "users_stalled"), "13");
    assert_eq!(cell(1, "users_unserved"), "10");
    assert_eq!(cell(0, "hello_requests"), "2421");
    assert_eq!(cell(0, "hello_p50_ms"), "1.234");
    assert_eq!(cell(0, "numbers_p50_ms"), "51.2");
    assert_eq!(cell(1, "numbers_requests"), "0");
    assert_eq!(cell(1, "numbers_p50_ms"), "");
    assert_eq!(cell(2, "generator_bound"), "true");
}

#[test]
fn work_of_other_programs_is_noticed() {
    // The chain and the generator use 4.25 of the machine's 10 seconds.
    let with_busy = |busy| {
        let mut row = row(25, "grpc");
        row.machine = Some(MachineLoad { busy, steal: 0.0 });
        text(&run_of(vec![row]))
    };
    assert!(with_busy(0.53).contains("programs outside"));
    assert!(!with_busy(0.52).contains("programs outside"));
}

#[test]
fn the_work_of_others_is_a_share_of_the_whole_machine() {
    // Half of 4 processors for 5 s are 10 s, of which the run used 4.25; seen as
    // half of the 2 that this process may use, they would be 5.
    let mut row = row(25, "grpc");
    row.machine = Some(MachineLoad {
        busy: 0.5,
        steal: 0.0,
    });
    let mut run = run_of(vec![row]);
    assert!(!text(&run).contains("programs outside"));
    run.machine.processors = 4;
    assert!(text(&run).contains("programs outside"));
}

#[test]
fn the_advice_fits_what_was_short() {
    let advice = |busy: f64, machine_busy: f64, local_port: u64| {
        let mut row = row(25, "grpc");
        row.generator = vec![GeneratorThread {
            busy: Some(busy),
            lag_p99_ms: 9.0,
            lag_max_ms: 9.0,
        }];
        row.generator_bound = Some("it was".into());
        row.failures.local_port = local_port;
        row.machine = Some(MachineLoad {
            busy: machine_busy,
            steal: 0.0,
        });
        text(&run_of(vec![row]))
    };
    let more_threads = "more --generator-threads";
    assert!(!advice(0.5, 0.99, 0).contains(more_threads));
    assert!(advice(0.5, 0.99, 0).contains("another machine"));
    assert!(advice(0.9, 0.99, 0).contains(more_threads));
    assert!(advice(0.5, 0.60, 0).contains(more_threads));
    assert!(!advice(0.9, 0.60, 5).contains(more_threads));
    assert!(advice(0.9, 0.60, 5).contains("ip_local_port_range"));
}

#[test]
fn a_running_system_may_have_both_of_a_family() {
    let mut mixed = row(25, "original");
    let roles = [("a", 1.0), ("a-rest", 2.0), ("b-rest", 3.0)];
    mixed.costs = roles.map(|(role, cpu)| cost_of(role, cpu)).into();
    let own = row(25, "rest");
    let table = cost_table(&[own, mixed]).text();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect())
        .map(|cells: Vec<&str>| cells.into_iter().map(str::trim).collect())
        .collect();
    let header = ["gateway", "a", "a-rest", "b", GENERATOR];
    assert_eq!(lines[0][2..7], header, "{table}");
    let cpu = |line: usize| -> Vec<&str> {
        let cells = lines[line][2..6].iter();
        cells
            .map(|cell| cell.split(' ').next().unwrap_or_default())
            .collect()
    };
    assert_eq!(cpu(1), ["1.25", "1.25", "-", "1.25"], "{table}");
    assert_eq!(cpu(2), ["-", "1.00", "2.00", "3.00"], "{table}");
}

#[test]
fn a_run_that_started_no_roles_says_nothing_of_their_logs() {
    let mut run = run_of(vec![row(25, "original")]);
    assert!(text(&run).contains("access log"));
    run.configuration.role_arguments.clear();
    assert!(!text(&run).contains("access log"));
}

#[test]
fn a_run_without_blocks_is_still_a_report() {
    let mut run = run_of(Vec::new());
    run.state = State::Failed;
    let text = text(&run);
    assert!(text.contains("Stopped early: 0 of 0 blocks."), "{text}");
    assert!(!text.contains("req/s"), "{text}");
}

#[test]
fn figures_keep_three_digits_in_a_fitting_unit() {
    for (ms, expected) in [
        (0.0, "0.00 ms"),
        (0.8534, "0.85 ms"),
        (9.994, "9.99 ms"),
        (9.996, "10.0 ms"),
        (99.94, "99.9 ms"),
        (99.96, "100 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (28_210.0, "28.2 s"),
        (600_000.0, "600.0 s"),
    ] {
        assert_eq!(milliseconds(ms), expected, "{ms}");
    }
    assert_eq!(rate(0.44), "0.44");
    assert_eq!(rate(1000.04), "1000.0");
}
