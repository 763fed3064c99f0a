//! The words of each kind of mark. Figures of several blocks are told by the
//! worst of them, counts by their sum.

use results::{Block, Failures, Mark, MarkKind};

use crate::{
    Language,
    figures::{milliseconds, percent, rate},
};

/// What is wrong and what to do about it.
pub(super) fn words(
    kind: MarkKind,
    marked: &[(&Block, Mark)],
    language: Language,
) -> (String, String) {
    let worst = worst(kind, marked);
    let told = Told {
        value: language.decimals(&figure(kind, worst.value)),
        limit: language.decimals(&figure(kind, worst.limit)),
        sum: marked.iter().map(|(_, mark)| mark.value).sum::<f64>() as u64,
    };
    match language {
        Language::English => (english(kind, &told, marked), english_remedy(kind, marked)),
        Language::Portuguese => (
            portuguese(kind, &told, marked),
            portuguese_remedy(kind, marked),
        ),
    }
}

struct Told {
    value: String,
    limit: String,
    sum: u64,
}

/// The farthest from what it should be.
fn worst(kind: MarkKind, marked: &[(&Block, Mark)]) -> Mark {
    let mut worst = marked[0].1;
    for (_, mark) in marked {
        let is_worse = match kind {
            MarkKind::NotSustained
            | MarkKind::SearchEndedByGenerator
            | MarkKind::SearchEndedAtMaximum => mark.value < worst.value,
            MarkKind::LittlesLaw => mark.value.abs() > worst.value.abs(),
            _ => mark.value > worst.value,
        };
        if is_worse {
            worst = *mark;
        }
    }
    worst
}

fn figure(kind: MarkKind, value: f64) -> String {
    match kind {
        MarkKind::GeneratorLate | MarkKind::GeneratorPaused => milliseconds(value),
        MarkKind::SearchEndedByGenerator | MarkKind::SearchEndedAtMaximum => {
            format!("{}/s", rate(value))
        }
        MarkKind::LittlesLaw if value < 0.0 => format!("-{}", percent(-value)),
        _ => percent(value),
    }
}

fn english(kind: MarkKind, told: &Told, marked: &[(&Block, Mark)]) -> String {
    let Told { value, limit, sum } = told;
    match kind {
        MarkKind::GeneratorBusy => format!(
            "generator-bound: a thread of the generator was {value} busy (limit {limit}), so the \
             figures may be the generator's own"
        ),
        MarkKind::GeneratorLate => format!(
            "generator-bound: the generator was woken {value} late at p99 (limit {limit}), which \
             is in the latencies"
        ),
        MarkKind::GeneratorPaused => format!(
            "the generator itself was held up for {value}, more than half of the longest latency \
             ({limit}): p99.9 and maximum may be its own"
        ),
        MarkKind::NoLocalPort => format!(
            "generator-bound: {sum} requests were never sent, because this machine had no local \
             port left"
        ),
        MarkKind::Unsent => format!(
            "generator-bound: {sum} requests were never sent: the generator had no descriptor or \
             memory for them, or they could not be made"
        ),
        MarkKind::ConnectionsOpened => format!(
            "{sum} connections were opened within the window although they are kept: the target \
             closed them, and opening is in the latencies"
        ),
        MarkKind::NotSustained => format!(
            "the offered rate was not reached: {value} of it was completed; requests queued, and \
             their latency says how long the window was"
        ),
        MarkKind::SearchEndedByGenerator if worst(kind, marked).value == 0.0 => {
            "no rate held, and what ended the search was the generator, not the target".to_owned()
        }
        MarkKind::SearchEndedByGenerator => format!(
            "the target held at least {value}; the generator, and not the target, ended the search"
        ),
        MarkKind::SearchEndedAtMaximum => format!(
            "the target held {value}, which is rate-max, and so the search ended there: it may hold \
             more"
        ),
        MarkKind::LittlesLaw => format!(
            "Little's law is broken: rate x mean time of an iteration is {value} off the number of \
             users (limit {limit}), so some of their time is in neither figure"
        ),
        MarkKind::UsersStalled => format!(
            "{sum} users spent the whole window in a request begun before it; their latency is not \
             in the figures"
        ),
        MarkKind::UsersUnserved => {
            format!("{sum} users were never served, neither in the warm-up nor in the window")
        }
        MarkKind::Failures => {
            let (share, kinds) = failures(marked, Language::English);
            format!("{sum} requests failed ({share}): {kinds}; they are not in the latencies")
        }
        MarkKind::MachineFull => format!(
            "the machine had no processor to spare ({value} busy), so its processes, the generator \
             too, waited for each other: this is what the target does on a full machine, not the \
             protocol's own time"
        ),
        MarkKind::Steal => {
            format!("the hypervisor took up to {value} of the processor time away (limit {limit})")
        }
        MarkKind::CpuPressure => format!(
            "runnable tasks waited for a processor during up to {value} of the time (limit {limit}), \
             and that wait is in the latencies"
        ),
        MarkKind::OtherPrograms => {
            format!("programs outside this run used up to {value} of the machine (limit {limit})")
        }
        MarkKind::PeakNotReset => "peak memory is that since the process started, not since the \
             block began: the kernel did not let it be reset"
            .to_owned(),
    }
}

fn portuguese(kind: MarkKind, told: &Told, marked: &[(&Block, Mark)]) -> String {
    let Told { value, limit, sum } = told;
    match kind {
        MarkKind::GeneratorBusy => format!(
            "limitado pelo gerador: uma thread do gerador ficou {value} ocupada (limite {limit}); \
             os valores podem ser do próprio gerador"
        ),
        MarkKind::GeneratorLate => format!(
            "limitado pelo gerador: o gerador acordou com {value} de atraso no p99 (limite \
             {limit}), e esse atraso está nas latências"
        ),
        MarkKind::GeneratorPaused => format!(
            "o próprio gerador ficou parado por {value}, mais da metade da maior latência \
             ({limit}): p99.9 e máximo podem ser dele"
        ),
        MarkKind::NoLocalPort => format!(
            "limitado pelo gerador: {sum} requisições nunca foram enviadas, porque não restava \
             porta local nesta máquina"
        ),
        MarkKind::Unsent => format!(
            "limitado pelo gerador: {sum} requisições nunca foram enviadas: faltou ao gerador \
             descritor ou memória para elas, ou não puderam ser montadas"
        ),
        MarkKind::ConnectionsOpened => format!(
            "{sum} conexões foram abertas dentro da janela, embora sejam mantidas: o alvo as \
             fechou, e abri-las está nas latências"
        ),
        MarkKind::NotSustained => format!(
            "a taxa oferecida não foi alcançada: só {value} dela foi concluída; as requisições \
             formaram fila, e a latência delas diz quanto durou a janela"
        ),
        MarkKind::SearchEndedByGenerator if worst(kind, marked).value == 0.0 => {
            "nenhuma taxa se sustentou, e foi o gerador, não o alvo, que encerrou a busca"
                .to_owned()
        }
        MarkKind::SearchEndedByGenerator => format!(
            "o alvo sustentou pelo menos {value}; foi o gerador, e não o alvo, que encerrou a busca"
        ),
        MarkKind::SearchEndedAtMaximum => format!(
            "o alvo sustentou {value}, que é rate-max, e por isso a busca terminou ali: ele pode \
             sustentar mais"
        ),
        MarkKind::LittlesLaw => format!(
            "a lei de Little não vale: taxa x tempo médio de uma iteração difere em {value} do \
             número de usuários (limite {limit}); parte do tempo deles não está em nenhum dos dois"
        ),
        MarkKind::UsersStalled => format!(
            "{sum} usuários passaram a janela inteira em uma requisição iniciada antes dela; a \
             latência deles não está nos valores"
        ),
        MarkKind::UsersUnserved => {
            format!("{sum} usuários nunca foram atendidos, nem no aquecimento nem na janela")
        }
        MarkKind::Failures => {
            let (share, kinds) = failures(marked, Language::Portuguese);
            format!("{sum} requisições falharam ({share}): {kinds}; elas não estão nas latências")
        }
        MarkKind::MachineFull => format!(
            "a máquina não tinha processador de sobra ({value} ocupada), e seus processos, também \
             o gerador, esperaram uns pelos outros: é o que o alvo faz em uma máquina cheia, não o \
             tempo do protocolo em si"
        ),
        MarkKind::Steal => {
            format!("o hipervisor tomou até {value} do tempo de processador (limite {limit})")
        }
        MarkKind::CpuPressure => format!(
            "tarefas prontas esperaram por um processador em até {value} do tempo (limite {limit}), \
             e essa espera está nas latências"
        ),
        MarkKind::OtherPrograms => {
            format!(
                "programas alheios a esta execução usaram até {value} da máquina (limite {limit})"
            )
        }
        MarkKind::PeakNotReset => "o pico de memória é o desde o início do processo, não desde o \
             início do bloco: o kernel não permitiu reiniciá-lo"
            .to_owned(),
    }
}

/// The share of the requests of the marked blocks, and the kinds with their
/// counts.
fn failures(marked: &[(&Block, Mark)], language: Language) -> (String, String) {
    let sum = |of: fn(&Failures) -> u64| -> u64 {
        marked.iter().map(|(block, _)| of(&block.failures)).sum()
    };
    let kinds = [
        (sum(|of| of.connect), "connect", "de conexão"),
        (sum(|of| of.closed), "closed", "com conexão encerrada"),
        (sum(|of| of.timeout), "timeout", "por tempo esgotado"),
        (sum(|of| of.status), "status", "por status"),
        (
            sum(|of| of.malformed),
            "malformed",
            "com resposta malformada",
        ),
    ];
    let kinds =
        kinds
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, english, portuguese)| {
                format!("{count} {}", language.choose(english, portuguese))
            });
    let kinds: Vec<String> = kinds.collect();
    let succeeded: u64 = marked
        .iter()
        .filter_map(|(block, _)| block.latency)
        .map(|latency| latency.count)
        .sum();
    let failed = sum(|of| of.total);
    let share = failed as f64 / (failed + succeeded).max(1) as f64;
    (language.decimals(&percent(share)), kinds.join(", "))
}

/// More threads help a thread that is full, not a machine that is.
fn is_machine_full(marked: &[(&Block, Mark)]) -> bool {
    marked.iter().any(|(block, _)| {
        let mut marks = block.marks.iter();
        marks.any(|mark| matches!(mark.kind, MarkKind::MachineFull | MarkKind::CpuPressure))
    })
}

fn english_remedy(kind: MarkKind, marked: &[(&Block, Mark)]) -> String {
    match kind {
        MarkKind::GeneratorBusy => {
            "use more --generator-threads, another machine for the load, or less load"
        }
        MarkKind::GeneratorLate if is_machine_full(marked) => {
            "use another machine for the load, or less load"
        }
        MarkKind::GeneratorLate => {
            "use more --generator-threads, pin them to processors of their own, or use less load"
        }
        MarkKind::GeneratorPaused => {
            "pin its threads to processors of their own, or repeat the run on a quiet machine"
        }
        MarkKind::Unsent => {
            "raise the limit on open files, use fewer users, or look at the requests' templates"
        }
        MarkKind::ConnectionsOpened => {
            "raise the target's idle timeout or its requests a connection, or use fewer connections"
        }
        MarkKind::NoLocalPort => {
            "keep connections open, choose fewer users, or widen net.ipv4.ip_local_port_range"
        }
        MarkKind::NotSustained => {
            "lower the rate, let --slo find the highest that holds, or raise --in-flight-max if it \
             was the limit"
        }
        MarkKind::SearchEndedByGenerator => {
            "use more --generator-threads, or another machine for the load"
        }
        MarkKind::SearchEndedAtMaximum => "raise rate-max",
        MarkKind::LittlesLaw => {
            "choose a longer --duration, and look at failures and stalled users first"
        }
        MarkKind::UsersStalled => "choose a --duration longer than an answer",
        MarkKind::UsersUnserved => "look at the failures, or choose fewer users",
        MarkKind::Failures => "look for the cause in the target's logs before reading on",
        MarkKind::MachineFull => "use less load, or another machine for the load",
        MarkKind::Steal => "repeat the run on a quiet machine",
        MarkKind::CpuPressure => "use less load, or give the system and the generator processors \
             of their own",
        MarkKind::OtherPrograms => "repeat the run on a quiet machine",
        MarkKind::PeakNotReset => {
            "compare peaks of the lightest load only, or measure as the user that owns the processes"
        }
    }
    .to_owned()
}

fn portuguese_remedy(kind: MarkKind, marked: &[(&Block, Mark)]) -> String {
    match kind {
        MarkKind::GeneratorBusy => {
            "use mais --generator-threads, outra máquina para a carga, ou menos carga"
        }
        MarkKind::GeneratorLate if is_machine_full(marked) => {
            "use outra máquina para a carga, ou menos carga"
        }
        MarkKind::GeneratorLate => {
            "use mais --generator-threads, fixe-as em processadores próprios, ou use menos carga"
        }
        MarkKind::GeneratorPaused => {
            "fixe as threads dele em processadores próprios, ou repita em uma máquina sossegada"
        }
        MarkKind::Unsent => {
            "aumente o limite de arquivos abertos, use menos usuários, ou veja os modelos das \
             requisições"
        }
        MarkKind::ConnectionsOpened => {
            "aumente o tempo ocioso ou as requisições por conexão do alvo, ou use menos conexões"
        }
        MarkKind::NoLocalPort => {
            "mantenha as conexões abertas, use menos usuários, ou amplie \
             net.ipv4.ip_local_port_range"
        }
        MarkKind::NotSustained => {
            "reduza a taxa, deixe --slo encontrar a maior que se sustenta, ou aumente \
             --in-flight-max se foi ele o limite"
        }
        MarkKind::SearchEndedByGenerator => {
            "use mais --generator-threads, ou outra máquina para a carga"
        }
        MarkKind::SearchEndedAtMaximum => "aumente rate-max",
        MarkKind::LittlesLaw => {
            "use uma --duration maior, e veja antes as falhas e os usuários parados"
        }
        MarkKind::UsersStalled => "use uma --duration maior que uma resposta",
        MarkKind::UsersUnserved => "veja as falhas, ou use menos usuários",
        MarkKind::Failures => "procure a causa nos logs do alvo antes de continuar a leitura",
        MarkKind::MachineFull => "use menos carga, ou outra máquina para a carga",
        MarkKind::Steal => "repita a execução em uma máquina sossegada",
        MarkKind::CpuPressure => {
            "use menos carga, ou dê processadores próprios ao sistema e ao gerador"
        }
        MarkKind::OtherPrograms => "repita a execução em uma máquina sossegada",
        MarkKind::PeakNotReset => {
            "compare só os picos da menor carga, ou meça como o usuário dono dos processos"
        }
    }
    .to_owned()
}
