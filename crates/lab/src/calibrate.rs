//! `pspd lab calibrate`: how far the generator's figures are from the truth on
//! this machine, now. In: how long each trial takes; out: a table of what a
//! built-in target knows of its own latency, what the load engine measured of
//! it, and the difference. Nothing is written.
//!
//! The target ([`known`]) shares nothing with the engine but the machine: plain
//! blocking threads, one a connection, which note for each request how long they
//! held it. What the engine adds to that is the way there and back through the
//! kernel, the wake-ups on both sides, and its own error; the table cannot tell
//! them apart, and so gives an upper bound of the error.

mod known;

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use load::{Arrivals, ConnectionCount, Connections, Load, Request, Reuse, Sample, Scenario, Shape};

use results::LoadPoint;

use crate::Error;
use known::{Delays, Target};

/// How long the stall of the last trial is.
const STALL: Duration = Duration::from_secs(1);
/// Its arrivals a second, one connection.
const STALL_RATE: f64 = 100.0;

/// One line of the table.
struct Trial {
    name: String,
    shape: Shape,
    delays: Delays,
}

/// What is compared: known, measured.
type Pair = (Option<Duration>, Option<Duration>);

/// Runs all trials, each with a window of `duration`; the table.
pub async fn calibrate(duration: Duration) -> Result<String, Error> {
    let mut out = String::from(
        "What a target of known latency knows, what the generator measured, and the difference.\n\n",
    );
    let _ = writeln!(
        out,
        "{:<34} {:>8}  {:>10} {:>10} {:>9}  {:>10} {:>10} {:>9}  {:>9}",
        "trial",
        "requests",
        "known p50",
        "measured",
        "error",
        "known p99",
        "measured",
        "error",
        "lag p99"
    );
    for trial in trials() {
        let target = Target::start(trial.delays).map_err(Error::Generator)?;
        let sample = run(trial.shape, &target, duration).await?;
        let known = target.stop();
        let measured = sample.counts.overall();
        line(
            &mut out,
            &trial.name,
            &sample,
            &[0.5, 0.99].map(|q| (known.quantile(q), measured.quantile(q))),
        );
    }
    stall(&mut out, duration.max(5 * STALL)).await?;
    out += "\nThe error holds two crossings of the loopback interface and the wake-ups at both ends, so\n\
            it is what latencies measured here can be too long by. lag: how late the generator was\n\
            woken for an arrival.\n";
    Ok(out)
}

fn trials() -> Vec<Trial> {
    let closed = |users: u32, micros: u64| Trial {
        name: format!(
            "closed, {}, {}",
            LoadPoint::Users(users),
            humantime::format_duration(Duration::from_micros(micros))
        ),
        shape: Shape::Closed { users, pace: None },
        delays: Delays::Fixed(Duration::from_micros(micros)),
    };
    let open = |rate: f64, arrivals, micros: u64| Trial {
        name: format!(
            "open, {rate}/s {}, {}",
            match arrivals {
                Arrivals::Constant => "constant",
                Arrivals::Poisson => "poisson",
            },
            humantime::format_duration(Duration::from_micros(micros))
        ),
        shape: Shape::Open {
            iterations_per_second: rate,
            arrivals,
            in_flight_max: 16,
        },
        delays: Delays::Fixed(Duration::from_micros(micros)),
    };
    vec![
        closed(1, 0),
        closed(1, 1_000),
        closed(1, 10_000),
        closed(8, 5_000),
        open(200.0, Arrivals::Constant, 2_000),
        open(200.0, Arrivals::Poisson, 2_000),
    ]
}

/// A target that answers nothing for a second, once. Arrivals go on: one that
/// came x after the stall's beginning waits the rest of it, so that of the
/// window's requests a share of stall/window waited, evenly from 0 to the whole
/// stall. The 99th percentile follows from that; a clock that starts when the
/// one connection is free sees the stall once, in one request.
async fn stall(out: &mut String, duration: Duration) -> Result<(), Error> {
    let begin = Instant::now() + duration / 2;
    let target = Target::start(Delays::Stall {
        begin,
        end: begin + STALL,
    })
    .map_err(Error::Generator)?;
    let shape = Shape::Open {
        iterations_per_second: STALL_RATE,
        arrivals: Arrivals::Constant,
        in_flight_max: 1,
    };
    let sample = run(shape, &target, duration).await?;
    target.stop();
    let known = STALL.saturating_sub(duration.mul_f64(0.01));
    let corrected = sample.counts.overall();
    line(
        out,
        "stall of 1 s, intended start",
        &sample,
        &[
            (None, corrected.quantile(0.5)),
            (Some(known), corrected.quantile(0.99)),
        ],
    );
    let uncorrected = sample.counts.overall_uncorrected();
    line(
        out,
        "stall of 1 s, uncorrected",
        &sample,
        &[
            (None, uncorrected.quantile(0.5)),
            (Some(known), uncorrected.quantile(0.99)),
        ],
    );
    Ok(())
}

async fn run(shape: Shape, target: &Target, duration: Duration) -> Result<Sample, Error> {
    let authority = target.address().to_string();
    let request = Request::http("known", &authority, "GET", "/", &[], None)
        .map_err(|error| Error::Generator(std::io::Error::other(error)))?;
    let load = Load {
        address: target.address(),
        tls: None,
        scenario: Arc::new(Scenario {
            requests: vec![request],
        }),
        shape,
        connections: Connections {
            count: ConnectionCount::PerUser,
            streams_max: 1,
            reuse: Reuse::Keep,
            stream_window_bytes: 65_535,
            connection_window_bytes: 65_535,
        },
        threads: 1,
        cpus: Vec::new(),
        warm_up: Duration::from_millis(200),
        duration,
        request_timeout: Duration::from_secs(10),
        seed: 1,
    };
    let generator = load.start()?;
    target.note_from(generator.window().start);
    generator.finish().await.map_err(Error::Generator)
}

fn line(out: &mut String, name: &str, sample: &Sample, pairs: &[Pair; 2]) {
    let cells = pairs.map(|(known, measured)| {
        let error = known.zip(measured).map(|(known, measured)| {
            let error = measured.as_secs_f64() - known.as_secs_f64();
            format!("{:+.3} ms", error * 1e3)
        });
        format!(
            "{:>10} {:>10} {:>9}",
            text(known),
            text(measured),
            error.unwrap_or_default()
        )
    });
    let lag: Option<Duration> = sample
        .threads
        .iter()
        .filter_map(|thread| thread.lag.quantile(0.99))
        .max();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{name:<34} {:>8}  {}  {}  {:>9}",
        sample.counts.overall().count(),
        cells[0],
        cells[1],
        text(lag)
    );
}

fn text(duration: Option<Duration>) -> String {
    duration.map_or(String::new(), |duration| {
        format!("{:.3} ms", duration.as_secs_f64() * 1e3)
    })
}

#[cfg(test)]
mod tests {
    use load::Latencies;

    use super::*;

    #[test]
    fn what_is_not_known_has_no_error() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_millis(3));
        assert_eq!(text(latencies.max()), "3.000 ms");
        assert_eq!(text(None), "");
    }
}
