//! The tables, as text.

use crate::demands;
use crate::measure::{Candidate, Subject};
use load::run::{Figures, median};
use std::fmt::Write as _;
use std::process::Command;

/// One line of a table: medians over the rounds.
pub struct Row {
    pub name: String,
    pub per_second: f64,
    pub user: f64,
    pub system: f64,
    /// CPU as a multiple of the echo's in the same round.
    pub echo: Option<f64>,
    /// CPU as a multiple of rosterd's in the same round; `None` for rosterd.
    pub ratio: Option<f64>,
    pub demanded: Option<f64>,
    octets: f64,
    p99: f64,
    notes: String,
}

impl Row {
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// One table.
pub struct Table {
    pub label: String,
    /// CPU per answer of the echo, in microseconds.
    pub floor: Option<f64>,
    /// CPU per answer of rosterd above the echo's of the same round, in microseconds.
    above: Option<f64>,
    /// That in microseconds that it should stay within.
    above_demanded: Option<f64>,
    /// rosterd first.
    pub rows: Vec<Row>,
}

pub fn table(subject: &Subject, candidates: &[Candidate]) -> Table {
    let ours = subject.figures.first().map_or(&[][..], Vec::as_slice);
    let rows = candidates.iter().enumerate().map(|(index, candidate)| {
        let figures = &subject.figures[index];
        let median_of = |of: fn(&Figures) -> f64| median(figures.iter().map(of));
        let over = |others: &[Figures]| {
            let ratios = figures.iter().zip(others).map(|(figures, other)| figures.cpu() / other.cpu());
            (!others.is_empty() && !figures.is_empty()).then(|| median(ratios))
        };
        Row {
            name: candidate.name.to_string(),
            per_second: median_of(|figures| figures.per_second),
            user: median_of(|figures| figures.user),
            system: median_of(|figures| figures.system),
            echo: over(&subject.floor),
            ratio: if index == 0 { None } else { over(ours) },
            demanded: demands::ratio(candidate.name, subject.shape.label, subject.transport),
            octets: median_of(|figures| figures.octets),
            p99: median_of(|figures| figures.latency.quantile(0.99).as_secs_f64() * 1e6),
            notes: subject.differences[index].join(", "),
        }
    });
    let floor = (!subject.floor.is_empty()).then(|| median(subject.floor.iter().map(Figures::cpu)));
    let above = ours.iter().zip(&subject.floor).map(|(figures, echo)| figures.cpu() - echo.cpu());
    Table {
        label: subject.label(),
        floor,
        above: floor.map(|_| median(above)),
        above_demanded: demands::above_echo(subject.shape.label, subject.transport),
        rows: rows.collect(),
    }
}

/// All tables, below what they were measured on.
pub fn text(tables: &[Table], candidates: &[Candidate], how: &str) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(text, "{}\n{how}", machine());
    for candidate in candidates {
        let _ = writeln!(text, "  {:<14}{}", candidate.name, candidate.version);
    }
    for table in tables {
        let _ = writeln!(text, "\n{}", table.label);
        let _ = writeln!(
            text,
            "{:<16}{:>10}{:>15}{:>7}{:>8}{:>8}{:>8}{:>8}{:>11}{:>10}",
            "",
            "answers/s",
            "CPU us/answer",
            "user",
            "system",
            "x echo",
            "p99 us",
            "octets",
            "x rosterd",
            "demanded"
        );
        if let Some(floor) = table.floor {
            let _ = writeln!(text, "{:<16}{:>10}{floor:>15.2}", "UDP echo", "");
        }
        for row in &table.rows {
            line(&mut text, row);
        }
        if let (Some(above), Some(demanded)) = (table.above, table.above_demanded) {
            let missed = if above > demanded { " MISSED" } else { "" };
            let _ = writeln!(text, "rosterd above the echo: {above:.2} us, demanded {demanded:.2}{missed}");
        }
    }
    text
}

fn line(text: &mut String, row: &Row) {
    let notes = if row.notes.is_empty() { String::new() } else { format!("  {}", row.notes) };
    if row.per_second.is_nan() {
        let _ = writeln!(text, "{:<16}no comparable answers:{notes}", row.name);
        return;
    }
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |value| format!("{value:.2}"));
    let missed = matches!((row.ratio, row.demanded), (Some(ratio), Some(demanded)) if ratio < demanded);
    let _ = writeln!(
        text,
        "{:<16}{:>10.0}{:>15.2}{:>7.2}{:>8.2}{:>8}{:>8.0}{:>8.0}{:>11}{:>10}{}{notes}",
        row.name,
        row.per_second,
        row.cpu(),
        row.user,
        row.system,
        number(row.echo),
        row.p99,
        row.octets,
        number(row.ratio),
        number(row.demanded),
        if missed { " MISSED" } else { "" },
    );
}

/// The machine in a line.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let date = Command::new("date").arg("-I").output().map(|output| output.stdout).unwrap_or_default();
    format!(
        "{}, {count} x {}, Linux {}",
        String::from_utf8_lossy(&date).trim(),
        model.map_or("unknown CPU", |(_, model)| model),
        read("/proc/sys/kernel/osrelease").trim()
    )
}
