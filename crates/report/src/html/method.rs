//! How it was measured: what was asked for, in sentences.

use std::time::Duration;

use maud::{Markup, html};
use results::{Arrivals, ConnectionCount, Restart, Reuse};

use super::Page;
use crate::{Language, method as statistics};

pub(super) fn method(page: Page<'_>) -> Markup {
    let rows = [
        (page.say("Load", "Carga"), page.load_words()),
        (page.say("Blocks", "Blocos"), page.blocks()),
        (page.say("Counting", "Contagem"), page.counting()),
        (page.say("Latency", "Latência"), page.latency()),
        (page.say("Connections", "Conexões"), page.connections()),
        (page.say("Cost", "Custo"), page.cost()),
        (
            page.say("Ratios", "Razões"),
            statistics(page.language).to_owned(),
        ),
    ];
    html! {
        dl {
            @for (name, text) in rows {
                dt { (name) }
                dd { (text) }
            }
        }
    }
}

/// As a reader writes it: `2 s`, `1.5 s`, `250 ms`.
fn duration(page: Page<'_>, of: Duration) -> String {
    match of.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{} s", page.number(seconds)),
        seconds => format!("{} ms", page.number(seconds * 1e3)),
    }
}

impl Page<'_> {
    fn load_words(self) -> String {
        let load = &self.digest.run.experiment.load;
        let pace = load.pace.map(|pace| duration(self, pace));
        if load.slo.is_none() && !load.users.is_empty() {
            return match (self.language, pace) {
                (Language::English, None) => "Closed loop: each virtual user sends its requests \
                    one after the other, and begins again when the last is answered."
                    .to_owned(),
                (Language::English, Some(pace)) => format!(
                    "Closed loop: each virtual user begins an iteration every {pace}, or as soon \
                     after as the one before has ended."
                ),
                (Language::Portuguese, None) => "Laço fechado: cada usuário virtual envia suas \
                    requisições uma após a outra e recomeça quando a última é respondida."
                    .to_owned(),
                (Language::Portuguese, Some(pace)) => format!(
                    "Laço fechado: cada usuário virtual começa uma iteração a cada {pace}, ou \
                     assim que a anterior terminar."
                ),
            };
        }
        let in_flight = self.number(f64::from(load.in_flight_max));
        let arrivals = match load.arrivals {
            Arrivals::Constant => self.say("evenly spaced", "igualmente espaçadas"),
            Arrivals::Poisson => self.say("Poisson", "de Poisson"),
        };
        let mut text = match self.language {
            Language::English => format!(
                "Open loop: iterations begin at the offered rate whatever the answers do, arrivals \
                 {arrivals}, at most {in_flight} under way; later ones wait, and the wait counts."
            ),
            Language::Portuguese => format!(
                "Laço aberto: as iterações começam à taxa oferecida, quaisquer que sejam as \
                 respostas, com chegadas {arrivals}, no máximo {in_flight} em andamento; as demais \
                 esperam, e a espera conta."
            ),
        };
        if let Some(objective) = &load.slo {
            let precision = self
                .language
                .decimals(&crate::figures::percent(load.rate_precision));
            text += &match self.language {
                Language::English => format!(
                    " The rate is searched for that still meets {objective}, to within {precision}."
                ),
                Language::Portuguese => format!(
                    " Busca-se a maior taxa que ainda cumpre {objective}, com precisão de \
                     {precision}."
                ),
            };
        }
        text
    }

    fn blocks(self) -> String {
        let run = self.digest.run;
        let of = &run.experiment;
        let (window, warm_up) = (duration(self, of.duration), duration(self, of.warm_up));
        let repetitions = of.repetitions;
        let seed = of
            .seed
            .map_or_else(|| "–".to_owned(), |seed| seed.to_string());
        let anew = match of.system.restart {
            Restart::EachRepetition => self.say(
                " Our own system is started anew for each repetition.",
                " Nosso próprio sistema é reiniciado a cada repetição.",
            ),
            Restart::Never => self.say(
                " Our own system is started once.",
                " Nosso próprio sistema é iniciado uma única vez.",
            ),
        };
        let own = of.targets.iter().any(|target| target.chain.is_some());
        let text = match self.language {
            Language::English => format!(
                "Every target is measured at every load {repetitions} times, a block each: {warm_up} \
                 of load that is not counted, then a window of {window}. In each repetition the \
                 loads keep their order; at each of them the targets come in an order drawn from \
                 seed {seed}, and every second repetition takes the order of the one before \
                 backwards, so that what changes with time falls on all targets alike."
            ),
            Language::Portuguese => format!(
                "Cada alvo é medido em cada carga {repetitions} vezes, um bloco por vez: {warm_up} \
                 de carga que não é contada, depois uma janela de {window}. Em cada repetição as \
                 cargas mantêm sua ordem; em cada uma delas os alvos vêm em uma ordem sorteada a \
                 partir da semente {seed}, e uma repetição em cada duas toma a ordem da anterior de \
                 trás para a frente, para que o que muda com o tempo recaia igualmente sobre todos \
                 os alvos."
            ),
        };
        if own { text + anew } else { text }
    }

    fn counting(self) -> String {
        let timeout = duration(self, self.digest.run.experiment.request_timeout);
        match self.language {
            Language::English => format!(
                "Requests a second: successes that ended inside the window, over its length. \
                 Latency: successes that were due inside the window, waited for up to {timeout}. A \
                 failure is never a success and has no latency; failures are counted by kind."
            ),
            Language::Portuguese => format!(
                "Requisições por segundo: sucessos que terminaram dentro da janela, divididos por \
                 sua duração. Latência: sucessos previstos para dentro da janela, aguardados por \
                 até {timeout}. Uma falha nunca é um sucesso e não tem latência; as falhas são \
                 contadas por tipo."
            ),
        }
    }

    fn latency(self) -> String {
        let kept = self.say(
            "Every time is recorded in an HDR histogram; percentiles are those of all requests of \
             all repetitions, their histograms merged without loss.",
            "Cada tempo é registrado em um histograma HDR; os percentis são os de todas as \
             requisições de todas as repetições, com os histogramas unidos sem perda.",
        );
        let from = match self.digest.has_intended_starts() {
            true => self.say(
                " Latency counts from the moment a request was due, not from when it was sent, so \
                 that a stall shows in all that had to wait for it; the figure from sending is \
                 beside it.",
                " A latência conta do momento em que a requisição era devida, não do envio, para \
                 que uma parada apareça em tudo o que esperou por ela; o valor desde o envio está \
                 ao lado.",
            ),
            false => self.say(
                " In a closed loop without pauses a request is due when the one before has ended, \
                 and sent at once.",
                " Em um laço fechado sem pausas, uma requisição é devida quando a anterior termina, \
                 e enviada na hora.",
            ),
        };
        format!("{kept}{from}")
    }

    fn connections(self) -> String {
        let of = &self.digest.run.experiment.connections;
        let streams = self.number(f64::from(of.streams_max));
        let count = match (of.count, self.language) {
            (ConnectionCount::Each(_), Language::English) => "one for each user".to_owned(),
            (ConnectionCount::Each(_), Language::Portuguese) => "uma por usuário".to_owned(),
            (ConnectionCount::Shared(count), Language::English) => {
                format!("{count} shared by all users")
            }
            (ConnectionCount::Shared(count), Language::Portuguese) => {
                format!("{count} compartilhadas por todos os usuários")
            }
        };
        let reuse = match of.reuse {
            Reuse::Keep => self.say("kept open", "mantidas abertas"),
            Reuse::NewEachRequest => self.say(
                "opened anew for each request",
                "abertas de novo a cada requisição",
            ),
        };
        match self.language {
            Language::English => format!(
                "The same policy for every target: {count}, {reuse}; over HTTP/2 at most {streams} \
                 requests on one at a time."
            ),
            Language::Portuguese => format!(
                "A mesma política para todos os alvos: {count}, {reuse}; em HTTP/2, no máximo \
                 {streams} requisições por vez em cada uma."
            ),
        }
    }

    fn cost(self) -> String {
        let run = self.digest.run;
        let threads = run.experiment.generator.threads;
        let mut text = match self.language {
            Language::English => format!(
                "Processor time is that of user and kernel, of every process of a role, over the \
                 window. The load comes from {threads} thread(s) of this program, accounted for \
                 apart and watched for saturation and lateness."
            ),
            Language::Portuguese => format!(
                "O tempo de processador é o de usuário e de núcleo, de todos os processos de um \
                 papel, durante a janela. A carga vem de {threads} thread(s) deste programa, \
                 contabilizada(s) à parte e vigiada(s) quanto a saturação e atraso."
            ),
        };
        for (role, arguments) in &run.role_arguments {
            if !arguments.is_empty() {
                text += &format!(" {role}: {}.", arguments.join(" "));
            }
        }
        text
    }
}
