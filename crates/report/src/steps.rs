//! The steps of searches for the highest rate, as rows of a table: what was
//! offered, what was reached, the objective's figure, and what came of it. In: a
//! digest; out: texts, the same for every output.

use results::{LoadPoint, Missed};

use crate::{
    Digest, Language, Objective,
    figures::{ABSENT, plain, rate},
};

/// One step of one search.
pub(crate) struct Step<'a> {
    pub(crate) target: &'a str,
    pub(crate) repetition: u32,
    /// Iterations a second.
    pub(crate) offered: String,
    /// Iterations a second.
    pub(crate) reached: String,
    /// The objective's figure, with its unit.
    pub(crate) measured: String,
    pub(crate) outcome: &'static str,
    pub(crate) held: bool,
}

/// By target, repetition, and in the order in which they were taken.
pub(crate) fn steps<'a>(digest: &Digest<'a>, language: Language) -> Vec<Step<'a>> {
    let objective = digest.run.experiment.load.slo.as_deref();
    let objective = objective.and_then(|text| Objective::parse(text).ok());
    let write = |measured: f64| {
        let text = objective.as_ref().map(|of| of.write(measured));
        text.unwrap_or_else(|| plain(measured))
    };
    let per_second = |of: f64| language.decimals(&format!("{}/s", rate(of)));
    let mut steps = Vec::new();
    for cell in digest
        .cells
        .iter()
        .filter(|cell| cell.load == LoadPoint::Search)
    {
        for block in &cell.blocks {
            steps.extend(block.probes.iter().map(|probe| Step {
                target: &cell.target.name,
                repetition: block.repetition,
                offered: per_second(probe.offered_per_second),
                reached: per_second(probe.iterations_per_second),
                measured: language.decimals(&probe.measured.map_or(ABSENT.to_owned(), write)),
                outcome: outcome(probe.missed, language),
                held: probe.missed.is_none(),
            }));
        }
    }
    steps
}

fn outcome(missed: Option<Missed>, language: Language) -> &'static str {
    let (english, portuguese) = match missed {
        None => ("held", "sustentada"),
        Some(Missed::Generator) => ("generator at its limit", "gerador no limite"),
        Some(Missed::NotSustained) => ("arrivals waited", "chegadas esperaram"),
        Some(Missed::Objective) => ("objective missed", "objetivo não cumprido"),
    };
    language.choose(english, portuguese)
}

/// The column of the objective's figure.
pub(crate) fn objective<'a>(digest: &Digest<'a>) -> &'a str {
    let objective = digest.run.experiment.load.slo.as_deref();
    objective.unwrap_or_default()
}

/// How the rows are to be read.
pub(crate) fn method(digest: &Digest<'_>, language: Language) -> String {
    let limit = digest.run.experiment.load.in_flight_max;
    match language {
        Language::English => format!(
            "Offered and reached: iterations a second. A rate counts as too high when it did not \
             hold twice in a row. Generator at its limit: the target may have held the rate. \
             Arrivals waited: the objective was met, but the rate was not reached, or {limit} \
             iterations were under way and more were due; if the target could take more at a time, \
             raise --in-flight-max. Objective missed: its figure was beyond the limit, or requests \
             failed."
        ),
        Language::Portuguese => format!(
            "Oferecida e alcançada: iterações por segundo. Uma taxa é tida como alta demais quando \
             não se sustenta duas vezes seguidas. Gerador no limite: o alvo talvez tenha sustentado \
             a taxa. Chegadas esperaram: o objetivo foi cumprido, mas a taxa não foi alcançada, ou \
             havia {limit} iterações em andamento e outras já eram devidas; se o alvo aguenta mais \
             de uma vez, aumente --in-flight-max. Objetivo não cumprido: o valor passou do limite, \
             ou requisições falharam."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn every_step_says_what_came_of_it() {
        let run = testing::search_run();
        let digest = testing::digest(&run);
        let row = |of: &Step<'_>| {
            let Step {
                offered,
                reached,
                measured,
                outcome,
                ..
            } = of;
            format!("{offered} {reached} {measured} {outcome}")
        };
        let english: Vec<String> = steps(&digest, Language::English).iter().map(row).collect();
        assert_eq!(
            english.len(),
            24,
            "two targets, three repetitions, four steps"
        );
        assert_eq!(
            english[..4],
            [
                "200.0/s 200.0/s 312 ms held",
                "400.0/s 210.0/s n/a generator at its limit",
                "283.0/s 210.0/s 520 ms objective missed",
                "238.0/s 210.0/s 330 ms arrivals waited",
            ]
        );
        let portuguese = steps(&digest, Language::Portuguese);
        assert_eq!(
            row(&portuguese[3]),
            "238,0/s 210,0/s 330 ms chegadas esperaram"
        );
    }
}
