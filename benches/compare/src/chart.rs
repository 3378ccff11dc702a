//! The same as a picture: one panel for each table, one bar for each server.

use crate::report::{Row, Table};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 150.0;
const BAR: f64 = 16.0;
const STEP: f64 = 23.0;
/// Room above a panel's bars for its title, and below for its axis.
const TITLE: f64 = 34.0;
const AXIS: f64 = 30.0;
const HEAD: f64 = 62.0;

/// A bar longer than so many times rosterd's is cut off, so that the short ones can be told apart.
const CUT: f64 = 6.0;

/// CPU per answer of all `tables`, as SVG.
pub fn svg(title: &str, tables: &[&Table], below: &str) -> String {
    let panels: f64 = tables.iter().map(|table| height(table)).sum();
    let total = HEAD + panels + 26.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{total}\" viewBox=\"0 0 {WIDTH} {total}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, 16.0, 24.0, "start", "font-size=\"17\" font-weight=\"bold\"", title);
    legend(&mut svg);
    let mut y = HEAD;
    for table in tables {
        panel(&mut svg, table, y);
        y += height(table);
    }
    text(&mut svg, 16.0, total - 10.0, "start", "fill=\"#666\" font-size=\"11\"", below);
    svg.push_str("</svg>\n");
    svg
}

fn measured(table: &Table) -> impl Iterator<Item = &Row> {
    table.rows.iter().filter(|row| row.cpu().is_finite())
}

fn height(table: &Table) -> f64 {
    TITLE + STEP * measured(table).count() as f64 + AXIS
}

fn legend(svg: &mut String) {
    let marks = [
        ("#c2410c", "rosterd, user"),
        ("#fdba74", "system"),
        ("#1d4ed8", "others, user"),
        ("#93c5fd", "system"),
    ];
    let mut x = 16.0;
    for (colour, label) in marks {
        let _ = write!(svg, "<rect x=\"{x}\" y=\"36\" width=\"11\" height=\"11\" fill=\"{colour}\"/>");
        text(svg, x + 16.0, 46.0, "start", "fill=\"#333\"", label);
        x += 36.0 + 6.6 * label.len() as f64;
    }
    let _ = write!(svg, "<path d=\"M{x} 41.5h18\" stroke=\"#111\" stroke-dasharray=\"4 3\"/>");
    text(svg, x + 24.0, 46.0, "start", "fill=\"#333\"", "bare UDP echo");
}

fn panel(svg: &mut String, table: &Table, top: f64) {
    text(svg, LEFT, top + 22.0, "start", "font-size=\"14\" font-weight=\"bold\"", &table.label);
    let ours = table.rows.first().map_or(1.0, Row::cpu);
    let end = measured(table).map(Row::cpu).filter(|cpu| *cpu <= ours * CUT).fold(ours, f64::max) * 1.08;
    let scale = (WIDTH - LEFT - RIGHT) / end;
    let bottom = top + TITLE + STEP * measured(table).count() as f64;
    let tick = nice(end / 6.0);
    let mut value = 0.0;
    while value <= end {
        let x = LEFT + value * scale;
        let _ = write!(svg, "<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#ddd\"/>", top + TITLE - 4.0);
        text(svg, x, bottom + 14.0, "middle", "fill=\"#666\" font-size=\"11\"", &trimmed(value));
        value += tick;
    }
    text(
        svg,
        WIDTH - RIGHT + 10.0,
        bottom + 14.0,
        "start",
        "fill=\"#666\" font-size=\"11\"",
        "us of CPU per answer",
    );
    for (index, row) in measured(table).enumerate() {
        bar(svg, row, top + TITLE + STEP * index as f64, scale, end, index == 0);
    }
    if let Some(floor) = table.floor {
        let x = LEFT + floor * scale;
        let _ = write!(
            svg,
            "<path d=\"M{x:.1} {:.1}V{bottom:.1}\" stroke=\"#111\" stroke-dasharray=\"4 3\"/>",
            top + TITLE - 4.0
        );
    }
    svg.push('\n');
}

fn bar(svg: &mut String, row: &Row, y: f64, scale: f64, end: f64, ours: bool) {
    let (user_colour, system_colour) = if ours { ("#c2410c", "#fdba74") } else { ("#1d4ed8", "#93c5fd") };
    let user = row.user.min(end);
    let system = row.cpu().min(end) - user;
    text(svg, LEFT - 8.0, y + 12.5, "end", if ours { "font-weight=\"bold\"" } else { "" }, &row.name);
    for (from, length, colour) in [(0.0, user, user_colour), (user, system, system_colour)] {
        let (x, width) = (LEFT + from * scale, length * scale);
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
        );
    }
    let mut x = LEFT + row.cpu().min(end) * scale;
    if row.cpu() > end {
        // Torn off: the bar goes on.
        let _ = write!(
            svg,
            "<path d=\"M{:.1} {:.1}l5 {}l-5 {}l5 {}\" stroke=\"#fff\" stroke-width=\"3\" fill=\"none\"/>",
            x - 14.0,
            y - 1.0,
            6.0,
            6.0,
            6.0
        );
        x += 4.0;
    }
    let ratio = row.ratio.map_or(String::new(), |ratio| format!("  ({ratio:.2} x)"));
    text(svg, x + 6.0, y + 12.5, "start", "fill=\"#111\"", &format!("{:.2}{ratio}", row.cpu()));
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, more: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {more} xml:space=\"preserve\">{text}</text>"
    );
}

/// The next 1, 2 or 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0].map(|times| times * power).into_iter().find(|nice| *nice >= step).unwrap_or(10.0 * power)
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        for (step, expected) in [(0.3, 0.5), (1.0, 1.0), (1.7, 2.0), (6.0, 10.0), (42.0, 50.0)] {
            assert!((nice(step) - expected).abs() < 1e-9, "{step}");
        }
        assert_eq!([0.5, 2.0].map(trimmed), ["0.5", "2"]);
    }
}
