//! Warnings of the whole run: how it was built and resumed, how many repetitions
//! it has, and the traps of its connection policy.

use std::collections::BTreeSet;

use results::{Block, ConnectionCount, Missed, Reuse, Session, State, Target};

use super::Warning;
use crate::{Digest, Language, REPETITIONS_MIN, metric::a_request_of_window};

/// Streams on one connection that HTTP/2 servers commonly allow (RFC 9113,
/// section 6.5.2, recommends no less); more wait in the generator.
const STREAMS_MAX: u32 = 100;
/// The flow-control window of HTTP/2 unless negotiated otherwise.
const WINDOW_DEFAULT: u32 = 65_535;
/// An answer larger than that stalls until its window is opened again.
const ANSWER_LARGE_BYTES: f64 = 64.0 * 1024.0;

pub(super) fn warnings(digest: &Digest<'_>, language: Language) -> Vec<Warning> {
    let found = [
        debug_build(digest, language),
        repetitions(digest, language),
        sessions(digest, language),
        programs(digest, language),
        in_flight(digest, language),
        histograms(digest, language),
        reuse(digest, language),
        streams(digest, language),
        users_per_connection(digest, language),
        windows(digest, language),
    ];
    found.into_iter().flatten().collect()
}

fn debug_build(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let (what, remedy) = language.choose(
        (
            "this is a debug build, several times slower than a release build: its figures say \
             nothing",
            "use cargo run --release -- lab",
        ),
        (
            "esta é uma compilação de depuração, várias vezes mais lenta que a de release: seus \
             valores nada dizem",
            "use cargo run --release -- lab",
        ),
    );
    digest
        .run
        .debug_build
        .then(|| Warning::of_run(what, remedy))
}

fn repetitions(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let most = digest.cells.iter().map(|cell| cell.blocks.len()).max()?;
    let goes_on = digest.run.state == State::Running;
    let planned = digest.run.experiment.repetitions as usize;
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "{most} repetition(s): fewer than {REPETITIONS_MIN} give no intervals, and no verdicts"
            ),
            "raise --repetitions; 5 is the default",
        ),
        Language::Portuguese => (
            format!(
                "{most} repetição(ões): menos de {REPETITIONS_MIN} não dão intervalos, nem vereditos"
            ),
            "aumente --repetitions; o padrão é 5",
        ),
    };
    let few = most < REPETITIONS_MIN && !(goes_on && planned >= REPETITIONS_MIN);
    few.then(|| Warning::of_run(what, remedy))
}

fn sessions(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let sessions = digest.run.sessions.len();
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "the run was made in {sessions} sessions: blocks of one repetition may lie hours \
                 apart, and what changed on the machine in between is then in their ratio"
            ),
            "read the intervals with that in mind, or repeat the run in one session",
        ),
        Language::Portuguese => (
            format!(
                "a execução foi feita em {sessions} sessões: blocos de uma mesma repetição podem \
                 estar a horas de distância, e o que mudou na máquina nesse tempo está na razão \
                 entre eles"
            ),
            "leia os intervalos sabendo disso, ou repita a execução em uma só sessão",
        ),
    };
    (sessions > 1).then(|| Warning::of_run(what, remedy))
}

/// Sessions of several programs, or under several kernels.
fn programs(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let sessions = &digest.run.sessions;
    let distinct = |text: &dyn Fn(&Session) -> String| {
        let all: BTreeSet<String> = sessions.iter().map(text).collect();
        let all: Vec<String> = all.into_iter().collect();
        (all.len() > 1).then(|| language.list(&all))
    };
    let unknown = language.choose("unknown", "desconhecido");
    let known = |of: &Option<String>| of.clone().unwrap_or_else(|| unknown.to_owned());
    let programs = distinct(&|of| {
        let commit = known(&of.pspd_commit);
        format!("{} ({commit})", of.pspd_version)
    });
    let kernels = distinct(&|of| known(&of.kernel));
    let found = [
        programs.map(|all| format!("pspd {all}")),
        kernels.map(|all| format!("{} {all}", language.choose("kernels", "núcleos"))),
    ];
    let found: Vec<String> = found.into_iter().flatten().collect();
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "the sessions of the run differ in more than time: {}; blocks of one repetition \
                 may be of both",
                found.join(", ")
            ),
            "repeat the run with one program on one kernel",
        ),
        Language::Portuguese => (
            format!(
                "as sessões da execução diferem em mais que o horário: {}; os blocos de uma mesma \
                 repetição podem ser de ambos",
                found.join(", ")
            ),
            "repita a execução com um só programa e um só núcleo",
        ),
    };
    (!found.is_empty()).then(|| Warning::of_run(what, remedy))
}

/// Whether the lowest rate that a search could not hold met the objective, and
/// arrivals waited all the same.
fn is_ended_by_waiting(block: &Block) -> bool {
    let rates = |held: bool| {
        let probes = block.probes.iter();
        let probes = probes.filter(move |probe| probe.missed.is_none() == held);
        probes.map(|probe| probe.offered_per_second)
    };
    let held = rates(true).fold(0.0, f64::max);
    let missed = rates(false).filter(|rate| *rate > held);
    let missed = missed.fold(f64::INFINITY, f64::min);
    block.probes.iter().any(|probe| {
        probe.offered_per_second == missed && probe.missed == Some(Missed::NotSustained)
    })
}

fn in_flight(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let targets = digest.targets().into_iter().filter(|name| {
        let mut blocks = digest.run.blocks.iter();
        blocks.any(|block| block.target == *name && is_ended_by_waiting(block))
    });
    let targets: Vec<String> = targets.map(str::to_owned).collect();
    let names = language.list(&targets);
    let limit = digest.run.experiment.load.in_flight_max;
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "{names}: the search ended at a rate that met the objective and was not sustained: \
                 arrivals waited, perhaps only because no more than {limit} iterations may be under \
                 way"
            ),
            "raise --in-flight-max and see whether the rate rises",
        ),
        Language::Portuguese => (
            format!(
                "{names}: a busca terminou em uma taxa que cumpriu o objetivo e não se sustentou: \
                 chegadas esperaram, talvez só porque não pode haver mais de {limit} iterações em \
                 andamento"
            ),
            "aumente --in-flight-max e veja se a taxa sobe",
        ),
    };
    (!targets.is_empty()).then(|| Warning::of_run(what, remedy))
}

fn histograms(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let missing: usize = digest
        .cells
        .iter()
        .map(|cell| cell.histograms_missing)
        .sum();
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "the raw histograms of {missing} block(s) cannot be read, so their cells have no percentiles"
            ),
            "restore the files in the folder histograms",
        ),
        Language::Portuguese => (
            format!(
                "os histogramas brutos de {missing} bloco(s) não puderam ser lidos; suas células ficam sem percentis"
            ),
            "restaure os arquivos na pasta histograms",
        ),
    };
    (missing > 0).then(|| Warning::of_run(what, remedy))
}

fn reuse(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let (what, remedy) = language.choose(
        (
            "every request opens a connection of its own: handshakes are in the latencies and in \
             the CPU, and local ports may run out",
            "use reuse = \"keep\" unless this is what you want to know",
        ),
        (
            "cada requisição abre uma conexão própria: o estabelecimento dela está nas latências e \
             na CPU, e as portas locais podem acabar",
            "use reuse = \"keep\", a menos que seja isto o que quer saber",
        ),
    );
    let is_new = digest.run.experiment.connections.reuse == Reuse::NewEachRequest;
    is_new.then(|| Warning::of_run(what, remedy))
}

fn streams(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let connections = &digest.run.experiment.connections;
    let streams = connections.streams_max;
    let is_shared = matches!(connections.count, ConnectionCount::Shared(_));
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "streams-max is {streams}: many HTTP/2 servers allow {STREAMS_MAX} on a \
                 connection, and what is above waits in the generator, in the latency and out of \
                 sight"
            ),
            "use more connections with at most 100 streams each",
        ),
        Language::Portuguese => (
            format!(
                "streams-max é {streams}: muitos servidores HTTP/2 permitem {STREAMS_MAX} por \
                 conexão, e o que passa disso espera no gerador, dentro da latência e fora da vista"
            ),
            "use mais conexões com no máximo 100 streams cada",
        ),
    };
    (is_shared && streams > STREAMS_MAX).then(|| Warning::of_run(what, remedy))
}

fn users_per_connection(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let experiment = &digest.run.experiment;
    let ConnectionCount::Shared(connections) = experiment.connections.count else {
        return None;
    };
    if !experiment.targets.iter().any(is_grpc) {
        return None;
    }
    let load = &experiment.load;
    let users = match load.users.iter().max() {
        Some(users) => *users,
        None => load.in_flight_max,
    };
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "up to {users} users share {connections} connection(s): more than {STREAMS_MAX} \
                 on each wait for a stream before their request is sent"
            ),
            "use more connections, or \"per-user\"",
        ),
        Language::Portuguese => (
            format!(
                "até {users} usuários dividem {connections} conexão(ões): além de {STREAMS_MAX} em \
                 cada uma, eles esperam por um stream antes de a requisição ser enviada"
            ),
            "use mais conexões, ou \"per-user\"",
        ),
    };
    let is_crowded = users > connections.saturating_mul(STREAMS_MAX);
    is_crowded.then(|| Warning::of_run(what, remedy))
}

fn windows(digest: &Digest<'_>, language: Language) -> Option<Warning> {
    let connections = &digest.run.experiment.connections;
    let window = connections
        .stream_window_bytes
        .min(connections.connection_window_bytes);
    let large = |target: &&Target| {
        let mut of_target = digest.run.blocks.iter();
        is_grpc(target)
            && of_target.any(|block| {
                let bytes = a_request_of_window(block, block.generator_bytes_received);
                block.target == target.name && bytes > Some(ANSWER_LARGE_BYTES)
            })
    };
    let targets = digest.run.experiment.targets.iter().filter(large);
    let targets: Vec<String> = targets.map(|target| target.name.clone()).collect();
    let names = language.list(&targets);
    let (what, remedy) = match language {
        Language::English => (
            format!(
                "{names}: answers are larger than the default flow-control window of \
                 {WINDOW_DEFAULT} bytes, so the target waits a round trip for each window"
            ),
            "set stream-window-bytes and connection-window-bytes as your clients have them",
        ),
        Language::Portuguese => (
            format!(
                "{names}: as respostas são maiores que a janela de controle de fluxo padrão, de \
                 {WINDOW_DEFAULT} bytes, e o alvo espera uma ida e volta a cada janela"
            ),
            "ajuste stream-window-bytes e connection-window-bytes aos dos seus clientes",
        ),
    };
    (window <= WINDOW_DEFAULT && !targets.is_empty()).then(|| Warning::of_run(what, remedy))
}

/// The generator speaks HTTP/2 to it.
fn is_grpc(target: &Target) -> bool {
    target
        .url
        .as_ref()
        .is_some_and(|url| url.starts_with("grpc://"))
}
