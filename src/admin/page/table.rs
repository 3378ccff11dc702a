//! Tables that are read by row on narrow screens, and by whom a screen is read to.

use maud::{Markup, html};

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    numeric: bool,
}

/// Words.
pub(super) const fn words(name: &'static str) -> Column {
    Column { name, numeric: false }
}

/// Numbers, which stand below each other by their digits.
pub(super) const fn numbers(name: &'static str) -> Column {
    Column { name, numeric: true }
}

/// A row. Its first cell names it.
#[derive(Debug)]
pub(super) struct Row {
    /// What stays the same while the rest changes.
    pub(super) key: String,
    /// Whether it deserves a look.
    pub(super) marked: bool,
    pub(super) cells: Vec<Markup>,
}

/// A table. The roles say what the elements are: laid out as cards, browsers forget.
pub(super) fn table(caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Row>) -> Markup {
    let class = |column: &Column| column.numeric.then_some("number");
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th role="columnheader" scope="col" class=[class(column)] { (column.name) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" data-key=(row.key) class=[row.marked.then_some("marked")] {
                        @for (place, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
                            @if place == 0 {
                                th role="rowheader" scope="row" data-label=(column.name) { (cell) }
                            } @else {
                                td role="cell" data-label=(column.name) class=[class(column)] { span { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Text of others, or a dash where there is none.
pub(super) fn or_dash(text: Option<&str>) -> Markup {
    match text {
        Some(text) if !text.is_empty() => html! { (text) },
        _ => html! { span class="faint" { "–" } },
    }
}
