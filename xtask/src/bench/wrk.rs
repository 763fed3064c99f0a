//! What wrk prints, read. Pure.

use anyhow::{Context, bail};

/// The figures of one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Printed {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Broken connections, timeouts, and answers that were not 2xx or 3xx.
    pub(super) failed: u64,
}

/// Reads the output of `wrk --latency`.
pub(super) fn parse(text: &str) -> anyhow::Result<Printed> {
    let lines = || text.lines().map(str::trim);
    let after = |prefix: &str| lines().find_map(|line| line.strip_prefix(prefix));
    let needed = |prefix: &str| {
        after(prefix).with_context(|| format!("wrk printed no line that begins with {prefix:?}"))
    };
    let requests = lines()
        .find_map(|line| line.split_once(" requests in "))
        .context("wrk printed no number of requests")?;
    let socket_errors = after("Socket errors:").unwrap_or_default();
    let statuses = after("Non-2xx or 3xx responses:").unwrap_or_default();
    Ok(Printed {
        requests: requests.0.parse().context("wrk's number of requests")?,
        requests_per_second: needed("Requests/sec:")?
            .trim()
            .parse()
            .context("wrk's requests a second")?,
        p50_ms: milliseconds(needed("50%")?)?,
        p99_ms: milliseconds(needed("99%")?)?,
        failed: sum(socket_errors) + sum(statuses),
    })
}

/// A time with wrk's units.
fn milliseconds(text: &str) -> anyhow::Result<f64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => bail!("{text:?} is no time as wrk prints it"),
    };
    let value: f64 = digits
        .parse()
        .with_context(|| format!("{text:?} as a time"))?;
    Ok(value * unit)
}

/// Of the whole numbers in `connect 0, read 12, write 0, timeout 3`.
fn sum(text: &str) -> u64 {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers
        .filter_map(|number| number.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: &str = "\
Running 1s test @ http://127.0.0.1:50999/a/hello?name=pspd
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   604.00us    0.86ms  13.20ms   90.00%
    Req/Sec   101.41k    13.21k  138.66k    90.00%
  Latency Distribution
     50%  246.00us
     75%  647.00us
     90%    1.47ms
     99%    4.22ms
  100787 requests in 1.00s, 13.65MB read
Requests/sec: 100623.49
Transfer/sec:     13.63MB
";

    #[test]
    fn a_run_without_failures() {
        let expected = Printed {
            requests: 100_787,
            requests_per_second: 100_623.49,
            p50_ms: 0.246,
            p99_ms: 4.22,
            failed: 0,
        };
        assert_eq!(parse(QUIET).expect("wrk's own"), expected);
    }

    #[test]
    fn failures_of_every_kind_are_added_up() {
        let text = QUIET.replace(
            "Requests/sec",
            "  Socket errors: connect 1, read 20, write 300, timeout 4000\n  \
             Non-2xx or 3xx responses: 50000\nRequests/sec",
        );
        assert_eq!(parse(&text).expect("wrk's own").failed, 54_321);
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = QUIET.replace("     99%    4.22ms\n", "");
        let error = parse(&text).expect_err("no p99").to_string();
        assert!(error.contains("\"99%\""), "{error}");
        assert!(parse("unable to connect to 127.0.0.1:1 Connection refused").is_err());
    }

    #[test]
    fn times_have_units() {
        for (text, expected) in [("246.00us", 0.246), ("1.5s", 1500.0), ("2.00m", 120_000.0)] {
            assert_eq!(milliseconds(text).expect(text), expected);
        }
        assert!(milliseconds("5").is_err());
        assert!(milliseconds("").is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".{0,200}") {
            let _ = parse(&text);
            let _ = milliseconds(&text);
            let _ = sum(&text);
        }
    }
}
