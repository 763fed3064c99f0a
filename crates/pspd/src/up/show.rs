//! What `pspd up` prints. Addresses and log lines go where the roles would
//! write them themselves; news of this command goes to standard error. A
//! reader that has gone away is no reason to end the system.

use std::io::{self, Write};

use contract::Role;
use system::{Death, Line, LogLines, Source, System, mutual::Certificates};

const HEAD: [&str; 5] = ["role", "what", "address", "administration", "pid"];

/// The table of addresses, and how to go on.
pub(super) fn addresses(system: &System, certificates: Option<&Certificates>) {
    let http = certificates.map_or("http", |_| "https");
    let rows: Vec<_> = system
        .roles()
        .map(|running| {
            let address = running.address();
            [
                running.role().to_string(),
                what(running.role()).to_owned(),
                match running.role() {
                    Role::A | Role::B => address.to_string(),
                    _ => format!("{http}://{address}"),
                },
                format!("{http}://{}", running.admin_address()),
                running.pid().to_string(),
            ]
        })
        .collect();
    let mut text = table(&rows);
    text.push_str(&format!(
        "\nOpen {http}://{} (over gRPC) or {http}://{} (over REST); Ctrl-C stops everything.\n",
        system.role(Role::Gateway).address(),
        system.role(Role::GatewayRest).address(),
    ));
    if let Some(certificates) = certificates {
        text.push_str(&format!(
            "Mutual TLS; the authority is {}.\n",
            certificates.authority().display()
        ));
    }
    text.push('\n');
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

fn what(role: Role) -> &'static str {
    match role {
        Role::A => "greeting, gRPC",
        Role::B => "streams, gRPC",
        Role::ARest => "greeting, HTTP",
        Role::BRest => "numbers, HTTP",
        Role::Gateway => "page, HTTP to gRPC",
        Role::GatewayRest => "page, HTTP to HTTP",
    }
}

/// Columns as wide as their widest cell, two spaces between them.
fn table(rows: &[[String; 5]]) -> String {
    let head = HEAD.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<_> = (0..HEAD.len())
        .map(|column| all().map(|row| row[column].len()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in all() {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Prints the roles' lines until there can be no more.
pub(super) fn log(mut lines: LogLines) {
    while let Some(line) = lines.blocking_recv() {
        let text = prefixed(&line);
        let _ = match line.source {
            Source::Out => io::stdout().write_all(text.as_bytes()),
            Source::Err => io::stderr().write_all(text.as_bytes()),
        };
    }
    let _ = io::stdout().flush();
}

fn prefixed(line: &Line) -> String {
    let Line {
        role,
        text,
        lost_before,
        ..
    } = line;
    let lost = match lost_before {
        0 => String::new(),
        lost => format!(
            "{role:<12} | ({lost} lines left out: they came faster than they could be printed)\n"
        ),
    };
    format!("{lost}{role:<12} | {text}\n")
}

/// A role that ended by itself, its last words, and how to have it back.
pub(super) fn death(death: &Death, system: &System, start_again: &str) {
    let still_running = system.roles().filter(|role| role.ended().is_none());
    news(&obituary(death, still_running.count(), start_again));
}

fn obituary(death: &Death, still_running: usize, start_again: &str) -> String {
    let Death {
        role,
        status,
        last_lines,
    } = death;
    let mut text = format!("role {role} has ended ({status}), {still_running} still run");
    if last_lines.is_empty() {
        text.push_str("\n  it wrote nothing to its log");
    } else {
        text.push_str("\n  its last log lines:");
    }
    for line in last_lines {
        text.push_str(&format!("\n    {line}"));
    }
    text.push_str(&format!("\n  start it again with: {start_again}"));
    text
}

/// A message of this command itself.
pub(super) fn news(message: &str) {
    let _ = io::stderr().write_all(format!("pspd up: {message}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [
            [
                "a",
                "greeting, gRPC",
                "127.0.0.1:50051",
                "http://127.0.0.1:9101",
                "7",
            ],
            [
                "gateway",
                "page",
                "http://127.0.0.1:8080",
                "http://127.0.0.1:9180",
                "12",
            ],
        ]
        .map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows),
            "\
role     what            address                administration         pid
a        greeting, gRPC  127.0.0.1:50051        http://127.0.0.1:9101  7
gateway  page            http://127.0.0.1:8080  http://127.0.0.1:9180  12
"
        );
    }

    #[test]
    fn a_line_is_prefixed_and_lost_ones_are_counted() {
        let mut line = Line {
            role: Role::B,
            source: Source::Err,
            text: "ready".to_owned(),
            lost_before: 0,
        };
        assert_eq!(prefixed(&line), "b            | ready\n");
        line.lost_before = 3;
        let text = prefixed(&line);
        assert!(
            text.starts_with("b            | (3 lines left out"),
            "{text}"
        );
        assert!(text.ends_with("b            | ready\n"), "{text}");
    }

    #[test]
    fn a_death_says_how_and_what_to_do() {
        let death = Death {
            role: Role::B,
            status: std::process::ExitStatus::default(),
            last_lines: vec!["out of luck".to_owned()],
        };
        let text = obituary(&death, 5, "pspd serve b --host 127.0.0.1 --port 50052");
        assert!(text.starts_with("role b has ended ("), "{text}");
        assert!(text.contains("), 5 still run\n"), "{text}");
        assert!(text.contains("\n    out of luck\n"), "{text}");
        assert!(
            text.ends_with("start it again with: pspd serve b --host 127.0.0.1 --port 50052"),
            "{text}"
        );
    }
}
