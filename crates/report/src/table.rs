//! A table of texts, aligned for a terminal or as Markdown.

/// Where a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A header and rows of the same number of cells.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    /// The header first.
    lines: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: Vec<(&str, Align)>) -> Table {
        let (names, aligns) = header
            .into_iter()
            .map(|(name, align)| (name.to_owned(), align))
            .unzip();
        Table {
            aligns,
            lines: vec![names],
        }
    }

    pub(crate) fn add(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.aligns.len());
        self.lines.push(cells);
    }

    pub(crate) fn text(&self) -> String {
        self.joined("", "  ", "", None)
    }

    pub(crate) fn markdown(&self) -> String {
        let rule: Vec<_> = self
            .widths()
            .into_iter()
            .zip(&self.aligns)
            .map(|(width, align)| match align {
                Align::Left => "-".repeat(width),
                Align::Right => format!("{}:", "-".repeat(width.saturating_sub(1))),
            })
            .collect();
        self.joined("| ", " | ", " |", Some(&rule))
    }

    /// At least three, which a Markdown rule needs.
    fn widths(&self) -> Vec<usize> {
        (0..self.aligns.len())
            .map(|column| {
                let widths = self.lines.iter().map(|line| line[column].chars().count());
                widths.max().unwrap_or(0).max(3)
            })
            .collect()
    }

    fn joined(&self, start: &str, between: &str, end: &str, rule: Option<&[String]>) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            let cells: Vec<_> = line
                .iter()
                .zip(&widths)
                .zip(&self.aligns)
                .map(|((cell, width), align)| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            let line = format!("{start}{}{end}", cells.join(between));
            out.push_str(line.trim_end());
            out.push('\n');
            if let (0, Some(rule)) = (index, rule) {
                out.push_str(&format!("{start}{}{end}\n", rule.join(between)));
            }
        }
        out
    }
}
