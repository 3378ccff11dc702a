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
    writeln!(out, "{style}{}{style:#}: {}{remark}", OneLine(&found.rcode), OneLine(&found.why))?;
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

fn records(found: &Explanation) -> Table {
    let mut table = Table::new(&["#TTL", "TYPE", "DATA"]);
    for record in &found.records {
        table.row([cell(record.ttl), cell(&record.record_type), cell(&record.data)]);
    }
    table
}

fn of_set(out: &mut dyn Write, SetPeersJson { set, peers }: &SetPeersJson) -> io::Result<()> {
    let everybody = set.ready + set.serving + set.not_ready;
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
    let mut table = Table::new(&["PEER", "STATE", "NODE", "ZONE", "FROM", "WHY"]);
    for peer in peers {
        table.row(row(peer));
    }
    if table.is_empty() { Ok(()) } else { table.write(out) }
}

fn row(peer: &PeerJson) -> [Cell; 6] {
    let listed = peer.peer.as_ref();
    let name = listed.and_then(|listed| listed.node_name.clone());
    let address = || peer.objects.iter().flat_map(|entry| &entry.addresses).next().map(ToString::to_string);
    let state = match &*peer.state {
        "ready" => Cell::styled("ready", GOOD),
        "serving" => Cell::styled("draining", WARNING),
        _ => Cell::styled("not ready", WARNING),
    };
    let place = |of: fn(&EntryJson) -> Option<&str>| peer.objects.iter().find_map(of).unwrap_or("-");
    let objects: Vec<String> = peer.objects.iter().map(object).collect();
    [
        cell(name.or_else(address).as_deref().unwrap_or("-")),
        state,
        cell(place(|entry| entry.node.as_deref())),
        cell(place(|entry| entry.zone.as_deref())),
        cell(objects.join(", ")),
        Cell::styled(&peer.why, if peer.listed { ASIDE } else { WARNING }),
    ]
}

fn object(entry: &EntryJson) -> String {
    let age = entry.object_age_seconds.map(|age| format!(" ({} old)", span(age)));
    format!("{} {}/{}{}", entry.kind, entry.namespace, entry.name, age.unwrap_or_default())
}
