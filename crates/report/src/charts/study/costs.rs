//! What the roles of each target cost, side by side. The roles of two chains that
//! do the same work share a colour.

use accounts::GENERATOR;

use super::{Figure, Study, doubt};
use crate::{
    Cell, Component, Metric,
    charts::{Bar, Bars, Body, Group},
    load_name,
};

const MIB: f64 = 1_048_576.0;

impl Study<'_> {
    pub(super) fn cpu(&self) -> Figure {
        let title = self.say("CPU by component", "CPU por componente");
        let x_label = self.say("CPU per request, µs", "CPU por requisição, µs");
        let body = self.by_component(x_label, Metric::Cpu, |of| of.cpu_us_per_request);
        Figure {
            name: "cpu-by-component",
            chart: self.chart(title, body),
            note: self.with_doubts(self.say(
                "Processor time of each role for each success, user and kernel, mean over the \
                 repetitions; the line at a bar's end is the 95% confidence interval of the whole. \
                 The load generator is not in it.",
                "Tempo de processador de cada papel por sucesso, usuário e núcleo, média das \
                 repetições; a linha no fim da barra é o intervalo de confiança de 95% do total. O \
                 gerador de carga não está incluído.",
            )),
        }
    }

    pub(super) fn memory(&self) -> Figure {
        let title = self.say("Peak memory by component", "Pico de memória por componente");
        let x_label = self.say(
            "peak resident memory, MiB",
            "pico de memória residente, MiB",
        );
        let body = self.by_component(x_label, Metric::Memory, |of| Some(of.peak_bytes? / MIB));
        Figure {
            name: "memory-by-component",
            chart: self.chart(title, body),
            note: self.with_doubts(self.say(
                "The peak of each role's resident memory since its block began, mean over the \
                 repetitions. The roles need not peak at the same moment.",
                "O pico da memória residente de cada papel desde o início do bloco, média das \
                 repetições. Os picos dos papéis não são necessariamente simultâneos.",
            )),
        }
    }

    fn by_component(
        &self,
        x_label: String,
        metric: Metric,
        amount: fn(&Component) -> Option<f64>,
    ) -> Body {
        let parts = self.parts();
        let bar = |cell: &Cell<'_>| Bar {
            name: cell.target.name.clone(),
            amounts: parts
                .iter()
                .map(|part| {
                    let mut components = roles(cell);
                    amount(components.find(|of| family(cell, &of.role) == part)?)
                })
                .collect(),
            interval: cell.average(metric).and_then(|average| average.interval),
            doubt: doubt(cell),
        };
        let groups = self.digest.run.loads().into_iter().map(|load| Group {
            name: load_name(load, self.language),
            bars: self
                .digest
                .cells
                .iter()
                .filter(|cell| cell.load == load && roles(cell).next().is_some())
                .map(bar)
                .collect(),
        });
        Body::Bars(Bars {
            x_label,
            groups: groups.filter(|group| !group.bars.is_empty()).collect(),
            parts,
        })
    }

    /// The roles of all targets, each once.
    fn parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for cell in &self.digest.cells {
            for role in roles(cell).map(|of| family(cell, &of.role)) {
                if !parts.iter().any(|part| part == role) {
                    parts.push(role.to_owned());
                }
            }
        }
        parts
    }
}

fn roles<'c>(cell: &'c Cell<'_>) -> impl Iterator<Item = &'c Component> {
    let components = cell.components.iter();
    components.filter(|component| component.role != GENERATOR)
}

/// `a` and `a-rest` do the same work in two chains, and so share a colour; where
/// a target has both, each has its own.
fn family<'a>(cell: &Cell<'_>, role: &'a str) -> &'a str {
    match role.strip_suffix("-rest") {
        Some(family) if cell.components.iter().all(|of| of.role != family) => family,
        _ => role,
    }
}
