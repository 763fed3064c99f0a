//! How series and parts are told from each other: by the colours of Okabe and
//! Ito, which people with any kind of colour vision can separate, and for lines
//! by marker and dash as well, so that a print in grey is enough. The page
//! (`html/style.css`) knows these colours by their values.

use plotters::style::RGBColor;

use super::canvas::{Canvas, Pen, Position};

pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(super) const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
pub(super) const MUTED: RGBColor = RGBColor(0x59, 0x63, 0x6e);
pub(super) const AXIS: RGBColor = RGBColor(0x8c, 0x95, 0x9f);
pub(super) const GRID: RGBColor = RGBColor(0xe3, 0xe6, 0xea);

const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
const YELLOW: RGBColor = RGBColor(0xf0, 0xe4, 0x42);

/// Without yellow, which a thin line on white does not show.
const LINES: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY];
/// Another order: a role is not a target.
const PARTS: [RGBColor; 7] = [SKY, ORANGE, GREEN, PURPLE, YELLOW, BLUE, VERMILION];
/// One fewer than colours, so that six targets by five make thirty looks.
const MARKERS: [Marker; 5] = [
    Marker::Disc,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Cross,
];
const MARKER_RADIUS: i32 = 9;

/// Who a line speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesStyle {
    /// The target of this index: a full line.
    Measured(usize),
    /// What is published for the same: its colour and marker, hollow and dashed.
    Published(usize),
    /// What nothing can pass: grey, without points.
    Bound,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Marker {
    Disc,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// As CSS and SVG write it.
pub(super) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Of a part of a bar.
pub(super) fn part(index: usize) -> RGBColor {
    PARTS[index % PARTS.len()]
}

impl SeriesStyle {
    pub(super) fn colour(self) -> RGBColor {
        match self {
            SeriesStyle::Measured(index) | SeriesStyle::Published(index) => {
                LINES[index % LINES.len()]
            }
            SeriesStyle::Bound => MUTED,
        }
    }

    pub(super) fn draw_line(self, canvas: &mut Canvas<'_>, points: &[Position]) {
        let pen = |width| Pen {
            colour: self.colour(),
            width,
        };
        match self {
            SeriesStyle::Measured(_) => canvas.path(points, pen(4)),
            SeriesStyle::Published(_) => canvas.dashes(points, (16, 10), pen(3)),
            SeriesStyle::Bound => canvas.dashes(points, (4, 8), pen(3)),
        }
    }

    pub(super) fn draw_marker(self, canvas: &mut Canvas<'_>, at: Position) {
        let colour = self.colour();
        match self {
            SeriesStyle::Measured(index) => marker(index).full(canvas, at, colour),
            SeriesStyle::Published(index) => marker(index).hollow(canvas, at, colour),
            SeriesStyle::Bound => {}
        }
    }
}

fn marker(index: usize) -> Marker {
    MARKERS[index % MARKERS.len()]
}

impl Marker {
    fn full(self, canvas: &mut Canvas<'_>, at: Position, colour: RGBColor) {
        match self {
            Marker::Disc => canvas.disc(at, MARKER_RADIUS.unsigned_abs(), colour),
            Marker::Cross => self.outline(canvas, at, Pen { colour, width: 5 }),
            _ => canvas.polygon(&self.corners(at), colour),
        }
    }

    fn hollow(self, canvas: &mut Canvas<'_>, at: Position, colour: RGBColor) {
        if self != Marker::Cross {
            self.full(canvas, at, PAPER);
        }
        self.outline(canvas, at, Pen { colour, width: 3 });
    }

    fn outline(self, canvas: &mut Canvas<'_>, at: Position, pen: Pen) {
        let corners = self.corners(at);
        match self {
            Marker::Disc => canvas.circle(at, MARKER_RADIUS.unsigned_abs(), pen),
            Marker::Cross => {
                canvas.line(corners[0], corners[2], pen);
                canvas.line(corners[1], corners[3], pen);
            }
            _ => {
                let closed: Vec<_> = corners.iter().chain(&corners[..2]).copied().collect();
                canvas.path(&closed, pen);
            }
        }
    }

    /// Of about the same area, whatever the marker.
    fn corners(self, (x, y): Position) -> Vec<Position> {
        let r = MARKER_RADIUS;
        let at = |dx: i32, dy: i32| (x + dx, y + dy);
        match self {
            Marker::Disc => Vec::new(),
            Marker::Square | Marker::Cross => {
                let r = r - 1;
                vec![at(-r, -r), at(r, -r), at(r, r), at(-r, r)]
            }
            Marker::Triangle => vec![at(0, -r - 2), at(r + 2, r - 2), at(-r - 2, r - 2)],
            Marker::Diamond => {
                let r = r + 2;
                vec![at(0, -r), at(r, 0), at(0, r), at(-r, 0)]
            }
        }
    }
}
