//! `rosterd top`: a running server, watched.

use super::Failure;
use super::ask::{AskError, Server};
use super::print::{ASIDE, ERROR};
use super::status::{Sets, headline, rates, set_table, troubled, watches};
use super::table::Table;
use super::terminal::{Terminal, Waited};
use crate::admin::StatusJson;
use crate::admin::figures::{count, octets, rate};
use crate::run::OneLine;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::time::{Duration, Instant};

/// Sets that are shown.
const SETS: usize = 20;

/// Between two tables that stand side by side.
const GAP: usize = 4;

/// Looks every `interval` seconds, so many times or until ended.
pub(super) fn top(url: &str, interval: u32, count: Option<u64>) -> Result<(), Failure> {
    let server = Server::at(url)?;
    let interval = Duration::from_secs(interval.into());
    // A server that is not there at all is no reason to take the terminal.
    let first = server.read("/api/v1/status")?;
    match Terminal::take() {
        Some(terminal) => in_place(&terminal, &server, interval, count),
        None => line_by_line(&server, &first, interval, count),
    }
}

/// In place, until a key ends it. A server that stops answering is waited for.
fn in_place(
    terminal: &Terminal,
    server: &Server,
    interval: Duration,
    count: Option<u64>,
) -> Result<(), Failure> {
    let coloured = anstream::stdout().current_choice() != anstream::ColorChoice::Never;
    let mut seen = Vec::new();
    let mut looks = 0_u64;
    loop {
        let look: Result<StatusJson, AskError> = server.read("/api/v1/status");
        match look {
            Ok(status) => seen = screen(&status, &troubled(server, SETS).unwrap_or_default()),
            Err(error) => {
                let line = format!("{ERROR}old{ERROR:#}: {}", OneLine(error));
                match seen.first_mut() {
                    Some(first) => *first = line,
                    None => seen.push(line),
                }
            }
        }
        let lines: Vec<String> =
            seen.iter().map(|line| if coloured { line.clone() } else { plain(line) }).collect();
        looks += 1;
        let next = Instant::now() + interval;
        loop {
            let Ok(size) = terminal.show(&lines) else { return Ok(()) };
            if count.is_some_and(|count| looks >= count) {
                return Ok(());
            }
            match terminal.wait(next, size) {
                Waited::Over => break,
                Waited::Resized => {}
                Waited::Ended => return Ok(()),
            }
        }
    }
}

/// What fills a terminal.
fn screen(status: &StatusJson, sets: &Sets) -> Vec<String> {
    let mut lines = vec![headline(status)];
    lines.extend(status.why.iter().map(|line| format!("  {}", OneLine(line))));
    let mut figures = String::new();
    for (name, value) in figures_of(status) {
        // Writing to a string does not fail.
        let _ = write!(figures, "{ASIDE}{name}{ASIDE:#} {value}   ");
    }
    lines.push(figures);
    lines.push(String::new());
    let rates = [
        rates("RCODE", &status.rates.rcodes),
        rates("TYPE", &status.rates.types),
        rates("ZONE", &status.rates.zones),
    ];
    lines.extend(beside(&rates));
    for (title, table) in
        [("watches", watches(&status.watches)), ("sets that deserve a look", set_table(&sets.items))]
    {
        if !table.is_empty() {
            lines.extend([String::new(), format!("{ASIDE}{title}{ASIDE:#}")]);
            lines.extend(table.lines());
        }
    }
    lines.push(String::new());
    lines.push(format!("{ASIDE}q ends{ASIDE:#}"));
    lines
}

fn figures_of(status: &StatusJson) -> [(&'static str, String); 6] {
    let peers = status.peers.clone().unwrap_or_default();
    [
        ("queries/s", rate(status.rates.queries.per_second)),
        ("changes/s", rate(status.rates.publications.per_second)),
        ("peers", count(peers.peers as u64)),
        ("left out", count(peers.peers_left_out as u64)),
        ("sets", count(peers.sets as u64)),
        ("memory", status.memory_octets.map_or_else(|| "?".to_owned(), octets)),
    ]
}

/// Tables side by side.
fn beside(tables: &[Table]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut indent = 0;
    for table in tables.iter().filter(|table| !table.is_empty()) {
        let right = table.lines();
        for (place, line) in right.iter().enumerate() {
            if place >= lines.len() {
                lines.push(String::new());
            }
            if let Some(whole) = lines.get_mut(place) {
                let blank = indent - plain(whole).chars().count().min(indent);
                whole.push_str(&" ".repeat(blank));
                whole.push_str(line);
            }
        }
        let widest = lines.iter().map(|line| plain(line).chars().count()).max().unwrap_or(0);
        indent = widest + GAP;
    }
    lines
}

/// Without styles.
fn plain(line: &str) -> String {
    anstream::adapter::strip_str(line).to_string()
}

/// The columns of [`line_by_line`].
const COLUMNS: [&str; 8] =
    ["READY", "QUERIES/S", "CHANGES/S", "PEERS", "LEFT-OUT", "SETS", "WATCHES", "MEMORY-MIB"];

/// A line for each look, in columns that programs split at blanks. Ends with the server.
fn line_by_line(
    server: &Server,
    first: &StatusJson,
    interval: Duration,
    count: Option<u64>,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let mut say = |line: &str| match writeln!(out, "{line}").and_then(|()| out.flush()) {
        // A reader that has seen enough and went away is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!("cannot write to standard output: {error}"))),
        Ok(()) => Ok(true),
    };
    if !say(&in_columns(&COLUMNS.map(str::to_owned)))? || !say(&sample(first))? {
        return Ok(());
    }
    let mut looks = 1_u64;
    while count.is_none_or(|count| looks < count) {
        std::thread::sleep(interval);
        let status: StatusJson = server.read("/api/v1/status")?;
        if !say(&sample(&status))? {
            return Ok(());
        }
        looks += 1;
    }
    Ok(())
}

fn sample(status: &StatusJson) -> String {
    let peers = status.peers.clone().unwrap_or_default();
    let well = status.watches.iter().filter(|watch| watch.synced && !watch.stale && watch.state != "failing");
    let memory = status.memory_octets.unwrap_or(0) >> 20;
    in_columns(&[
        if status.ready { "yes" } else { "no" }.to_owned(),
        format!("{:.1}", status.rates.queries.per_second),
        format!("{:.1}", status.rates.publications.per_second),
        peers.peers.to_string(),
        peers.peers_left_out.to_string(),
        peers.sets.to_string(),
        format!("{}/{}", well.count(), status.watches.len()),
        memory.to_string(),
    ])
}

fn in_columns(cells: &[String; 8]) -> String {
    let cells = cells.iter().zip(COLUMNS);
    let cells: Vec<String> =
        cells.map(|(cell, head)| format!("{cell:>width$}", width = head.len().max(8))).collect();
    cells.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::table::cell;
    use super::*;

    #[test]
    fn tables_stand_side_by_side() {
        let mut one = Table::new(&["A", "#B"]);
        one.row([cell("x"), cell(1)]);
        let mut other = Table::new(&["LONG"]);
        other.row([cell("y")]);
        other.row([cell("z")]);
        let lines: Vec<String> =
            beside(&[one, Table::new(&["EMPTY"]), other]).iter().map(|line| plain(line)).collect();
        assert_eq!(lines, ["A  B    LONG", "x  1    y", "        z"]);
    }

    #[test]
    fn samples_stand_below_their_heads() {
        let heads = in_columns(&COLUMNS.map(str::to_owned));
        let line = sample(&StatusJson { ready: true, ..StatusJson::default() });
        assert_eq!(heads.len(), line.len());
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells, ["yes", "0.0", "0.0", "0", "0", "0", "0/0", "0"]);
    }
}
