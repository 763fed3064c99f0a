//! Strokes, fills and texts at whole units of the drawing, two of which make a
//! pixel where a chart is shown in its usual size. `plotters` writes the shapes;
//! the head of the document is ours, because the library's own gives no
//! description, and its fixed size would not scale in a page.

use plotters::{
    element::{DashedPathElement, Drawable},
    prelude::{DrawingBackend, FontFamily, IntoFont, RGBColor, SVGBackend, ShapeStyle, TextStyle},
    style::{
        Color,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{Body, Chart, Place, palette};

/// Of every chart.
pub(super) const WIDTH: i32 = 1440;
const UNITS_PER_PIXEL: i32 = 2;

/// Sizes of text.
pub(super) const TITLE: i32 = 36;
pub(super) const TEXT: i32 = 27;
pub(super) const SMALL: i32 = 25;

/// The library is told the size of a font's box, and divides by this.
const FONT_BOX: f64 = 1.24;
/// The mean width of a character in a wide sans-serif font, as a share of its
/// size. A guess is enough: nothing is placed against the end of a text.
const CHARACTER_WIDTH: f64 = 0.6;

pub(super) type Position = (i32, i32);

/// The shapes of a chart and the room that they take.
pub(super) struct Drawing {
    pub(super) height: i32,
    elements: String,
}

/// Where things are drawn.
pub(super) struct Canvas<'a>(SVGBackend<'a>);

/// Which end of a text is at its position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lettering {
    pub(super) size: i32,
    pub(super) colour: RGBColor,
    pub(super) anchor: Anchor,
}

/// A line's look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub(super) colour: RGBColor,
    pub(super) width: u32,
}

/// A drawing of so many units in height.
pub(super) fn drawing(height: i32, draw: impl FnOnce(&mut Canvas<'_>)) -> Drawing {
    let mut document = String::new();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let mut canvas = Canvas(SVGBackend::with_string(&mut document, size));
    draw(&mut canvas);
    written(canvas.0.present());
    drop(canvas);
    let shapes = document.split_once(">\n").map_or("", |(_, shapes)| shapes);
    let elements = shapes.trim_end().trim_end_matches("</svg>").to_owned();
    Drawing { height, elements }
}

/// The whole SVG document.
pub(super) fn document(chart: &Chart, place: Place, drawing: &Drawing) -> String {
    let Drawing { height, elements } = drawing;
    let title = escaped(&chart.title);
    let description = escaped(&description(chart));
    let (width_px, height_px) = (WIDTH / UNITS_PER_PIXEL, height / UNITS_PER_PIXEL);
    let head = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}""#);
    match place {
        // A title element would be shown as a tip wherever the pointer rests.
        Place::Page => format!(
            "{head} role=\"img\" aria-label=\"{title}\">\n<desc>{description}</desc>\n{elements}</svg>\n"
        ),
        Place::File => format!(
            "{head} width=\"{width_px}\" height=\"{height_px}\" role=\"img\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n{elements}</svg>\n",
            palette::hex(palette::PAPER)
        ),
    }
}

/// The axes and what is on them.
fn description(chart: &Chart) -> String {
    match &chart.body {
        Body::Lines(lines) => {
            let names: Vec<_> = lines.series.iter().map(|of| of.name.as_str()).collect();
            format!(
                "{} / {}: {}",
                lines.y_label,
                lines.x_label,
                names.join("; ")
            )
        }
        Body::Bars(bars) => format!("{}: {}", bars.x_label, bars.parts.join("; ")),
    }
}

fn escaped(text: &str) -> String {
    let text = printable(text);
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// XML has no way to write most control characters.
fn printable(text: &str) -> String {
    let visible = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|c| if visible(c) { c } else { ' ' })
        .collect()
}

/// About how wide a text will be.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * CHARACTER_WIDTH) as i32
}

/// As much of a text as fits.
pub(super) fn fitted(text: &str, size: i32, width: i32) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let room = f64::from(width) / (f64::from(size) * CHARACTER_WIDTH);
    let kept: String = text
        .chars()
        .take((room as usize).saturating_sub(1))
        .collect();
    format!("{}…", kept.trim_end())
}

impl Canvas<'_> {
    pub(super) fn line(&mut self, from: Position, to: Position, pen: Pen) {
        written(self.0.draw_line(from, to, &pen.style()));
    }

    pub(super) fn path(&mut self, points: &[Position], pen: Pen) {
        if points.len() > 1 {
            written(self.0.draw_path(points.iter().copied(), &pen.style()));
        }
    }

    /// Each dash is a shape of its own, because the library knows no other way.
    pub(super) fn dashes(&mut self, points: &[Position], (dash, gap): (i32, i32), pen: Pen) {
        let path = DashedPathElement::new(points.iter().copied(), dash, gap, pen.style());
        written(path.draw(points.iter().copied(), &mut self.0, (0, 0)));
    }

    pub(super) fn rectangle(&mut self, corner: Position, opposite: Position, fill: RGBColor) {
        written(self.0.draw_rect(corner, opposite, &fill, true));
    }

    pub(super) fn polygon(&mut self, corners: &[Position], fill: RGBColor) {
        written(self.0.fill_polygon(corners.iter().copied(), &fill));
    }

    pub(super) fn disc(&mut self, centre: Position, radius: u32, fill: RGBColor) {
        written(self.0.draw_circle(centre, radius, &fill, true));
    }

    pub(super) fn circle(&mut self, centre: Position, radius: u32, pen: Pen) {
        written(self.0.draw_circle(centre, radius, &pen.style(), false));
    }

    /// The middle of its height is at the position.
    pub(super) fn text(&mut self, text: &str, at: Position, lettering: Lettering) {
        let text = printable(text);
        let h_pos = match lettering.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let font = (FontFamily::SansSerif, f64::from(lettering.size) * FONT_BOX).into_font();
        let style = TextStyle::from(font)
            .color(&lettering.colour)
            .pos(Pos::new(h_pos, VPos::Center));
        written(self.0.draw_text(&text, &style, at));
    }
}

impl Pen {
    fn style(self) -> ShapeStyle {
        ShapeStyle {
            color: self.colour.to_rgba(),
            filled: false,
            stroke_width: self.width,
        }
    }
}

/// Nothing can go wrong in writing to a `String`.
fn written<E: std::fmt::Debug>(result: Result<(), E>) {
    debug_assert!(result.is_ok(), "{result:?}");
}
