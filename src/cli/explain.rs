//! `rosterd explain`: why a name is answered as it is.

use super::Failure;
use super::arguments::Output;
use super::ask::Server;
use super::print::{self, ASIDE, ERROR, GOOD, HEAD, WARNING};
use super::table::{Cell, Table, cell};
use crate::admin::figures::{count, counted, span};
use crate::admin::{EntryJson, Explanation, PeerJson, SetPeersJson, url};
use crate::config::Settings;
use crate::run::{ExplainError, OneLine, explain_once};
use std::io::{self, Write};

/// What is to be explained, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) record_type: Option<&'a str>,
    pub(super) output: Output,
}

/// Asks the server at a URL.
pub(super) fn online(url: &str, asked: Asked<'_>) -> Result<(), Failure> {
    let server = Server::at(url)?;
    let record_type = asked.record_type.map(|wanted| format!("&type={}", url::component(wanted)));
    let query = format!("name={}{}", url::component(asked.name), record_type.unwrap_or_default());
    let octets = server.octets(&format!("/api/v1/explain?{query}"))?;
    let explanation: Explanation = server.parse(&octets)?;
    match asked.output {
        Output::Json => print::results(|out| out.write_all(&octets)),
        Output::Text => print::results(|out| text(out, &explanation)),
    }
}

/// Looks into manifests, or lists the cluster once.
pub(super) fn offline(settings: &Settings, asked: Asked<'_>) -> Result<(), Failure> {
    let found = explain_once(settings, asked.name, asked.record_type);
    let (explanation, loaded) = found.map_err(|error| match error {
        ExplainError::Load(error) => error.into(),
        ExplainError::Asked(error) => Failure::Failed(error.to_string()),
    })?;
    print::warnings(&loaded.summary().notices);
    match asked.output {
        Output::Json => print::results(|out| {
            serde_json::to_writer(&mut *out, &explanation)?;
            writeln!(out)
        }),
        Output::Text => print::results(|out| text(out, &explanation)),
    }
}

fn text(out: &mut dyn Write, found: &Explanation) -> io::Result<()> {
    let style = match &*found.rcode {
        "NOERROR" if !found.records.is_empty() => GOOD,
        "NOERROR" | "NXDOMAIN" => WARNING,
        _ => ERROR,
    };
    writeln!(out, "{HEAD}{}{HEAD:#}", OneLine(&found.name))?;
    let remark = if found.stale { "; this may be old" } else { "" };
    if is_of_an_address(found) {
        // Who asks about an address wants to know who holds it, not what becomes of one of its names.
        let held = if found.sets.is_empty() && found.others.is_empty() {
            "no watched object holds this address"
        } else {
            "this is what is known of the address"
        };
        writeln!(out, "{WARNING}{held}{WARNING:#}; {}", OneLine(&found.why))?;
    } else {
        writeln!(out, "{style}{}{style:#}: {}{remark}", OneLine(&found.rcode), OneLine(&found.why))?;
    }
    if let (Some(zone), Some(serial)) = (&found.zone, found.serial) {
        writeln!(out, "{ASIDE}zone {}, serial {serial}{ASIDE:#}", OneLine(zone))?;
    }
    if !found.records.is_empty() {
        writeln!(out)?;
        records(found).write(out)?;
    }
    if found.more_records > 0 {
        writeln!(out, "and {} more", count(found.more_records as u64))?;
    }
    found.sets.iter().try_for_each(|set| of_set(out, set))?;
    if !found.others.is_empty() {
        writeln!(out, "\nin no set: objects that hold this address, and that no topology takes")?;
        for entry in &found.others {
            writeln!(out, "  {}", OneLine(object(entry)))?;
        }
    }
    if found.more_peers {
        writeln!(out, "\nthere are more peers than are shown here")?;
    }
    Ok(())
}

/// Whether it is about an address whose reverse zone is not served.
fn is_of_an_address(found: &Explanation) -> bool {
    let tree = found.name.strip_suffix(".arpa.").and_then(|rest| rest.rsplit_once('.'));
    // RFC 1035 3.5: four labels of octets; RFC 3596 2.5: 32 of nibbles.
    let is_whole = tree.is_some_and(|(labels, tree)| {
        matches!((tree, labels.split('.').count()), ("in-addr", 4) | ("ip6", 32))
    });
    found.rcode == "REFUSED" && is_whole
}

fn records(found: &Explanation) -> Table {
    let mut table = Table::new(&["#TTL", "TYPE", "DATA"]);
    for record in &found.records {
        table.row([cell(record.ttl), cell(&record.record_type), cell(&record.data)]);
    }
    table
}

fn of_set(out: &mut dyn Write, SetPeersJson { set, peers }: &SetPeersJson) -> io::Result<()> {
    let everybody = set.everybody();
    let name = OneLine(format!("{}/{}", set.namespace, set.set));
    writeln!(
        out,
        "\n{HEAD}set {name}{HEAD:#}: {} of {} listed (include = \"{}\"), by topology {}, from {}",
        counted(set.listed, "peer"),
        count(everybody as u64),
        OneLine(&set.include),
        OneLine(&set.topology),
        counted(set.objects, "object"),
    )?;
    if set.refused {
        writeln!(out, "{ERROR}refused{ERROR:#}: an object that belongs to it does not parse, and never did")?;
    }
    let objects = peers.iter().flat_map(|peer| &peer.objects);
    let placed = objects.into_iter().any(|entry| entry.node.is_some() || entry.zone.is_some());
    let mut table = Table::new(if placed { &PLACED } else { &UNPLACED });
    for peer in peers {
        table.row(row(peer, placed));
    }
    if table.is_empty() { Ok(()) } else { table.write(out) }
}

/// What is told of peers whose objects say where they run, and of others.
const PLACED: [&str; 6] = ["PEER", "STATE", "NODE", "ZONE", "FROM", "WHY"];
const UNPLACED: [&str; 4] = ["PEER", "STATE", "FROM", "WHY"];

fn row(peer: &PeerJson, placed: bool) -> Vec<Cell> {
    let listed = peer.peer.as_ref();
    let name = listed.and_then(|listed| listed.node_name.clone());
    let address = || peer.objects.iter().flat_map(|entry| &entry.addresses).next().map(ToString::to_string);
    let state = match &*peer.state {
        "ready" => Cell::styled("ready", GOOD),
        "draining" => Cell::styled("draining", WARNING),
        _ => Cell::styled("not ready", WARNING),
    };
    let place = |of: fn(&EntryJson) -> Option<&str>| peer.objects.iter().find_map(of).unwrap_or("-");
    let objects: Vec<String> = peer.objects.iter().map(object).collect();
    let mut cells = vec![cell(name.or_else(address).as_deref().unwrap_or("-")), state];
    if placed {
        cells.push(cell(place(|entry| entry.node.as_deref())));
        cells.push(cell(place(|entry| entry.zone.as_deref())));
    }
    cells.push(cell(objects.join(", ")));
    cells.push(Cell::styled(&peer.why, if peer.listed { ASIDE } else { WARNING }));
    cells
}

fn object(entry: &EntryJson) -> String {
    let age = entry.object_age_seconds.map(|age| format!(" ({} old)", span(age)));
    format!("{} {}/{}{}", entry.kind, entry.namespace, entry.name, age.unwrap_or_default())
}
