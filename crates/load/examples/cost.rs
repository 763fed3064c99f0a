//! What a request costs the generator, on one thread of it.
//!
//!     cargo run --release -p load --example cost -- 127.0.0.1:8080 /healthz 64 5
//!
//! The arguments are an address, a path, the number of users and that of seconds;
//! `pace 1` behind them lets each user begin once a second, and `open 5000` makes
//! them the workers of an open loop of 5000 requests a second. Compare the closed
//! loop with `wrk -t1 -c64 -d5`, whose processor time `time` tells.

use std::{
    env,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use load::{Arrivals, ConnectionCount, Connections, Load, Request, Reuse, Scenario, Shape};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, path, users, seconds, shape @ ..] = &arguments[..] else {
        return Err("usage: cost ADDRESS PATH USERS SECONDS [pace SECONDS | open RATE]".into());
    };
    let users = users.parse()?;
    let request = Request::http("request", address, "GET", path, &[], None)?;
    let shape = match shape {
        [open, rate] if open == "open" => Shape::Open {
            iterations_per_second: rate.parse()?,
            arrivals: Arrivals::Constant,
            in_flight_max: users,
        },
        [pace, seconds] if pace == "pace" => Shape::Closed {
            users,
            pace: Some(Duration::from_secs_f64(seconds.parse()?)),
        },
        _ => Shape::Closed { users, pace: None },
    };
    let load = Load {
        address: address.parse()?,
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
        warm_up: Duration::from_secs(3),
        duration: Duration::from_secs(seconds.parse()?),
        request_timeout: Duration::from_secs(10),
        seed: 1,
    };
    let begun = Instant::now();
    let sample = load.start()?.finish().await?;
    let counts = &sample.counts;
    let all = counts.overall();
    let rate = counts.completed as f64 / sample.window.length().as_secs_f64();
    println!(
        "{rate:.0} requests/s, p50 {:?}, p99 {:?}, max {:?}, {} failed, {:?} in all",
        all.quantile(0.5).unwrap_or_default(),
        all.quantile(0.99).unwrap_or_default(),
        all.max().unwrap_or_default(),
        counts.failures().total(),
        begun.elapsed(),
    );
    for thread in &sample.threads {
        let busy = thread.busy.unwrap_or(f64::NAN);
        println!(
            "{:.2} us of processor a request ({:.0}% busy), lag p50 {:?}, p99 {:?}, \
             timer resolution {:?}, {} of {} late",
            busy / rate * 1e6,
            busy * 100.0,
            thread.lag.quantile(0.5).unwrap_or_default(),
            thread.lag.quantile(0.99).unwrap_or_default(),
            thread.timer_resolution,
            thread.late,
            thread.awaited,
        );
    }
    Ok(())
}
