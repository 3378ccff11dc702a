//! Tables on a terminal: columns below each other, heads in bold.

use super::print::HEAD;
use crate::run::OneLine;
use anstyle::Style;
use std::io::{self, Write};

/// A table that is being filled.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug)]
struct Column {
    head: &'static str,
    numeric: bool,
}

/// A cell: one line, whoever wrote it.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// With a style.
    pub(super) fn styled(text: impl std::fmt::Display, style: Style) -> Cell {
        Cell { text: OneLine(text).to_string(), style }
    }
}

/// Plain text.
pub(super) fn cell(text: impl std::fmt::Display) -> Cell {
    Cell::styled(text, Style::new())
}

impl Table {
    /// With these columns; numbers stand at the right below a head that begins with `#`, which is not written.
    pub(super) fn new(heads: &[&'static str]) -> Table {
        let column = |head: &&'static str| match head.strip_prefix('#') {
            Some(head) => Column { head, numeric: true },
            None => Column { head, numeric: false },
        };
        Table { columns: heads.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Whether there is any row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, the heads' first.
    pub(super) fn lines(&self) -> Vec<String> {
        let width = |place: usize, column: &Column| {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            let widest = cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0);
            widest.max(column.head.chars().count())
        };
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(place, column)| width(place, column)).collect();
        let heads = self.columns.iter().map(|column| Cell { text: column.head.to_owned(), style: HEAD });
        let heads: Vec<Cell> = heads.collect();
        let line = |cells: &Vec<Cell>| {
            let last = cells.len().saturating_sub(1);
            let parts = cells.iter().zip(&self.columns).zip(&widths).enumerate();
            let parts = parts.map(|(place, ((Cell { text, style }, column), width))| {
                let blank = " ".repeat(width.saturating_sub(text.chars().count()));
                match (column.numeric, place == last) {
                    (true, _) => format!("{blank}{style}{text}{style:#}"),
                    (false, true) => format!("{style}{text}{style:#}"),
                    (false, false) => format!("{style}{text}{style:#}{blank}"),
                }
            });
            parts.collect::<Vec<_>>().join("  ")
        };
        std::iter::once(&heads).chain(&self.rows).map(line).collect()
    }

    /// Writes it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.lines().iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["NAME", "#PEERS", "WHY"]);
        assert!(table.is_empty());
        table.row([cell("a"), cell(12_345), cell("plain")]);
        table.row([cell("longer\u{1b}[2J"), cell(7), cell("")]);
        let mut out = anstream::StripStream::new(Vec::new());
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        let expected = "\
NAME             PEERS  WHY
a                12345  plain
longer\\u{1b}[2J      7  
";
        assert_eq!(text, expected);
    }
}
