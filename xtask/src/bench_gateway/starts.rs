//! How long a gateway takes from its start to its first answers, and what memory it
//! then holds, before any load. Gateways take turns, in another order each time.

use std::{thread, time::Duration};

use super::{
    Bench,
    backend::Backend,
    contestant::{Contestant, Workers},
    memory::Memory,
    scenario::{HELLO, Routes},
    turns,
};

const STARTS: usize = 20;
/// After the first answers, until memory is read.
const SETTLE: Duration = Duration::from_millis(300);

/// What was seen of one start. Times are from before the process was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Start {
    /// `/healthz`, which no service takes part in.
    pub(super) health_ms: f64,
    /// `/a/hello`, which service A has to answer.
    pub(super) hello_ms: f64,
    pub(super) idle_mib: Option<f64>,
}

/// Every gateway with one worker, so often.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<(Contestant, Vec<Start>)>> {
    let backend = Backend::start(&bench.programs.pspd, bench.folder)?;
    let one_worker = |contestant: &Contestant| {
        !matches!(
            contestant,
            Contestant::Ours(Workers::All) | Contestant::Envoy(Workers::All)
        )
    };
    let contestants: Vec<_> = bench
        .contestants
        .iter()
        .copied()
        .filter(one_worker)
        .collect();
    let mut starts: Vec<(Contestant, Vec<Start>)> = contestants
        .iter()
        .map(|contestant| (*contestant, Vec::new()))
        .collect();
    for number in 0..STARTS {
        for contestant in turns(&contestants, number) {
            let start = once(bench, &backend, contestant)?;
            let of = starts.iter_mut().find(|(of, _)| *of == contestant);
            if let Some((_, starts)) = of {
                starts.push(start);
            }
        }
    }
    Ok(starts)
}

fn once(bench: &Bench<'_>, backend: &Backend, contestant: Contestant) -> anyhow::Result<Start> {
    let mut gateway = bench.gateway(contestant, Routes::Published, backend)?;
    let health = gateway.answered("/healthz")?;
    let hello = gateway.answered(HELLO)?;
    thread::sleep(SETTLE);
    Ok(Start {
        health_ms: health.as_secs_f64() * 1e3,
        hello_ms: hello.as_secs_f64() * 1e3,
        idle_mib: Memory::of(gateway.pid()).map(|memory| memory.now),
    })
}
