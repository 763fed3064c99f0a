//! The head of a chart: its title, then its legend in as many columns as fit.

use plotters::style::RGBColor;

use super::{
    SeriesStyle,
    canvas::{self, Anchor, Canvas, Lettering, TEXT, TITLE, WIDTH},
    palette::INK,
};

/// Left and right of everything.
pub(super) const MARGIN: i32 = 24;
const ROW: i32 = 40;
const SAMPLE: i32 = 76;
const BETWEEN: i32 = 36;

/// What a name in the legend stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Line(SeriesStyle),
    Fill(RGBColor),
}

/// Drawn from the top of the canvas down to [`Head::height`].
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) entries: Vec<(Key, &'a str)>,
}

impl Head<'_> {
    pub(super) fn height(&self) -> i32 {
        let rows = self.entries.len().div_ceil(self.columns());
        self.title_height() + i32::try_from(rows).unwrap_or(0) * ROW + 12
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) {
        if !self.title.is_empty() {
            let title = canvas::fitted(self.title, TITLE, WIDTH - 2 * MARGIN);
            canvas.text(&title, (MARGIN, 42), lettering(TITLE));
        }
        let columns = self.columns();
        let column_width = (WIDTH - 2 * MARGIN) / i32::try_from(columns).unwrap_or(1);
        let mut y = self.title_height() + ROW / 2;
        for row in self.entries.chunks(columns) {
            let mut x = MARGIN;
            for (key, name) in row {
                key.draw(canvas, (x, y));
                let room = column_width - SAMPLE - BETWEEN / 2;
                let name = canvas::fitted(name, TEXT, room);
                canvas.text(&name, (x + SAMPLE, y), lettering(TEXT));
                x += column_width.min(self.entry_width());
            }
            y += ROW;
        }
    }

    fn title_height(&self) -> i32 {
        if self.title.is_empty() { 0 } else { 78 }
    }

    fn columns(&self) -> usize {
        let fitting = (WIDTH - 2 * MARGIN) / self.entry_width();
        usize::try_from(fitting).unwrap_or(1).clamp(1, 5)
    }

    fn entry_width(&self) -> i32 {
        let widths = self
            .entries
            .iter()
            .map(|(_, name)| canvas::text_width(name, TEXT));
        SAMPLE + BETWEEN + widths.max().unwrap_or(0)
    }
}

impl Key {
    fn draw(self, canvas: &mut Canvas<'_>, (x, y): (i32, i32)) {
        match self {
            Key::Line(style) => {
                style.draw_line(canvas, &[(x, y), (x + 60, y)]);
                style.draw_marker(canvas, (x + 30, y));
            }
            Key::Fill(colour) => canvas.rectangle((x + 24, y - 14), (x + 60, y + 14), colour),
        }
    }
}

fn lettering(size: i32) -> Lettering {
    Lettering {
        size,
        colour: INK,
        anchor: Anchor::Start,
    }
}
