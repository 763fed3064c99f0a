//! The fixed words of a comparison of runs.

use crate::Language;

/// `A` for the first run.
pub(super) fn letter(run: usize) -> String {
    match u8::try_from(run) {
        Ok(run) if run < 26 => char::from(b'A' + run).to_string(),
        _ => format!("run {}", run + 1),
    }
}

/// A target in a run.
pub(super) fn side(target: &str, run: usize) -> String {
    format!("{target} ({})", letter(run))
}

pub(super) fn caveat(language: Language) -> &'static str {
    language.choose(
        "Weaker than a comparison within one run: these runs were not interleaved, so whatever \
         differed between their times (temperature, neighbours, other programs) is in the ratios \
         and not in their intervals. To lay a difference to the systems, measure them as targets \
         of one run.",
        "Mais fraca que uma comparação dentro de uma execução: estas execuções não foram \
         intercaladas, e o que diferiu entre os horários delas (temperatura, vizinhos, outros \
         programas) está nas razões e não em seus intervalos. Para atribuir uma diferença aos \
         sistemas, meça-os como alvos de uma mesma execução.",
    )
}

pub(super) fn method(language: Language) -> &'static str {
    language.choose(
        "Ratios are of geometric means over the blocks of each run; their intervals are Welch's 95% \
         t intervals on logarithms (Welch 1947, degrees of freedom by Satterthwaite 1946). \
         Correction for many comparisons: Holm 1979.",
        "As razões são de médias geométricas sobre os blocos de cada execução; seus intervalos são \
         os de 95% pelo t de Welch sobre logaritmos (Welch 1947, graus de liberdade por \
         Satterthwaite 1946). Correção para muitas comparações: Holm 1979.",
    )
}
