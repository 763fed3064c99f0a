//! Contrasts in words, English and Portuguese. A difference is named with its
//! interval; where none was detected the words never say that there is none, but
//! how large one could have hidden, and what it would take to see half of that.

mod sentence;

use std::collections::BTreeMap;

use results::LoadPoint;
use serde::Serialize;
use stats::Ratio;

pub(crate) use sentence::Sentence;

use crate::{Contrast, Digest, Language, Multiplicity, NoRatio, lack::lacking};

/// What is said of one pair of targets at one load.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdicts {
    /// The load; absent for what holds at every load.
    pub load: Option<LoadPoint>,
    /// The target compared against.
    pub base: String,
    /// The target compared.
    pub other: String,
    /// One a contrast, in the order of the metrics; those without a verdict for
    /// the same reason share one, the last.
    pub verdicts: Vec<Verdict>,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Without a full stop.
    pub text: String,
    /// What it comes to.
    pub outcome: Outcome,
}

/// What a verdict comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The interval excludes 1, after the correction for many comparisons too.
    Stands,
    /// The interval excludes 1, on its own.
    Differs,
    /// The interval includes 1.
    NotDetected,
    /// There is no interval.
    None,
}

impl Outcome {
    pub(crate) fn of(ratio: &Result<Ratio, NoRatio>, stands: bool) -> Outcome {
        match ratio {
            Ok(ratio) if ratio.is_constant() => Outcome::None,
            Ok(_) if stands => Outcome::Stands,
            Ok(ratio) if ratio.differs() => Outcome::Differs,
            Ok(_) => Outcome::NotDetected,
            Err(_) => Outcome::None,
        }
    }

    /// What marks it in texts.
    pub fn star(self) -> &'static str {
        if self == Outcome::Stands { " *" } else { "" }
    }
}

impl Contrast<'_> {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.ratio, self.stands)
    }

    /// One sentence without a full stop, such as "at 400 users, rest used 1.31x
    /// the CPU of grpc per request (95% CI 1.27 to 1.36)".
    pub fn verdict(&self, language: Language) -> Verdict {
        let sentence = self.sentence(place(self.load, language), language);
        let mut text = match &self.ratio {
            Ok(ratio) => sentence.of(ratio),
            Err(reason) => sentence.without(&[sentence.subject()], reason),
        };
        if self.ratio.is_ok() && self.left_out > 0 {
            let of = self.pairs + self.left_out;
            text += &format!("; {}", lacking(self.left_out, of, &self.lacks, language));
        }
        Verdict {
            text,
            outcome: self.outcome(),
        }
    }

    fn sentence(&self, place: String, language: Language) -> Sentence<'_> {
        Sentence {
            place,
            base: self.base,
            other: self.other,
            metric: self.metric,
            route: self.route,
            left_out: self.left_out,
            language,
        }
    }
}

/// All verdicts of a run, by load and pair of targets; what is not known of a
/// target at any load is said once, at the end.
pub fn verdicts(digest: &Digest<'_>, language: Language) -> Vec<Verdicts> {
    let mut groups: Vec<Verdicts> = Vec::new();
    for contrasts in digest
        .contrasts
        .chunk_by(|one, next| (one.load, one.other) == (next.load, next.other))
    {
        let group = of_pair(contrasts, digest, language);
        if !group.verdicts.is_empty() {
            groups.push(group);
        }
    }
    groups.extend(unknown(digest, language));
    groups
}

fn of_pair(contrasts: &[Contrast<'_>], digest: &Digest<'_>, language: Language) -> Verdicts {
    let load = contrasts[0].load;
    let mut verdicts: Vec<Verdict> = Vec::new();
    // By the reason.
    let mut without: BTreeMap<String, Vec<&Contrast<'_>>> = BTreeMap::new();
    for contrast in contrasts {
        match &contrast.ratio {
            Ok(_) => verdicts.push(contrast.verdict(language)),
            Err(_) if is_never_known(contrast, digest) => {}
            Err(reason) => without
                .entry(reason.to_string())
                .or_default()
                .push(contrast),
        }
    }
    verdicts.extend(
        without
            .values()
            .filter_map(|alike| together(alike, place(load, language), language)),
    );
    Verdicts {
        load: Some(load),
        base: contrasts[0].base.to_owned(),
        other: contrasts[0].other.to_owned(),
        verdicts,
    }
}

/// One sentence for contrasts that have no ratio for the same reason.
fn together(alike: &[&Contrast<'_>], place: String, language: Language) -> Option<Verdict> {
    let of = |contrast: &Contrast<'_>| contrast.sentence(String::new(), language).subject();
    let mut subjects: Vec<String> = Vec::new();
    for subject in alike.iter().map(|contrast| of(contrast)) {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let first = alike.first()?;
    let reason = first.ratio.as_ref().err()?;
    Some(Verdict {
        text: first.sentence(place, language).without(&subjects, reason),
        outcome: Outcome::None,
    })
}

/// Whether it is the same at every load that the figure is in no account.
fn is_never_known(contrast: &Contrast<'_>, digest: &Digest<'_>) -> bool {
    let mut alike = digest.contrasts.iter().filter(|any| {
        (any.other, any.metric, any.route) == (contrast.other, contrast.metric, contrast.route)
    });
    alike.all(|any| matches!(any.ratio, Err(NoRatio::Unknown { .. })))
}

/// By pair, what has no figure at any load of the run's.
fn unknown(digest: &Digest<'_>, language: Language) -> Vec<Verdicts> {
    let mut alike: BTreeMap<(&str, String), Vec<&Contrast<'_>>> = BTreeMap::new();
    let contrasts = digest.contrasts.iter();
    for contrast in contrasts.filter(|of| is_never_known(of, digest)) {
        if let Err(reason) = &contrast.ratio {
            let key = (contrast.other, reason.to_string());
            alike.entry(key).or_default().push(contrast);
        }
    }
    let group = |alike: &Vec<&Contrast<'_>>| {
        Some(Verdicts {
            load: None,
            base: alike.first()?.base.to_owned(),
            other: alike.first()?.other.to_owned(),
            verdicts: together(alike, String::new(), language)
                .into_iter()
                .collect(),
        })
    };
    alike.values().filter_map(group).collect()
}

/// `at 400 users`.
pub fn place(load: LoadPoint, language: Language) -> String {
    match (load, language) {
        (LoadPoint::Users(1), Language::English) => "at 1 user".to_owned(),
        (LoadPoint::Users(1), Language::Portuguese) => "com 1 usuário".to_owned(),
        (LoadPoint::Users(users), Language::English) => format!("at {users} users"),
        (LoadPoint::Users(users), Language::Portuguese) => format!("com {users} usuários"),
        (LoadPoint::Rate(rate), Language::English) => format!("at {rate} iterations a second"),
        (LoadPoint::Rate(rate), Language::Portuguese) => {
            format!(
                "a {} iterações por segundo",
                language.decimals(&rate.to_string())
            )
        }
        (LoadPoint::Search, Language::English) => {
            "at the highest rate that met the objective".to_owned()
        }
        (LoadPoint::Search, Language::Portuguese) => {
            "na maior taxa que cumpriu o objetivo".to_owned()
        }
    }
}

/// What it means that so many intervals are shown; nothing where there are none.
pub fn multiplicity(of: &Multiplicity, language: Language) -> Option<String> {
    let Multiplicity {
        intervals,
        by_chance,
        differ,
        stand,
    } = of;
    let by_chance = language.decimals(&format!("{by_chance:.1}"));
    (*intervals > 0).then(|| match language {
        Language::English => format!(
            "{intervals} intervals are shown. Were there no difference at all, about {by_chance} \
             of them would exclude 1 by chance; {differ} do. * marks the {stand} that still do \
             after Holm's correction for all {intervals}."
        ),
        Language::Portuguese => format!(
            "São mostrados {intervals} intervalos. Se não houvesse diferença nenhuma, cerca de \
             {by_chance} deles excluiriam 1 por acaso; {differ} excluem. * marca os {stand} que \
             ainda excluem após a correção de Holm para todos os {intervals}."
        ),
    })
}

/// How ratios and intervals are made, with the sources.
pub fn method(language: Language) -> &'static str {
    language.choose(
        "Ratios are of geometric means over blocks paired by repetition; their intervals are 95% \
         intervals by Student's t on the logarithms of the paired ratios (Student 1908; Fleming \
         and Wallace 1986). They hold the true ratio in 95% of experiments; in about 88 to 92% where \
         only one side's noise is strongly skewed. What a design could have seen is what it detects \
         with a power of 80% at the spread that was seen. Correction for many comparisons: Holm 1979.",
        "As razões são de médias geométricas sobre blocos pareados por repetição; seus intervalos \
         são de 95%, pelo t de Student sobre os logaritmos das razões pareadas (Student 1908; \
         Fleming e Wallace 1986). Eles contêm a razão verdadeira em 95% dos experimentos; em cerca \
         de 88 a 92% onde só o ruído de um dos lados é muito assimétrico. O que um desenho poderia ter detectado é o que ele detecta com \
         poder de 80% na dispersão observada. Correção para muitas comparações: Holm 1979.",
    )
}

#[cfg(test)]
mod tests;
