//! An SVG document as a picture. The font is DejaVu Sans, from a crate: the
//! system's fonts are not looked at.

use std::sync::Arc;

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb},
};

use super::canvas::WIDTH;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[error("cannot turn a chart into a PNG: {reason}; the SVG beside it shows the same")]
pub struct PngError {
    reason: String,
}

pub(super) fn rasterised(svg: &str) -> Result<Vec<u8>, PngError> {
    let tree = Tree::from_str(svg, &options()).map_err(PngError::new)?;
    let scale = f64::from(WIDTH) / f64::from(tree.size().width());
    let pixels = |length: f32| (f64::from(length) * scale).round() as u32;
    let size = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut picture = Pixmap::new(size.0, size.1)
        .ok_or_else(|| PngError::new(format!("no picture has {} x {} pixels", size.0, size.1)))?;
    let transform = Transform::from_scale(scale as f32, scale as f32);
    resvg::render(&tree, transform, &mut picture.as_mut());
    picture.encode_png().map_err(PngError::new)
}

fn options() -> Options<'static> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(dejavu::sans::regular())));
    fonts.set_sans_serif_family("DejaVu Sans");
    Options {
        fontdb: Arc::new(fonts),
        ..Options::default()
    }
}

impl PngError {
    fn new(reason: impl ToString) -> PngError {
        PngError {
            reason: reason.to_string(),
        }
    }
}
