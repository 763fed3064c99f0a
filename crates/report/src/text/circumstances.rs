//! The head of a report: what measured what, where, when, and how far it came.

use results::{Arrivals, Experiment, State};

use crate::{Digest, Language};

/// Three lines or four.
pub fn circumstances(digest: &Digest<'_>, language: Language) -> String {
    let run = digest.run;
    let commit = run.pspd_commit.as_ref();
    let commit = commit.map_or(String::new(), |commit| format!(" ({commit})"));
    let seed = run.experiment.seed;
    let seed = seed.map_or(String::new(), |seed| {
        format!(", {} {seed}", language.choose("seed", "semente"))
    });
    let mut lines = vec![
        format!(
            "pspd {}{commit}, {} UTC{seed}.",
            run.pspd_version,
            run.started().trim_end_matches('Z').replace('T', " "),
        ),
        format!("{}.", run.machine.line()),
        design(&run.experiment, language),
    ];
    lines.extend(progress(digest, language));
    lines.join("\n")
}

fn design(experiment: &Experiment, language: Language) -> String {
    let seconds =
        |duration: std::time::Duration| language.decimals(&format!("{} s", duration.as_secs_f64()));
    let window = seconds(experiment.duration);
    let warm_up = seconds(experiment.warm_up);
    let timeout = seconds(experiment.request_timeout);
    let repetitions = experiment.repetitions;
    let threads = experiment.generator.threads;
    let shape = shape(experiment, language);
    match language {
        Language::English => format!(
            "{shape}; {repetitions} repetition{}, {window} each after {warm_up} of warm-up, the \
             targets in drawn order at each load; request timeout {timeout}; {threads} generator thread{}.",
            plural(repetitions),
            plural(threads)
        ),
        Language::Portuguese => format!(
            "{shape}; {repetitions} {}, {window} cada após {warm_up} de aquecimento, os alvos em \
             ordem sorteada em cada carga; tempo limite de requisição {timeout}; {threads} thread{} do gerador.",
            if repetitions == 1 {
                "repetição"
            } else {
                "repetições"
            },
            plural(threads)
        ),
    }
}

fn shape(experiment: &Experiment, language: Language) -> String {
    let load = &experiment.load;
    let arrivals = match load.arrivals {
        Arrivals::Constant => {
            language.choose("evenly spaced arrivals", "chegadas espaçadas por igual")
        }
        Arrivals::Poisson => language.choose("Poisson arrivals", "chegadas de Poisson"),
    };
    if let Some(objective) = &load.slo {
        return match language {
            Language::English => {
                format!("Search for the highest rate with {objective}, {arrivals}")
            }
            Language::Portuguese => format!("Busca da maior taxa com {objective}, {arrivals}"),
        };
    }
    if !load.rates.is_empty() {
        let open = language.choose("Open loop", "Malha aberta");
        return format!("{open}, {arrivals}");
    }
    let closed = language.choose("Closed loop", "Malha fechada");
    match (load.pace, language) {
        (None, _) => closed.to_owned(),
        (Some(pace), Language::English) => {
            format!("{closed}, an iteration each {} s", pace.as_secs_f64())
        }
        (Some(pace), Language::Portuguese) => {
            let pace = language.decimals(&pace.as_secs_f64().to_string());
            format!("{closed}, uma iteração a cada {pace} s")
        }
    }
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn progress(digest: &Digest<'_>, language: Language) -> Option<String> {
    let done = digest.run.blocks.len();
    let planned = digest.run.blocks_planned;
    match (digest.run.state, language) {
        (State::Complete, _) => None,
        (State::Running, Language::English) => Some(format!("{done} of {planned} blocks so far.")),
        (State::Running, Language::Portuguese) => {
            Some(format!("{done} de {planned} blocos até agora."))
        }
        (State::Interrupted | State::Failed, Language::English) => Some(format!(
            "Stopped early: {done} of {planned} blocks; go on with --resume."
        )),
        (State::Interrupted | State::Failed, Language::Portuguese) => Some(format!(
            "Encerrada antes do fim: {done} de {planned} blocos; continue com --resume."
        )),
    }
}
