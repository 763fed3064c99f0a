//! Why a block has no figure of a metric, in words and with the remedy. More
//! repetitions help against none of these, and so they are told apart from too
//! few of them.

use results::Block;

use crate::{Language, Metric, metric};

/// Why a block has no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// No request succeeded in its window.
    NothingServed,
    /// Connections came and went between two looks at them, and their bytes are in
    /// nobody's account.
    BytesUnseen,
    /// The accounts do not have it, as of a target without processes.
    NotAccounted,
}

impl Lack {
    /// Of a block that lacks the metric.
    pub(crate) fn of(metric: Metric, block: &Block) -> Lack {
        if !metric::is_accounted(metric, block) {
            Lack::NotAccounted
        } else if metric == Metric::Bytes && block.completed > 0 {
            Lack::BytesUnseen
        } else {
            Lack::NothingServed
        }
    }

    fn because(self, language: Language) -> &'static str {
        let (english, portuguese) = match self {
            Lack::NothingServed => ("no request succeeded", "nenhuma requisição teve sucesso"),
            Lack::BytesUnseen => (
                "connections came and went uncounted",
                "conexões surgiram e sumiram sem ser contadas",
            ),
            Lack::NotAccounted => ("it was not accounted", "ele não foi contabilizado"),
        };
        language.choose(english, portuguese)
    }

    fn remedy(self, language: Language) -> &'static str {
        let (english, portuguese) = match self {
            Lack::NothingServed => ("look at the failures first", "veja antes as falhas"),
            Lack::BytesUnseen => ("keep connections open", "mantenha as conexões abertas"),
            Lack::NotAccounted => (
                "see whether the processes ended",
                "veja se os processos terminaram",
            ),
        };
        language.choose(english, portuguese)
    }
}

/// "2 of 5 repetitions lack the figure, because no request succeeded".
pub(crate) fn lacking(missing: usize, of: usize, lacks: &[Lack], language: Language) -> String {
    let because = joined(lacks, language, Lack::because);
    match language {
        Language::English => {
            let lack = if missing == 1 { "lacks" } else { "lack" };
            format!("{missing} of {of} repetitions {lack} the figure, because {because}")
        }
        Language::Portuguese => {
            format!("em {missing} de {of} repetições falta o valor, porque {because}")
        }
    }
}

/// What to do about them.
pub(crate) fn remedies(lacks: &[Lack], language: Language) -> String {
    joined(lacks, language, Lack::remedy)
}

fn joined(lacks: &[Lack], language: Language, words: fn(Lack, Language) -> &'static str) -> String {
    let words = lacks.iter().map(|lack| words(*lack, language).to_owned());
    language.list(&words.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use accounts::GENERATOR;
    use results::LoadPoint;

    use super::*;
    use crate::testing;

    #[test]
    fn the_reason_is_that_of_the_block() {
        let whole = testing::block("grpc", LoadPoint::Users(25), 1);
        let check = |change: fn(&mut Block), metric: Metric, expected: Lack| {
            let mut block = whole.clone();
            change(&mut block);
            assert_eq!(metric.of(&block), None, "{metric:?}");
            assert_eq!(Lack::of(metric, &block), expected, "{metric:?}");
        };
        let dead = |block: &mut Block| {
            (block.completed, block.requests_per_second) = (0, 0.0);
            block.latency = None;
        };
        for metric in [Metric::P99, Metric::Cpu, Metric::Bytes, Metric::Switches] {
            check(dead, metric, Lack::NothingServed);
        }
        let unseen = |block: &mut Block| block.connections_unseen = Some(1000);
        check(unseen, Metric::Bytes, Lack::BytesUnseen);
        let gone = |block: &mut Block| {
            block.costs[0].bytes.as_mut().expect("known").complete = false;
        };
        check(gone, Metric::Bytes, Lack::BytesUnseen);
        let foreign = |block: &mut Block| block.costs.retain(|cost| cost.role == GENERATOR);
        for metric in [Metric::Cpu, Metric::Bytes, Metric::Memory] {
            check(foreign, metric, Lack::NotAccounted);
        }
    }

    #[test]
    fn both_languages_say_how_many_and_why() {
        let both = [Lack::NothingServed, Lack::BytesUnseen];
        assert_eq!(
            lacking(2, 5, &both[..1], Language::English),
            "2 of 5 repetitions lack the figure, because no request succeeded"
        );
        assert_eq!(
            lacking(1, 5, &both, Language::Portuguese),
            "em 1 de 5 repetições falta o valor, porque nenhuma requisição teve sucesso e \
             conexões surgiram e sumiram sem ser contadas"
        );
        assert_eq!(
            remedies(&both, Language::English),
            "look at the failures first and keep connections open"
        );
    }
}
