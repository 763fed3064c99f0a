//! Where it was measured, and what was asked for, exactly.

use maud::{Markup, html};

use super::Page;
use crate::bytes;

pub(super) fn machine(page: Page<'_>) -> Markup {
    let of = &page.digest.run.machine;
    let yes_or_no = |is: bool| match is {
        true => page.say("yes", "sim").to_owned(),
        false => page.say("no", "não").to_owned(),
    };
    let memory = of
        .memory_bytes
        .map(|of| page.language.decimals(&bytes(of as f64)));
    let processors = format!("{} ({})", of.cores, of.processors);
    let rows = [
        (page.say("Processor", "Processador"), of.cpu_model.clone()),
        (
            page.say("Architecture", "Arquitetura"),
            Some(of.architecture.clone()),
        ),
        (
            page.say(
                "Processors usable (of the machine)",
                "Processadores utilizáveis (da máquina)",
            ),
            Some(processors),
        ),
        (page.say("Memory", "Memória"), memory),
        (page.say("System", "Sistema"), Some(of.os.clone())),
        (page.say("Kernel", "Núcleo"), of.kernel.clone()),
        (
            page.say("Virtual machine", "Máquina virtual"),
            of.virtualised.map(yes_or_no),
        ),
        (
            page.say("Frequency governor", "Governador de frequência"),
            of.frequency_governor.clone(),
        ),
        (
            page.say("Clock source", "Fonte do relógio"),
            of.clocksource.clone(),
        ),
    ];
    html! {
        dl .short {
            @for (name, value) in rows {
                dt { (name) }
                dd { (value.unwrap_or_else(|| page.say("not known", "desconhecido").to_owned())) }
            }
        }
    }
}

pub(super) fn experiment(page: Page<'_>) -> Markup {
    let text = page.digest.run.experiment.to_toml();
    html! {
        p .note { (page.say(
            "With every default; saved to a file, pspd lab FILE runs it again in the same order.",
            "Com todos os valores padrão; salvo em um arquivo, pspd lab ARQUIVO o executa de novo \
             na mesma ordem.",
        )) }
        @match text {
            Ok(text) => pre tabindex="0" { code { (text) } },
            Err(error) => p { (error) },
        }
    }
}
