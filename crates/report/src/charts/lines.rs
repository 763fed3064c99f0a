//! Figures against a load, both axes logarithmic: the loads of a study double
//! from one to the next, and latencies span four powers of ten.

use plotters::prelude::{Cartesian2d, CoordTranslate, IntoLogRange, LogCoord, RGBColor};

use super::{
    Doubt, Lines, Point, Series, SeriesStyle,
    canvas::{self, Anchor, Canvas, Drawing, Lettering, Pen, Position, SMALL, TEXT, WIDTH},
    legend::{Head, Key, MARGIN},
    palette::{AXIS, GRID, INK, MUTED},
    ticks::{self, Axis},
};
use crate::Language;

const PLOT_HEIGHT: i32 = 600;
/// For the name of the vertical axis, above the plot: a turned text is hard to read.
const Y_LABEL_HEIGHT: i32 = 52;
/// For the numbers and the name of the horizontal axis.
const FOOT_HEIGHT: i32 = 108;
/// Half the width of the bar at the end of an interval.
const CAP: i32 = 9;

/// The plot's rectangle and its coordinates.
struct Plot {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    x: Axis,
    y: Axis,
    coordinates: Cartesian2d<LogCoord<f64>, LogCoord<f64>>,
}

pub(super) fn draw(lines: &Lines, title: &str, language: Language) -> Drawing {
    let entries = lines.series.iter();
    let head = Head {
        title,
        entries: entries
            .map(|of| (Key::Line(of.style), of.name.as_str()))
            .collect(),
    };
    let top = head.height() + Y_LABEL_HEIGHT;
    canvas::drawing(top + PLOT_HEIGHT + FOOT_HEIGHT, |canvas| {
        head.draw(canvas);
        canvas.text(&lines.y_label, (MARGIN, top - 34), muted(Anchor::Start));
        match Plot::of(lines, top, language) {
            Some(plot) => plot.draw(lines, canvas, language),
            None => {
                let middle = (WIDTH / 2, top + PLOT_HEIGHT / 2);
                canvas.text(nothing(language), middle, muted(Anchor::Middle));
            }
        }
    })
}

pub(super) fn nothing(language: Language) -> &'static str {
    match language {
        Language::English => "no figures yet",
        Language::Portuguese => "ainda sem valores",
    }
}

impl Plot {
    /// Nothing where no point can be drawn.
    fn of(lines: &Lines, top: i32, language: Language) -> Option<Plot> {
        let points = || lines.series.iter().flat_map(drawable);
        let x = ticks::loads(points().map(|point| point.x))?;
        let y = ticks::logarithmic(points().flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.y, point.y));
            [low, point.y, high]
        }))?;
        let numbers = y.ticks.iter().map(|tick| ticks::number(*tick, language));
        let widest = numbers
            .map(|number| canvas::text_width(&number, SMALL))
            .max()?;
        let (left, right, bottom) = (MARGIN + widest + 14, WIDTH - 40, top + PLOT_HEIGHT);
        let coordinates = Cartesian2d::new(
            (x.low..x.high).log_scale(),
            (y.low..y.high).log_scale(),
            (left..right, bottom..top),
        );
        Some(Plot {
            left,
            top,
            right,
            bottom,
            x,
            y,
            coordinates,
        })
    }

    fn draw(&self, lines: &Lines, canvas: &mut Canvas<'_>, language: Language) {
        self.draw_axes(lines, canvas, language);
        // The measured on top of what is there to compare it with.
        let rank = |series: &&Series| matches!(series.style, SeriesStyle::Measured(_));
        let mut ordered: Vec<_> = lines.series.iter().collect();
        ordered.sort_by_key(rank);
        for series in ordered {
            let points: Vec<_> = drawable(series).collect();
            let places: Vec<_> = points
                .iter()
                .map(|point| self.place(point.x, point.y))
                .collect();
            series.style.draw_line(canvas, &places);
            for (point, place) in points.iter().zip(places) {
                self.draw_interval(point, series.style, canvas);
                series.style.draw_marker(canvas, place);
                if point.doubt == Doubt::Marked {
                    let beside = (place.0 + 14, place.1 - 16);
                    canvas.text("!", beside, lettering(INK, TEXT, Anchor::Start));
                }
            }
        }
    }

    fn place(&self, x: f64, y: f64) -> Position {
        self.coordinates.translate(&(x, y))
    }

    fn draw_interval(&self, point: &Point, style: SeriesStyle, canvas: &mut Canvas<'_>) {
        let Some((low, high)) = point.interval else {
            return;
        };
        let (x, low) = self.place(point.x, low);
        let (_, high) = self.place(point.x, high);
        let pen = Pen {
            colour: style.colour(),
            width: 3,
        };
        canvas.line((x, low), (x, high), pen);
        for end in [low, high] {
            canvas.line((x - CAP, end), (x + CAP, end), pen);
        }
    }

    fn draw_axes(&self, lines: &Lines, canvas: &mut Canvas<'_>, language: Language) {
        let grid = Pen {
            colour: GRID,
            width: 2,
        };
        for tick in &self.y.ticks {
            let (_, y) = self.place(self.x.low, *tick);
            canvas.line((self.left, y), (self.right, y), grid);
            let number = ticks::number(*tick, language);
            canvas.text(&number, (self.left - 14, y), muted(Anchor::End));
        }
        let axis = Pen {
            colour: AXIS,
            width: 2,
        };
        let mut free_from = 0;
        for tick in &self.x.ticks {
            let (x, _) = self.place(*tick, self.y.low);
            canvas.line((x, self.top), (x, self.bottom), grid);
            canvas.line((x, self.bottom), (x, self.bottom + 10), axis);
            let number = ticks::number(*tick, language);
            let half = canvas::text_width(&number, SMALL) / 2;
            if x - half >= free_from {
                canvas.text(&number, (x, self.bottom + 32), muted(Anchor::Middle));
                free_from = x + half + 12;
            }
        }
        canvas.line((self.left, self.bottom), (self.right, self.bottom), axis);
        let label = lettering(MUTED, TEXT, Anchor::Middle);
        let middle = (self.left + self.right) / 2;
        canvas.text(&lines.x_label, (middle, self.bottom + 78), label);
    }
}

/// The points that logarithmic axes can show; an interval that they cannot show
/// is left out, not cut off.
fn drawable(series: &Series) -> impl Iterator<Item = Point> {
    let points = series.points.iter().copied();
    points
        .filter(|point| ticks::drawable(point.x) && ticks::drawable(point.y))
        .map(|point| Point {
            interval: point
                .interval
                .filter(|(low, high)| ticks::drawable(*low) && ticks::drawable(*high)),
            ..point
        })
}

fn muted(anchor: Anchor) -> Lettering {
    lettering(MUTED, SMALL, anchor)
}

fn lettering(colour: RGBColor, size: i32, anchor: Anchor) -> Lettering {
    Lettering {
        size,
        colour,
        anchor,
    }
}
