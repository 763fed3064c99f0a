//! Drawing. In: a [`Chart`], which is points or stacked amounts with their names
//! and texts, and knows nothing of experiments; out: SVG or PNG. Which charts a
//! run has is decided in `charts/study.rs`. The PNG is the SVG rasterised, so that
//! the two cannot differ, with a font from this program, so that it looks the
//! same on a machine that has none.

mod bars;
mod canvas;
mod legend;
mod lines;
mod palette;
mod png;
mod study;
mod ticks;

pub use palette::SeriesStyle;
pub use png::PngError;
pub use study::{Figure, figures};

pub(crate) use study::capital;
pub(crate) use ticks::{figure, number};

use crate::Language;

/// One picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows, in a line.
    pub title: String,
    /// Of its numbers and its few words.
    pub language: Language,
    /// What is in it.
    pub body: Body,
}

/// The two kinds of chart.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Figures against a load, both axes logarithmic.
    Lines(Lines),
    /// Amounts of several parts side by side, from zero.
    Bars(Bars),
}

/// Series over a common pair of logarithmic axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// What the horizontal axis is, with its unit.
    pub x_label: String,
    /// What the vertical axis is, with its unit.
    pub y_label: String,
    /// In the order of the legend.
    pub series: Vec<Series>,
}

/// A line through points.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// For the legend.
    pub name: String,
    /// How it is told from the others.
    pub style: SeriesStyle,
    /// By growing `x`; what a logarithmic axis cannot show (zero, negative and
    /// infinite numbers) is left out.
    pub points: Vec<Point>,
}

/// One figure, at one load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The load.
    pub x: f64,
    /// The figure.
    pub y: f64,
    /// Its interval, low and high.
    pub interval: Option<(f64, f64)>,
    /// Whether it can be taken as it is.
    pub doubt: Doubt,
}

/// Whether a figure can be taken as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doubt {
    /// As far as is known.
    #[default]
    None,
    /// There is a warning about it, and an exclamation mark beside it.
    Marked,
}

/// Horizontal bars, in groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What the length of a bar is, with its unit.
    pub x_label: String,
    /// What a bar is made of, from the axis outwards; one part needs no legend.
    pub parts: Vec<String>,
    /// From top to bottom.
    pub groups: Vec<Group>,
}

/// Bars that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Such as the load that they share; empty takes no room.
    pub name: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Beside it.
    pub name: String,
    /// By part; what is not known, negative or infinite is left out.
    pub amounts: Vec<Option<f64>>,
    /// Of the whole bar, low and high.
    pub interval: Option<(f64, f64)>,
    /// Whether it can be taken as it is.
    pub doubt: Doubt,
}

/// A file of its own: with the title, on white.
pub fn draw_svg(chart: &Chart) -> String {
    draw(chart, Place::File)
}

/// A part of a page, which has the title above it and sets colours: no
/// background, as wide as there is room.
pub fn draw_inline(chart: &Chart) -> String {
    draw(chart, Place::Page)
}

/// [`draw_svg`] as a picture of 1,440 pixels in width.
pub fn draw_png(chart: &Chart) -> Result<Vec<u8>, PngError> {
    png::rasterised(&draw_svg(chart))
}

/// Where a chart stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    File,
    Page,
}

fn draw(chart: &Chart, place: Place) -> String {
    let title = match place {
        Place::File => chart.title.as_str(),
        Place::Page => "",
    };
    let drawing = match &chart.body {
        Body::Lines(lines) => lines::draw(lines, title, chart.language),
        Body::Bars(bars) => bars::draw(bars, title, chart.language),
    };
    canvas::document(chart, place, &drawing)
}

#[cfg(test)]
mod tests;
