//! A table of texts as HTML: rows in groups that share their first cell, texts at
//! the left, figures at the right; it scrolls in a box of its own where the
//! screen is narrow.

use maud::{Markup, html};

/// A table to be.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// What it shows, for those who hear it.
    pub(super) caption: String,
    /// The first of texts, the others of figures.
    pub(super) columns: Vec<Column>,
    pub(super) groups: Vec<Group>,
}

#[derive(Debug)]
pub(super) enum Column {
    Text(String),
    Figure(String),
}

/// Rows under one heading, which stands in the first column.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) heading: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    /// Those after the heading.
    pub(super) cells: Vec<Cell>,
    /// Set back, because it is there for comparison.
    pub(super) look: Look,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Look {
    #[default]
    Plain,
    Muted,
    Strong,
}

#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Below, smaller: an interval.
    pub(super) detail: Option<String>,
    pub(super) look: Look,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: text.into(),
            ..Cell::default()
        }
    }
}

impl Look {
    fn class(self) -> Option<&'static str> {
        match self {
            Look::Plain => None,
            Look::Muted => Some("muted"),
            Look::Strong => Some("strong"),
        }
    }
}

impl Column {
    fn class(&self) -> Option<&'static str> {
        match self {
            Column::Text(_) => None,
            Column::Figure(_) => Some("figure"),
        }
    }

    fn name(&self) -> &str {
        match self {
            Column::Text(name) | Column::Figure(name) => name,
        }
    }
}

impl Grid {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.rows.is_empty())
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            // Reachable by keyboard, or its right end would not be.
            div .scroll tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    caption .hidden { (self.caption) }
                    thead {
                        tr {
                            @for column in &self.columns {
                                th scope="col" class=[column.class()] { (column.name()) }
                            }
                        }
                    }
                    @for group in &self.groups {
                        tbody {
                            @for (index, row) in group.rows.iter().enumerate() {
                                tr class=[row.look.class()] {
                                    @if index == 0 {
                                        th scope="rowgroup" rowspan=(group.rows.len()) {
                                            (group.heading)
                                        }
                                    }
                                    (self.cells(row))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn cells(&self, row: &Row) -> Markup {
        html! {
            @for (cell, column) in row.cells.iter().zip(self.columns.iter().skip(1)) {
                @let classes = [column.class(), cell.look.class()];
                @let class = classes.into_iter().flatten().collect::<Vec<_>>().join(" ");
                td class=[(!class.is_empty()).then_some(class)] {
                    (cell.text)
                    @if let Some(detail) = &cell.detail { " " small { (detail) } }
                }
            }
        }
    }
}
