//! The figures of every cell: what users see of a target, of each route and of
//! its streams, and what the target costs. Percentiles are those of all requests
//! of all repetitions together.

use accounts::GENERATOR;
use maud::{Markup, html};
use results::{Latency, LoadPoint};

use super::{
    Page,
    grid::{Cell as Text, Column, Grid, Group, Look, Row},
};
use crate::{
    Cell, Component, Metric, RouteTimes, bytes, charts,
    figures::{percent, plain},
    load_name, mark_name, marks, milliseconds, published_note, rate, steps,
};

const UNKNOWN: &str = "–";
/// Of p50 in [`Page::times`].
const P50_INDEX: usize = 1;

pub(super) fn tables(page: Page<'_>) -> Markup {
    let has_ceiling = page
        .digest
        .cells
        .iter()
        .any(|of| of.ceiling_per_second.is_some());
    html! {
        (table(&page.overview(), None))
        p .note { (page.say(
            "Requests a second: geometric mean over the repetitions; ±: half of its 95% confidence \
             interval. What stands below a target's name is explained in the warnings.",
            "Requisições por segundo: média geométrica das repetições; ±: metade do seu intervalo \
             de confiança de 95%. O que está abaixo do nome de um alvo é explicado nos avisos.",
        )) }
        @if page.digest.cells.iter().any(|of| !of.has_median()) {
            p .note { (page.say(
                "p50 is left out where a target has several routes: that of all their requests \
                 would say only how many there are of each. It stands in the table by route.",
                "O p50 é omitido onde um alvo tem várias rotas: o de todas as requisições diria \
                 apenas quantas há de cada uma. Ele está na tabela por rota.",
            )) }
        }
        @if has_ceiling {
            p .note { (page.say(
                "Ceiling: the share of the requests a second that no system can pass, because the \
                 50 ms of delays in each iteration cannot be shortened.",
                "Teto: a parcela das requisições por segundo que nenhum sistema pode ultrapassar, \
                 porque os 50 ms de atrasos de cada iteração não podem ser encurtados.",
            )) }
        }
        (table(&page.by_route(), None))
        (table(&page.streams(), None))
        (table(&page.messages(), Some(page.say(
            "Messages inside the window, a second. A round trip goes from when a message was due \
             to the answer of the same number.",
            "Mensagens dentro da janela, por segundo. Uma ida e volta vai de quando uma mensagem \
             era devida até a resposta de mesmo número.",
        ))))
        (table(&page.steps(), Some(&steps::method(page.digest, page.language))))
        (table(&page.components(), Some(page.say(
            "Means over the repetitions. Bytes are those on the role's own sockets, both ways. \
             † The peak is that since the process started: the kernel did not let it be reset.",
            "Médias das repetições. Os bytes são os dos sockets do próprio papel, nos dois \
             sentidos. † O pico é o desde o início do processo: o núcleo não permitiu zerá-lo.",
        ))))
        (table(&page.littles_law(), Some(page.say(
            "Little's law: users = iterations a second × mean time of an iteration, where users do \
             not pause. A row that does not come back to its number of users was not measured the \
             way it says.",
            "Lei de Little: usuários = iterações por segundo × tempo médio de uma iteração, quando \
             os usuários não fazem pausas. Uma linha que não volta ao seu número de usuários não \
             foi medida como diz.",
        ))))
        @if let Some(note) = published_note(page.digest, page.language) {
            p .note { (charts::capital(&note)) }
        }
    }
}

fn table(grid: &Grid, note: Option<&str>) -> Markup {
    html! {
        @if !grid.is_empty() {
            h3 { (grid.caption) }
            (grid.markup())
            @if let Some(note) = note { p .note { (note) } }
        }
    }
}

impl Page<'_> {
    /// A table with a row for each cell, or for each of several things in it.
    fn grid(
        self,
        caption: &str,
        columns: Vec<Column>,
        rows: impl Fn(&Cell<'_>) -> Vec<Row>,
    ) -> Grid {
        let of_load = |load: LoadPoint| Group {
            heading: load_name(load, self.language),
            rows: {
                let cells = self.digest.cells.iter();
                cells
                    .filter(|cell| cell.load == load)
                    .flat_map(&rows)
                    .collect()
            },
        };
        let first = Column::Text(self.say("load", "carga").to_owned());
        let groups = self.digest.run.loads().into_iter().map(of_load);
        Grid {
            caption: caption.to_owned(),
            columns: [first].into_iter().chain(columns).collect(),
            groups: groups.filter(|group| !group.rows.is_empty()).collect(),
        }
    }

    fn target(self) -> Column {
        Column::Text(self.say("target", "alvo").to_owned())
    }

    fn route(self) -> Column {
        Column::Text(self.say("route", "rota").to_owned())
    }

    fn figure(self, english: &str, portuguese: &str) -> Column {
        Column::Figure(self.say(english, portuguese).to_owned())
    }

    fn time(self, ms: Option<f64>) -> Text {
        self.known(ms, milliseconds)
    }

    fn known(self, value: Option<f64>, write: impl Fn(f64) -> String) -> Text {
        let text = value.map(|value| self.language.decimals(&write(value)));
        text.unwrap_or_else(|| UNKNOWN.to_owned()).into()
    }

    /// The columns of [`Page::times`].
    fn time_columns(self) -> Vec<Column> {
        let mut columns = vec![self.figure("mean", "média")];
        columns.extend(["p50", "p95", "p99", "p99.9"].map(|name| Column::Figure(name.to_owned())));
        columns.push(self.figure("max", "máx."));
        if self.digest.has_intended_starts() {
            columns.push(self.figure("p99 from sending", "p99 desde o envio"));
        }
        columns
    }

    fn times(self, of: &crate::Times) -> Vec<Text> {
        let figures: [fn(&Latency) -> f64; 6] = [
            |of| of.mean_ms,
            |of| of.p50_ms,
            |of| of.p95_ms,
            |of| of.p99_ms,
            |of| of.p999_ms,
            |of| of.max_ms,
        ];
        let latency = of.latency.as_ref();
        let mut cells: Vec<_> = figures
            .iter()
            .map(|figure| self.time(latency.map(figure)))
            .collect();
        if self.digest.has_intended_starts() {
            cells.push(Text {
                look: Look::Muted,
                ..self.time(of.uncorrected.map(|of| of.p99_ms))
            });
        }
        cells
    }

    fn overview(self) -> Grid {
        let has_ceiling = self
            .digest
            .cells
            .iter()
            .any(|of| of.ceiling_per_second.is_some());
        let mut columns = vec![self.target(), self.figure("requests/s", "requisições/s")];
        columns.push(Column::Figure("±".to_owned()));
        if has_ceiling {
            columns.push(self.figure("of ceiling", "do teto"));
        }
        columns.extend(self.time_columns());
        columns.push(self.figure("failed", "falhas"));
        let row = |cell: &Cell<'_>| {
            let served = cell.average(Metric::RequestsPerSecond);
            let margin = served.and_then(|average| average.margin());
            let marks: Vec<_> = marks(&cell.blocks).into_iter().map(mark_name).collect();
            let mut cells = vec![
                Text {
                    detail: (!marks.is_empty()).then(|| marks.join(" ")),
                    ..cell.target.name.as_str().into()
                },
                self.known(served.map(|average| average.mean), rate),
                Text {
                    look: Look::Muted,
                    ..self.known(margin, percent)
                },
            ];
            if has_ceiling {
                let share = served.zip(cell.ceiling_per_second);
                cells.push(self.known(share.map(|(of, ceiling)| of.mean / ceiling), percent));
            }
            let mut times = self.times(&cell.times);
            if !cell.has_median() {
                times[P50_INDEX] = UNKNOWN.into();
            }
            cells.extend(times);
            cells.push(Text {
                detail: cell
                    .failed_share()
                    .filter(|share| *share > 0.0)
                    .map(|share| self.language.decimals(&percent(share))),
                look: if cell.failed() > 0 {
                    Look::Strong
                } else {
                    Look::Plain
                },
                ..cell.failed().to_string().into()
            });
            vec![Row {
                cells,
                ..Row::default()
            }]
        };
        let caption = self.say("Throughput and latency", "Vazão e latência");
        self.grid(caption, columns, row)
    }

    fn by_route(self) -> Grid {
        let mut columns = vec![
            self.target(),
            self.route(),
            self.figure("requests", "requisições"),
        ];
        columns.extend(self.time_columns());
        let row = |cell: &Cell<'_>, of: &RouteTimes<'_>| {
            let count = of.times.latency.map(|latency| latency.count.to_string());
            let mut cells = vec![
                cell.target.name.as_str().into(),
                of.route.into(),
                count.unwrap_or_else(|| UNKNOWN.to_owned()).into(),
            ];
            cells.extend(self.times(&of.times));
            Row {
                cells,
                ..Row::default()
            }
        };
        let caption = self.say("Latency by route", "Latência por rota");
        self.grid(caption, columns, |cell| {
            cell.routes.iter().map(|of| row(cell, of)).collect()
        })
    }

    fn streams(self) -> Grid {
        let columns = vec![
            self.target(),
            self.route(),
            self.figure("first message p50", "primeira mensagem p50"),
            self.figure("p99", "p99"),
            self.figure("gap p50", "intervalo p50"),
            self.figure("p99", "p99"),
            self.figure("max", "máx."),
            self.figure("whole p50", "inteiro p50"),
            self.figure("p99", "p99"),
        ];
        let row = |cell: &Cell<'_>, of: &RouteTimes<'_>| {
            let first = of.first_message?;
            let (gap, whole) = (of.gap, of.times.latency);
            let times = [
                Some(first.p50_ms),
                Some(first.p99_ms),
                gap.map(|of| of.p50_ms),
                gap.map(|of| of.p99_ms),
                gap.map(|of| of.max_ms),
                whole.map(|of| of.p50_ms),
                whole.map(|of| of.p99_ms),
            ];
            let names = [cell.target.name.as_str(), of.route].map(Text::from);
            Some(Row {
                cells: names
                    .into_iter()
                    .chain(times.map(|ms| self.time(ms)))
                    .collect(),
                ..Row::default()
            })
        };
        let caption = self.say("Inside the streams", "Dentro dos fluxos");
        self.grid(caption, columns, |cell| {
            cell.routes.iter().filter_map(|of| row(cell, of)).collect()
        })
    }

    /// How many messages went each way, and their round trips where there are any.
    fn messages(self) -> Grid {
        let mut routes = self.digest.cells.iter().flat_map(|cell| &cell.routes);
        let has_trips = routes.any(|of| of.round_trip.is_some());
        let mut columns = vec![
            self.target(),
            self.route(),
            self.figure("sent/s", "enviadas/s"),
            self.figure("received/s", "recebidas/s"),
        ];
        if has_trips {
            columns.push(self.figure("round trip p50", "ida e volta p50"));
            columns.extend([self.figure("p99", "p99"), self.figure("max", "máx.")]);
        }
        let row = |cell: &Cell<'_>, of: &RouteTimes<'_>| {
            let mut cells: Vec<Text> = vec![
                cell.target.name.as_str().into(),
                of.route.into(),
                self.known(of.sent_per_second, rate),
                self.known(of.received_per_second, rate),
            ];
            if has_trips {
                let trip = of.round_trip;
                cells.push(self.time(trip.map(|of| of.p50_ms)));
                cells.push(self.time(trip.map(|of| of.p99_ms)));
                cells.push(self.time(trip.map(|of| of.max_ms)));
            }
            Row {
                cells,
                ..Row::default()
            }
        };
        let caption = self.say("Messages of the streams", "Mensagens dos fluxos");
        self.grid(caption, columns, |cell| {
            let of_streams = cell.routes.iter().filter(|of| of.has_messages());
            of_streams.map(|of| row(cell, of)).collect()
        })
    }

    /// What came of each rate of a search.
    fn steps(self) -> Grid {
        let text = |english, portuguese| Column::Text(self.say(english, portuguese).to_owned());
        let rows = steps::steps(self.digest, self.language);
        let of_search = rows
            .chunk_by(|one, next| (one.target, one.repetition) == (next.target, next.repetition));
        let row = |of: &steps::Step<'_>| Row {
            cells: vec![
                of.offered.as_str().into(),
                of.reached.as_str().into(),
                of.measured.as_str().into(),
                of.outcome.into(),
            ],
            look: if of.held { Look::Plain } else { Look::Muted },
        };
        Grid {
            caption: self
                .say("Steps of the searches", "Passos das buscas")
                .to_owned(),
            columns: vec![
                text("target, repetition", "alvo, repetição"),
                self.figure("offered", "oferecida"),
                self.figure("reached", "alcançada"),
                Column::Figure(steps::objective(self.digest).to_owned()),
                text("outcome", "desfecho"),
            ],
            groups: of_search
                .map(|steps| Group {
                    heading: format!("{}, {}", steps[0].target, steps[0].repetition),
                    rows: steps.iter().map(row).collect(),
                })
                .collect(),
        }
    }

    fn components(self) -> Grid {
        let columns = vec![
            self.target(),
            Column::Text(self.say("role", "papel").to_owned()),
            self.figure("CPU per request", "CPU por requisição"),
            self.figure("peak memory", "pico de memória"),
            self.figure("mean memory", "memória média"),
            self.figure("switches per request", "trocas por requisição"),
            self.figure("bytes sent per request", "bytes enviados por requisição"),
            self.figure("bytes received", "bytes recebidos"),
        ];
        let row = |cell: &Cell<'_>, of: &Component| {
            let is_generator = of.role == GENERATOR;
            let mut peak = self.known(of.peak_bytes, bytes);
            if of.peak_since_start && of.peak_bytes.is_some() {
                peak.text += " †";
            }
            let role = if is_generator {
                self.say("load generator", "gerador de carga")
            } else {
                &of.role
            };
            Row {
                cells: vec![
                    cell.target.name.as_str().into(),
                    role.into(),
                    self.known(of.cpu_us_per_request, |us| format!("{} µs", plain(us))),
                    peak,
                    self.known(of.mean_bytes, bytes),
                    self.known(of.switches_per_request, plain),
                    self.known(of.bytes_sent_per_request, bytes),
                    self.known(of.bytes_received_per_request, bytes),
                ],
                look: if is_generator {
                    Look::Muted
                } else {
                    Look::Plain
                },
            }
        };
        let caption = self.say("Cost by component", "Custo por componente");
        self.grid(caption, columns, |cell| {
            cell.components.iter().map(|of| row(cell, of)).collect()
        })
    }

    /// Ours beside what was published.
    fn littles_law(self) -> Grid {
        let columns = vec![
            self.target(),
            self.figure("users by Little's law", "usuários pela lei de Little"),
            self.figure("published: requests/s", "publicado: requisições/s"),
            self.figure("published: mean", "publicado: média"),
            self.figure("implies", "implica"),
        ];
        let row = |cell: &Cell<'_>| {
            let implied = cell
                .blocks
                .iter()
                .filter_map(|block| block.littles_law_users);
            let ours = crate::component::mean(implied);
            if ours.is_none() && cell.published.is_none() {
                return Vec::new();
            }
            let published = cell.published;
            let breaks = published.is_some_and(|published| !published.little.holds);
            let users = |value: f64| format!("{value:.0}");
            vec![Row {
                cells: vec![
                    cell.target.name.as_str().into(),
                    self.known(ours, users),
                    self.known(published.map(|of| of.requests_per_second), rate),
                    self.time(published.map(|of| of.mean_ms)),
                    Text {
                        look: if breaks { Look::Strong } else { Look::Plain },
                        ..self.known(published.map(|of| of.little.implied_users), |implied| {
                            format!("{}{}", users(implied), if breaks { " !" } else { "" })
                        })
                    },
                ],
                ..Row::default()
            }]
        };
        let caption = self.say(
            "Little's law, and what was published",
            "Lei de Little, e o que foi publicado",
        );
        self.grid(caption, columns, row)
    }
}
