//! The charts, each with the figures that are drawn in it.

use maud::{Markup, PreEscaped, html};

use super::{
    Page,
    grid::{Cell, Column, Grid, Group, Row},
};
use crate::charts::{self, Bars, Body, Figure, Lines};

pub(super) fn pictures(page: Page<'_>) -> Markup {
    let figures = charts::figures(page.digest, page.language);
    html! {
        @for figure in &figures {
            (picture(page, figure))
        }
    }
}

fn picture(page: Page<'_>, figure: &Figure) -> Markup {
    let grid = match &figure.chart.body {
        Body::Lines(lines) => of_lines(page, lines),
        Body::Bars(bars) => of_bars(page, bars),
    };
    html! {
        h3 { (figure.chart.title) }
        figure {
            div .scroll .chart tabindex="0" role="region" aria-label=(figure.chart.title) {
                // Drawn here; every text in it is escaped.
                (PreEscaped(charts::draw_inline(&figure.chart)))
            }
            figcaption { (figure.note) }
            details {
                summary { (page.say("Data", "Dados")) }
                (Grid { caption: figure.chart.title.clone(), ..grid }.markup())
            }
        }
    }
}

/// A row for each place on the horizontal axis.
fn of_lines(page: Page<'_>, lines: &Lines) -> Grid {
    let points = lines.series.iter().flat_map(|series| &series.points);
    let mut places: Vec<f64> = points.map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let first = Column::Text(lines.x_label.clone());
    let names = lines
        .series
        .iter()
        .map(|series| Column::Figure(series.name.clone()));
    let row = |x: f64| {
        let cell = |series: &charts::Series| {
            let mut points = series.points.iter();
            let point = points.find(|point| point.x == x);
            point.map_or_else(|| "–".into(), |of| figure(page, of.y, of.interval))
        };
        Group {
            heading: page.number(x),
            rows: vec![Row {
                cells: lines.series.iter().map(cell).collect(),
                ..Row::default()
            }],
        }
    };
    Grid {
        columns: [first].into_iter().chain(names).collect(),
        groups: places.into_iter().map(row).collect(),
        ..Grid::default()
    }
}

/// A row for each bar.
fn of_bars(page: Page<'_>, bars: &Bars) -> Grid {
    let name = |text: &str| Column::Text(text.to_owned());
    let grouped = bars.groups.iter().any(|group| !group.name.is_empty());
    let mut columns = Vec::new();
    if grouped {
        columns.push(name(page.say("load", "carga")));
    }
    columns.push(name(page.say("target", "alvo")));
    columns.extend(bars.parts.iter().map(|part| Column::Figure(part.clone())));
    let whole = bars.parts.len() > 1;
    if whole {
        columns.push(Column::Figure(bars.x_label.clone()));
    }
    let row = |bar: &charts::Bar| {
        let known = |amount: &Option<f64>| {
            amount.map_or_else(|| "–".to_owned(), |of| charts::figure(of, page.language))
        };
        let mut cells: Vec<Cell> = Vec::new();
        if grouped {
            cells.push(bar.name.as_str().into());
        }
        if whole {
            cells.extend(bar.amounts.iter().map(|amount| known(amount).into()));
            let sum = bar.amounts.iter().flatten().sum();
            cells.push(figure(page, sum, bar.interval));
        } else {
            let amount = bar.amounts.iter().flatten().next();
            cells.push(amount.map_or_else(|| "–".into(), |of| figure(page, *of, bar.interval)));
        }
        Row {
            cells,
            ..Row::default()
        }
    };
    let groups = if grouped {
        let of = |group: &charts::Group| Group {
            heading: group.name.clone(),
            rows: group.bars.iter().map(row).collect(),
        };
        bars.groups.iter().map(of).collect()
    } else {
        let of = |bar: &charts::Bar| Group {
            heading: bar.name.clone(),
            rows: vec![row(bar)],
        };
        bars.groups
            .iter()
            .flat_map(|group| &group.bars)
            .map(of)
            .collect()
    };
    Grid {
        columns,
        groups,
        ..Grid::default()
    }
}

/// With its interval where it was measured; what is published has as many digits
/// as it was given.
fn figure(page: Page<'_>, value: f64, interval: Option<(f64, f64)>) -> Cell {
    let written = |value| charts::figure(value, page.language);
    match interval {
        None => page.number(value).into(),
        Some((low, high)) => Cell {
            detail: Some(format!("{} – {}", written(low), written(high))),
            ..written(value).into()
        },
    }
}
