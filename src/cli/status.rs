//! `rosterd status`: how a running server is.

use super::Failure;
use super::arguments::Output;
use super::ask::Server;
use super::pages::{self, Page};
use super::print::{self, ASIDE, ERROR, GOOD, HEAD, WARNING};
use super::table::{Cell, Table, cell};
use crate::admin::figures::{count, counted, octets, rate, span};
use crate::admin::{CountsJson, RateJson, SetJson, StatusJson, WatchJson};
use crate::run::OneLine;
use std::io::{self, Write};

/// Sets that deserve a look and are shown unasked.
const TROUBLED: usize = 10;

/// A page of sets.
pub(super) type Sets = Page<SetJson>;

/// Shows it. Fails where it is not ready, which it has said by then.
pub(super) fn status(url: &str, output: Output, all_sets: bool) -> Result<(), Failure> {
    let server = Server::at(url)?;
    let octets = server.octets("/api/v1/status")?;
    let status: StatusJson = server.parse(&octets)?;
    match output {
        Output::Json => print::results(|out| out.write_all(&octets))?,
        Output::Text => {
            let sets = if all_sets {
                Sets { items: pages::sets(&server, false)?, next: None }
            } else {
                troubled(&server, TROUBLED)?
            };
            print::results(|out| text(out, &status, &sets, all_sets))?;
        }
    }
    if status.ready { Ok(()) } else { Err(Failure::NotReady) }
}

/// Sets that deserve a look.
pub(super) fn troubled(server: &Server, limit: usize) -> Result<Sets, Failure> {
    Ok(server.read(&format!("/api/v1/sets?troubled=true&limit={limit}"))?)
}

fn text(out: &mut dyn Write, status: &StatusJson, sets: &Sets, all_sets: bool) -> io::Result<()> {
    writeln!(out, "{}", headline(status))?;
    for line in &status.why {
        writeln!(out, "  {}", OneLine(line))?;
    }
    writeln!(out)?;
    for (name, value) in facts(status) {
        writeln!(out, "{HEAD}{name:<8}{HEAD:#}  {value}")?;
    }
    let title = match (all_sets, sets.next.is_some()) {
        (true, _) => None,
        (false, false) => Some("sets that deserve a look"),
        (false, true) => Some("the first sets that deserve a look; --sets shows all"),
    };
    let parts = [
        (None, topologies(status)),
        (None, watches(&status.watches)),
        (title, set_table(&sets.items)),
        (None, zones(status)),
        (None, rates("RCODE", &status.rates.rcodes)),
        (None, rates("TYPE", &status.rates.types)),
    ];
    for (title, table) in parts.into_iter().filter(|(_, table)| !table.is_empty()) {
        writeln!(out)?;
        if let Some(title) = title {
            writeln!(out, "{ASIDE}{title}{ASIDE:#}")?;
        }
        table.write(out)?;
    }
    Ok(())
}

/// Whether it is ready, and who it is.
pub(super) fn headline(status: &StatusJson) -> String {
    let (style, word) = match (status.ready, status.why.is_empty()) {
        (true, true) => (GOOD, "ready"),
        (true, false) => (WARNING, "ready, with remarks"),
        (false, _) => (ERROR, "not ready"),
    };
    let host = if status.host.is_empty() { String::new() } else { format!(" on {}", status.host) };
    let version = OneLine(format!("rosterd {}{host}", status.version));
    format!("{style}{word}{style:#}: {version}, up for {}", span(status.uptime_seconds))
}

fn facts(status: &StatusJson) -> Vec<(&'static str, String)> {
    let peers = match &status.peers {
        None => "nothing is known yet".to_owned(),
        Some(peers) => {
            let CountsJson { sets, empty_sets, peers, peers_left_out, objects, objects_broken, .. } = *peers;
            let mut text = format!(
                "{} listed in {}, from {}",
                count(peers as u64),
                counted(sets, "set"),
                counted(objects, "object")
            );
            let asides = [
                (peers_left_out, format!("{} left out", count(peers_left_out as u64))),
                (empty_sets, format!("{} without peers", counted(empty_sets, "set"))),
                (objects_broken, format!("{} that cannot be read", counted(objects_broken, "object"))),
            ];
            for (_, aside) in asides.iter().filter(|(number, _)| *number > 0) {
                text.extend(["; ", aside]);
            }
            text
        }
    };
    let ago = status.snapshot_age_seconds.map(|age| format!(", the last {} ago", span(age)));
    let of = |one: &RateJson| format!("{}, {} a second", count(one.total), rate(one.per_second));
    let mut facts = vec![
        ("peers", peers),
        ("changes", format!("{} published{}", count(status.snapshots), ago.unwrap_or_default())),
        ("queries", of(&status.rates.queries)),
    ];
    facts.extend(status.memory_octets.map(|memory| ("memory", octets(memory))));
    if status.oversize > 0 {
        let number = usize::try_from(status.oversize).unwrap_or(usize::MAX);
        facts.push(("too large", format!("{} for one message", counted(number, "RRset"))));
    }
    if status.panics > 0 {
        facts.push(("panics", count(status.panics)));
    }
    facts
}

fn topologies(status: &StatusJson) -> Table {
    let heads = ["TOPOLOGY", "SELECTOR", "NAMESPACES", "MODE", "INCLUDE", "#SETS", "#PEERS", "#LEFT OUT"];
    let mut table = Table::new(&heads);
    for one in &status.topologies {
        let namespaces = one.namespaces.as_ref().map_or_else(|| "all".to_owned(), |names| names.join(","));
        table.row([
            cell(&one.topology),
            cell(if one.selector.is_empty() { "-" } else { &one.selector }),
            cell(namespaces),
            cell(&one.mode),
            cell(&one.include),
            cell(count(one.sets as u64)),
            cell(count(one.peers as u64)),
            cell(count(one.peers_left_out as u64)),
        ]);
    }
    table
}

/// How each watch fares.
pub(super) fn watches(watches: &[WatchJson]) -> Table {
    let mut table =
        Table::new(&["WATCH", "STATE", "HEARD", "#REVISION", "#EVENTS", "#LISTS", "#FAILURES", "WHY"]);
    for watch in watches {
        let (style, word) = match (&*watch.state, watch.synced, watch.stale) {
            ("failing", ..) => (ERROR, "failing"),
            (_, _, true) => (ERROR, "not heard"),
            (_, false, _) => (WARNING, "being listed"),
            _ => (GOOD, "watching"),
        };
        let place = if watch.namespace.is_empty() { "all namespaces" } else { &watch.namespace };
        let heard = watch.silence_seconds.map(|silence| format!("{} ago", span(silence)));
        table.row([
            cell(format_args!("{} in {place}", watch.resource)),
            Cell::styled(word, style),
            cell(heard.as_deref().unwrap_or("-")),
            cell(watch.revision.map_or_else(|| "-".to_owned(), |revision| revision.to_string())),
            cell(count(watch.events)),
            cell(count(watch.lists)),
            cell(count(watch.failures.values().fold(0_u64, |sum, failures| sum.saturating_add(*failures)))),
            cell(watch.failure.as_deref().unwrap_or("")),
        ]);
    }
    table
}

/// Sets.
pub(super) fn set_table(sets: &[SetJson]) -> Table {
    let mut table = Table::new(&[
        "NAMESPACE",
        "SET",
        "TOPOLOGY",
        "#LISTED",
        "#READY",
        "#DRAINING",
        "#NOT READY",
        "STATE",
    ]);
    for set in sets {
        let (good, word) = set.state();
        table.row([
            cell(&set.namespace),
            cell(&set.set),
            cell(&set.topology),
            cell(count(set.listed as u64)),
            cell(count(set.ready as u64)),
            cell(count(set.draining as u64)),
            cell(count(set.not_ready as u64)),
            Cell::styled(word, if good { GOOD } else { WARNING }),
        ]);
    }
    table
}

fn zones(status: &StatusJson) -> Table {
    let mut table = Table::new(&["ZONE", "FROM", "#SERIAL", "#FOR"]);
    for zone in &status.zones {
        table.row([cell(&zone.zone), cell(&zone.from), cell(zone.serial), cell(span(zone.age_seconds))]);
    }
    table
}

/// What is counted by something.
pub(super) fn rates(head: &'static str, rates: &[RateJson]) -> Table {
    let mut table = Table::new(&[head, "#A SECOND", "#IN TOTAL"]);
    for one in rates {
        table.row([cell(&one.name), cell(rate(one.per_second)), cell(count(one.total))]);
    }
    table
}
