//! What a message over a WebSocket costs ours: sockets that each send one message
//! and wait for its echo, as fast as it goes. The others have no such call. There are
//! few enough sockets for a thread each, so that the client needs no runtime.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tungstenite::{Message, WebSocket};

use super::{
    Bench,
    backend::Backend,
    contestant::{Contestant, Workers},
    memory::Memory,
    scenario::Routes,
};

pub(super) const SOCKETS: usize = 64;
const PATH: &str = "/b/echo";
const MESSAGE: &str = r#"{"text":"pspd"}"#;
const WARM_UP: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What was seen in one round.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Echoes {
    /// Messages that came back, a second.
    pub(super) per_second: f64,
    /// Of the gateway, for each message that went there and came back.
    pub(super) cpu_us: Option<f64>,
    pub(super) memory: Option<Memory>,
}

/// A gateway with one worker, started anew for each round.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Echoes>> {
    let rounds = 0..bench.options.rounds;
    rounds.map(|_| once(bench)).collect()
}

fn once(bench: &Bench<'_>) -> anyhow::Result<Echoes> {
    let backend = Backend::start(&bench.programs.pspd, bench.folder)?;
    let ours = Contestant::Ours(Workers::One);
    let mut gateway = bench.gateway(ours, Routes::Published, &backend)?;
    gateway.answered(super::scenario::HELLO)?;
    let (count, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let clients: Vec<_> = (0..SOCKETS)
        .map(|_| {
            let (address, count, over) = (gateway.address, Arc::clone(&count), Arc::clone(&over));
            thread::spawn(move || echo(address, &count, &over))
        })
        .collect();
    thread::sleep(WARM_UP);
    let (before, cpu_before, began) = (
        count.load(Ordering::Relaxed),
        cpu(gateway.pid()),
        Instant::now(),
    );
    thread::sleep(Duration::from_secs(bench.options.seconds.into()));
    let messages = (count.load(Ordering::Relaxed) - before) as f64;
    let (cpu_after, took) = (cpu(gateway.pid()), began.elapsed());
    over.store(true, Ordering::Relaxed);
    for client in clients {
        let done = client.join();
        done.unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked")))?;
    }
    ensure!(messages > 0.0, "no message came back");
    let echoes = Echoes {
        per_second: messages / took.as_secs_f64(),
        cpu_us: cpu_before
            .zip(cpu_after)
            .map(|(before, after)| (after - before).as_secs_f64() * 1e6 / messages),
        memory: Memory::of(gateway.pid()),
    };
    eprintln!(
        "  websocket: {:.0} messages/s, CPU {:.1} us a message",
        echoes.per_second,
        echoes.cpu_us.unwrap_or(f64::NAN)
    );
    Ok(echoes)
}

/// Sends and waits until it is `over`.
fn echo(address: SocketAddr, count: &AtomicU64, over: &AtomicBool) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let url = format!("ws://{address}{PATH}");
    let (mut socket, _): (WebSocket<TcpStream>, _) =
        tungstenite::client(url, stream).context("the handshake")?;
    while !over.load(Ordering::Relaxed) {
        socket.send(Message::text(MESSAGE))?;
        let answer = socket.read().context("no answer")?;
        let text = answer.to_text()?;
        ensure!(text.contains(r#""text":"pspd""#), "not an echo: {text}");
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Time on a processor, of all threads that still run, to the nanosecond. Absent
/// where there is no `/proc`.
fn cpu(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of = |thread: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    };
    threads.map(of).sum()
}
