//! Amounts side by side, from zero: a row for each bar, so that names stay
//! readable however many bars there are.

use plotters::coord::{ranged1d::Ranged, types::RangedCoordf64};

use super::{
    Bar, Bars, Doubt,
    canvas::{self, Anchor, Canvas, Drawing, Lettering, Pen, SMALL, TEXT, WIDTH},
    legend::{Head, Key, MARGIN},
    lines::nothing,
    palette::{self, AXIS, GRID, INK, MUTED},
    ticks::{self, Axis},
};
use crate::Language;

const BAR: i32 = 30;
const BAR_PITCH: i32 = 38;
const GROUP_GAP: i32 = 22;
const FOOT_HEIGHT: i32 = 104;
/// Half the height of the bar at the end of an interval.
const CAP: i32 = 8;
/// Right of the longest bar, for its number.
const NUMBER_WIDTH: i32 = 150;
const NAME_WIDTH_MAX: i32 = 420;
const UNKNOWN: &str = "–";

/// The columns: names of groups, names of bars, bars.
struct Columns {
    bar_names_right: i32,
    axis_left: i32,
    axis: Option<Axis>,
}

pub(super) fn draw(bars: &Bars, title: &str, language: Language) -> Drawing {
    let parts = bars.parts.iter().enumerate();
    let head = Head {
        title,
        entries: match bars.parts.len() {
            0 | 1 => Vec::new(),
            _ => parts
                .map(|(index, name)| (Key::Fill(palette::part(index)), name.as_str()))
                .collect(),
        },
    };
    let top = head.height() + 12;
    let rows: usize = bars.groups.iter().map(|group| group.bars.len()).sum();
    let length = |count: usize| i32::try_from(count).unwrap_or(0);
    let bottom = top + length(rows) * BAR_PITCH + length(bars.groups.len()) * GROUP_GAP;
    canvas::drawing(bottom + FOOT_HEIGHT, |canvas| {
        head.draw(canvas);
        let columns = Columns::of(bars);
        columns.draw_axis(bars, (top, bottom), canvas, language);
        let mut y = top + GROUP_GAP / 2;
        for group in &bars.groups {
            let name = canvas::fitted(&group.name, SMALL, NAME_WIDTH_MAX);
            canvas.text(&name, (MARGIN, y + BAR_PITCH / 2), text(INK, Anchor::Start));
            for bar in &group.bars {
                columns.draw_bar(bar, y + BAR_PITCH / 2, canvas, language);
                y += BAR_PITCH;
            }
            y += GROUP_GAP;
        }
    })
}

impl Columns {
    fn of(bars: &Bars) -> Columns {
        let widest = |names: &mut dyn Iterator<Item = &String>| {
            let widths = names.map(|name| canvas::text_width(name, SMALL));
            widths.max().unwrap_or(0).min(NAME_WIDTH_MAX)
        };
        let all = || bars.groups.iter().flat_map(|group| &group.bars);
        let groups = widest(&mut bars.groups.iter().map(|group| &group.name));
        let names = widest(&mut all().map(|bar| &bar.name));
        let between = if groups > 0 { 28 } else { 0 };
        let bar_names_right = MARGIN + groups + between + names;
        let ends = all().filter_map(|bar| {
            let end = total(bar)?;
            Some(interval(bar).map_or(end, |(_, high)| high.max(end)))
        });
        Columns {
            bar_names_right,
            axis_left: bar_names_right + 16,
            axis: ticks::from_zero(ends),
        }
    }

    fn place(&self, axis: &Axis, value: f64) -> i32 {
        let range = RangedCoordf64::from(axis.low..axis.high);
        range.map(&value, (self.axis_left, WIDTH - NUMBER_WIDTH))
    }

    fn draw_axis(
        &self,
        bars: &Bars,
        (top, bottom): (i32, i32),
        canvas: &mut Canvas<'_>,
        language: Language,
    ) {
        let grid = Pen {
            colour: GRID,
            width: 2,
        };
        let Some(axis) = &self.axis else {
            let middle = ((self.axis_left + WIDTH) / 2, bottom + 28);
            canvas.text(nothing(language), middle, text(MUTED, Anchor::Middle));
            return;
        };
        for tick in &axis.ticks {
            let x = self.place(axis, *tick);
            canvas.line((x, top), (x, bottom), grid);
            let number = ticks::number(*tick, language);
            canvas.text(&number, (x, bottom + 24), text(MUTED, Anchor::Middle));
        }
        let x = self.axis_left;
        let pen = Pen {
            colour: AXIS,
            width: 2,
        };
        canvas.line((x, top), (x, bottom), pen);
        let label = Lettering {
            size: TEXT,
            ..text(MUTED, Anchor::Middle)
        };
        let middle = (x + WIDTH - NUMBER_WIDTH) / 2;
        canvas.text(&bars.x_label, (middle, bottom + 72), label);
    }

    fn draw_bar(&self, bar: &Bar, y: i32, canvas: &mut Canvas<'_>, language: Language) {
        let name = canvas::fitted(&bar.name, SMALL, NAME_WIDTH_MAX);
        canvas.text(&name, (self.bar_names_right, y), text(INK, Anchor::End));
        let (Some(axis), Some(total)) = (&self.axis, total(bar)) else {
            canvas.text(
                UNKNOWN,
                (self.axis_left + 12, y),
                text(MUTED, Anchor::Start),
            );
            return;
        };
        let mut sum = 0.0;
        for (index, amount) in bar.amounts.iter().enumerate() {
            let Some(amount) = amount.filter(|amount| ticks::drawable(*amount)) else {
                continue;
            };
            let from = self.place(axis, sum);
            sum += amount;
            let to = self.place(axis, sum);
            // One unit short, so that neighbours are apart in any colours.
            let edge = if to - from > 4 { to - 2 } else { to };
            let corners = ((from, y - BAR / 2), (edge, y + BAR / 2));
            canvas.rectangle(corners.0, corners.1, palette::part(index));
        }
        let mut end = self.place(axis, total);
        if let Some((low, high)) = interval(bar) {
            let pen = Pen {
                colour: INK,
                width: 3,
            };
            let (low, high) = (self.place(axis, low), self.place(axis, high));
            canvas.line((low, y), (high, y), pen);
            for x in [low, high] {
                canvas.line((x, y - CAP), (x, y + CAP), pen);
            }
            end = end.max(high);
        }
        let mut number = ticks::figure(total, language);
        if bar.doubt == Doubt::Marked {
            number += " !";
        }
        canvas.text(&number, (end + 14, y), text(INK, Anchor::Start));
    }
}

/// Of the parts that can be drawn; nothing where there are none.
fn total(bar: &Bar) -> Option<f64> {
    let known = bar.amounts.iter().flatten();
    let sum: f64 = known.filter(|amount| ticks::drawable(**amount)).sum();
    (sum > 0.0).then_some(sum)
}

fn interval(bar: &Bar) -> Option<(f64, f64)> {
    bar.interval
        .filter(|(low, high)| *low >= 0.0 && *low <= *high && ticks::drawable(*high))
}

fn text(colour: plotters::style::RGBColor, anchor: Anchor) -> Lettering {
    Lettering {
        size: SMALL,
        colour,
        anchor,
    }
}
