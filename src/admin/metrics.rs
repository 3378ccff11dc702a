//! What is measured, under the names that CoreDNS has for it where it has one, with `rosterd_` for `coredns_`.
//!
//! Labels come from settings and from what the program knows, never from the network: zones that are served, types and
//! response codes of a fixed list, watches. `docs/operations.md` has them all.

use super::exposition::{Exposition, Kind, seconds};
use super::process;
use super::state::State;
use super::world::{Durations, Phase, SavedState, Upkeep, World, ZoneState, since};
use crate::roster::{ObjectKind, Scope, TopologyTotals, Totals, TotalsPass};
use crate::server::{
    CountedZone, Counts, Observer, RCODES, SIZES, Stream, TYPES, Tallied, ZoneTallied, times,
};
use crate::source::kubernetes::WatchHealth;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Zones that have metrics of their own; `rosterd_zones` counts all.
const ZONES_MAX: usize = 256;

/// A metric's name and help, and its value for each of several.
type Column<T, V> = (&'static str, &'static str, fn(&T) -> V);

/// All of them as text.
pub(super) async fn text(state: &State) -> String {
    // Where nobody may be asked yet, or the answer is late, the rest is told all the same.
    let mut pass = TotalsPass::default();
    let totals = state.look(move |roster| pass.go_on(roster)).await.ok();
    let world = &state.world;
    let zones = world.zones();
    let mut text = Exposition::default();
    text.metric("rosterd_build_info", Kind::Gauge, "The version that runs; always 1.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.single("rosterd_panics_total", Kind::Counter, "Panics of any thread.", world.panics());
    let ready = u8::from(world.readiness().ready);
    text.single("rosterd_ready", Kind::Gauge, "Whether /ready says so.", ready);
    let ending = u8::from(world.phase() == Phase::Ending);
    text.single("rosterd_ending", Kind::Gauge, "Whether the server has been asked to end.", ending);
    if let Some(observer) = world.observer() {
        queries(&mut text, &observer, world.as_ref());
    }
    if let Some(totals) = &totals {
        roster(&mut text, totals);
    }
    served(&mut text, state, &zones);
    watches(&mut text, &world.watches());
    programming(&mut text, &world.durations());
    upkeep(&mut text, &world.upkeep());
    process::write(&mut text);
    text.finish()
}

/// What was asked and answered.
fn queries(text: &mut Exposition, observer: &Observer, world: &dyn World) {
    let tallied = observer.tallied();
    // After what was counted: a zone is named before it is.
    let zones = world.counted_zones();
    let server = format!("dns://:{}", observer.port());
    let server = server.as_str();
    let each = |each: &mut dyn FnMut(Stream, &'static str, &str, &ZoneTallied)| {
        for (stream, tallied) in &tallied {
            for zone in &tallied.zones {
                each(*stream, family(*stream), zone_name(zone.zone, &zones), zone);
            }
        }
    };
    text.metric("rosterd_dns_requests_total", Kind::Counter, "Queries.");
    each(&mut |stream, family, zone, counts| {
        for ((_, name), count) in TYPES.iter().zip(counts.types).filter(|(_, count)| *count > 0) {
            let labels = [
                ("server", server),
                ("zone", zone),
                ("proto", stream.proto),
                ("family", family),
                ("type", name),
            ];
            text.sample(&labels, count);
        }
    });
    text.metric("rosterd_dns_responses_total", Kind::Counter, "Answers.");
    each(&mut |stream, family, zone, counts| {
        for ((_, name), count) in RCODES.iter().zip(counts.rcodes).filter(|(_, count)| *count > 0) {
            let labels = [
                ("server", server),
                ("zone", zone),
                ("proto", stream.proto),
                ("family", family),
                ("rcode", name),
            ];
            text.sample(&labels, count);
        }
    });
    text.metric("rosterd_dns_request_size_bytes", Kind::Histogram, "Octets of queries.");
    each(&mut |stream, family, zone, counts| {
        if counts.query_octets > 0 {
            let labels = [("server", server), ("zone", zone), ("proto", stream.proto), ("family", family)];
            text.histogram(&labels, SIZES, &counts.query_sizes, counts.query_octets);
        }
    });
    text.metric("rosterd_dns_response_size_bytes", Kind::Histogram, "Octets of answers.");
    each(&mut |stream, family, zone, counts| {
        if counts.reply_octets > 0 {
            let labels = [("server", server), ("zone", zone), ("proto", stream.proto), ("family", family)];
            text.histogram(&labels, SIZES, &counts.reply_sizes, counts.reply_octets);
        }
    });
    text.metric(
        "rosterd_dns_request_duration_seconds",
        Kind::Histogram,
        "Time from a query's arrival until its answer was handed to the kernel; over UDP of a sixteenth of all batches.",
    );
    for (stream, tallied) in &tallied {
        let labels = [("server", server), ("proto", stream.proto), ("family", family(*stream))];
        #[expect(clippy::cast_precision_loss, reason = "a float is what the text has")]
        let sum = tallied.nanoseconds as f64 / 1e9;
        text.histogram(&labels, times().map(seconds), &tallied.times, sum);
    }
    let by_stream: [Column<Tallied, u64>; 4] = [
        ("rosterd_dns_do_requests_total", "Queries with DO.", |tallied| tallied.dnssec_ok),
        ("rosterd_dns_denied_total", "Queries that the access list refused.", Tallied::denied),
        (
            "rosterd_dns_rate_limited_total",
            "Queries of networks above their rate: not answered, or with a truncated answer.",
            Tallied::limited,
        ),
        (
            "rosterd_dns_truncated_total",
            "Answers with TC. Over TCP these are of sets too large for one message.",
            |tallied| tallied.truncated,
        ),
    ];
    for (name, help, value) in by_stream {
        text.metric(name, Kind::Counter, help);
        for (stream, tallied) in &tallied {
            text.sample(
                &[("server", server), ("proto", stream.proto), ("family", family(*stream))],
                value(tallied),
            );
        }
    }
    transports(text, &observer.counts());
}

fn transports(text: &mut Exposition, counts: &Counts) {
    let Counts { drops, errors, refused, displaced, accepted, closed, handshakes_failed, .. } = *counts;
    text.single(
        "rosterd_dns_dropped_total",
        Kind::Counter,
        "Messages without an answer by design: no queries, or above a rate.",
        drops,
    );
    text.single(
        "rosterd_dns_socket_errors_total",
        Kind::Counter,
        "Receives, sends and accepts that failed.",
        errors,
    );
    let open = accepted.saturating_sub(closed);
    text.single(
        "rosterd_tcp_connections",
        Kind::Gauge,
        "Open connections of clients, over TLS, HTTPS and QUIC too.",
        open,
    );
    text.metric("rosterd_tcp_connections_total", Kind::Counter, "Connections, by what became of them.");
    for (result, count) in [("accepted", accepted), ("refused", refused), ("displaced", displaced)] {
        text.sample(&[("result", result)], count);
    }
    text.single(
        "rosterd_tls_handshakes_failed_total",
        Kind::Counter,
        "Handshakes of TLS and QUIC that failed, took too long, or gave way to others.",
        handshakes_failed,
    );
}

/// Who the peers are.
fn roster(text: &mut Exposition, totals: &Totals) {
    let by_topology: [Column<TopologyTotals, usize>; 5] = [
        ("rosterd_sets", "Sets.", |topology| topology.sets),
        ("rosterd_empty_sets", "Sets that list nobody.", |topology| topology.empty_sets),
        ("rosterd_set_objects", "Objects that contribute to sets.", |topology| topology.objects),
        ("rosterd_peers", "Peers that are listed.", |topology| topology.listed),
        ("rosterd_peers_left_out", "Peers that could be listed and are not: not ready.", |topology| {
            topology.left_out
        }),
    ];
    for (name, help, value) in by_topology {
        text.metric(name, Kind::Gauge, help);
        for (place, topology) in totals.topologies.iter().enumerate() {
            text.sample(&[("topology", &topology_name(topology.name.as_deref(), place))], value(topology));
        }
    }
    text.single("rosterd_objects", Kind::Gauge, "Endpoint objects of all watches.", totals.objects);
    text.single("rosterd_objects_broken", Kind::Gauge, "Objects that do not parse.", totals.broken);
    text.metric(
        "rosterd_object_notices_total",
        Kind::Counter,
        "What was left out of objects, or whole objects, by reason.",
    );
    for (kind, count) in &totals.notices {
        text.sample(&[("reason", kind.as_str())], count);
    }
    if let Some(revision) = totals.revision {
        text.single("rosterd_revision", Kind::Gauge, "The highest revision that was applied.", revision);
    }
}

/// What topologies are called: by their names, else by their places.
pub(super) fn topology_name(name: Option<&str>, place: usize) -> String {
    name.map_or_else(|| format!("#{}", place + 1), str::to_owned)
}

/// What is served.
fn served(text: &mut Exposition, state: &State, zones: &[ZoneState]) {
    let world = &state.world;
    let (publications, last) = world.publications();
    text.single("rosterd_snapshots_total", Kind::Counter, "Snapshots that were published.", publications);
    if let Some(last) = last.and_then(|last| last.duration_since(UNIX_EPOCH).ok()) {
        let name = "rosterd_snapshot_timestamp_seconds";
        text.single(name, Kind::Gauge, "When the last snapshot was published.", seconds(last));
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(last);
        text.single("rosterd_snapshot_age_seconds", Kind::Gauge, "How long ago that was.", seconds(age));
    }
    text.single(
        "rosterd_oversize_rrsets",
        Kind::Gauge,
        "RRsets of sets that do not fit into one message of 64 KiB: their answers are cut.",
        world.oversize(),
    );
    text.single("rosterd_zones", Kind::Gauge, "Zones that are served.", zones.len());
    text.metric("rosterd_zone_serial", Kind::Gauge, "The serial of a zone.");
    for zone in zones.iter().take(ZONES_MAX) {
        text.sample(&[("zone", &zone.apex)], zone.serial);
    }
    text.metric("rosterd_zone_age_seconds", Kind::Gauge, "How long a zone has had its serial.");
    let (ages, now) = (state.ages(), Instant::now());
    for zone in zones.iter().take(ZONES_MAX) {
        text.sample(&[("zone", &zone.apex)], seconds(ages.of(&zone.apex, now)));
    }
}

/// How the watches of the Kubernetes API fare.
fn watches(text: &mut Exposition, watches: &[WatchHealth]) {
    if watches.is_empty() {
        return;
    }
    let gauges: [Column<WatchHealth, Option<f64>>; 4] = [
        ("rosterd_watch_synced", "Whether a watch has delivered its full list once.", |watch| {
            Some(f64::from(u8::from(watch.synced)))
        }),
        ("rosterd_watch_stale", "Whether what a watch gave may be old.", |watch| {
            Some(f64::from(u8::from(watch.unreachable)))
        }),
        ("rosterd_watch_silence_seconds", "Since when a watch has not been known to be current.", |watch| {
            since(watch.last_contact, Instant::now()).map(seconds)
        }),
        ("rosterd_watch_revision", "Up to which revision a watch is complete.", |watch| {
            watch.revision.map(float)
        }),
    ];
    let counters: [Column<WatchHealth, Option<f64>>; 6] = [
        ("rosterd_watch_events_total", "Objects that were reported as changed or gone.", |watch| {
            Some(float(watch.events))
        }),
        ("rosterd_watch_lists_total", "Lists begun: one at the start, more are re-lists.", |watch| {
            Some(float(watch.lists))
        }),
        ("rosterd_watch_watches_total", "Watches that the API server accepted.", |watch| {
            Some(float(watch.watches))
        }),
        ("rosterd_watch_broken_objects_total", "Objects met that did not parse.", |watch| {
            Some(float(watch.broken_objects))
        }),
        ("rosterd_watch_nameless_objects_total", "Objects met without a name.", |watch| {
            Some(float(watch.nameless_objects))
        }),
        ("rosterd_watch_unknown_events_total", "Events of an unknown type.", |watch| {
            Some(float(watch.unknown_events))
        }),
    ];
    let gauges = gauges.into_iter().map(|column| (Kind::Gauge, column));
    let each = gauges.chain(counters.into_iter().map(|column| (Kind::Counter, column)));
    for (kind, (name, help, value)) in each {
        text.metric(name, kind, help);
        for watch in watches {
            if let Some(value) = value(watch) {
                text.sample(&watch_labels(watch), value);
            }
        }
    }
    text.metric("rosterd_watch_failures_total", Kind::Counter, "Failures of lists and watches, by kind.");
    for watch in watches {
        let [resource, namespace] = watch_labels(watch);
        for (kind, count) in &watch.failures {
            text.sample(&[resource, namespace, ("kind", kind.as_str())], count);
        }
    }
}

fn watch_labels(watch: &WatchHealth) -> [(&str, &str); 2] {
    [("resource", resource(watch.plan.resource)), ("namespace", namespace(&watch.plan.scope))]
}

/// A resource as the API's paths spell it.
pub(super) fn resource(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::EndpointSlice => "endpointslices",
        ObjectKind::Endpoints => "endpoints",
        ObjectKind::Pod => "pods",
    }
}

/// The namespace of a watch; empty for all.
pub(super) fn namespace(scope: &Scope) -> &str {
    match scope {
        Scope::All => "",
        Scope::Namespace(name) => name,
    }
}

/// How fast changes are served.
fn programming(text: &mut Exposition, [from_trigger, from_event]: &[Durations; 2]) {
    for (name, help, times) in [
        (
            "rosterd_kubernetes_dns_programming_duration_seconds",
            "Time from what triggered a change, by the cluster's clock, until it was served.",
            from_trigger,
        ),
        (
            "rosterd_kubernetes_event_duration_seconds",
            "Time from the arrival of a change until it was served.",
            from_event,
        ),
    ] {
        if !times.bounds.is_empty() {
            text.metric(name, Kind::Histogram, help);
            text.histogram(&[], times.bounds.iter().copied().map(seconds), &times.counts, seconds(times.sum));
        }
    }
}

/// How settings, state on disk and the query log fare.
fn upkeep(text: &mut Exposition, upkeep: &Upkeep) {
    let Upkeep { reloads, last_reload, behind, state, queries_logged, .. } = *upkeep;
    let help =
        "Settings that were read again: others that came into force, the same, and those that were refused.";
    text.metric("rosterd_reloads_total", Kind::Counter, help);
    for (outcome, count) in ["changed", "unchanged", "refused"].into_iter().zip(reloads) {
        text.sample(&[("outcome", outcome)], count);
    }
    if let Some(last) = last_reload {
        let name = "rosterd_reload_timestamp_seconds";
        text.single(name, Kind::Gauge, "When settings last changed while running.", last);
    }
    text.single(
        "rosterd_settings_behind",
        Kind::Gauge,
        "Whether other settings are in force than the file says.",
        u8::from(behind),
    );
    if let Some(SavedState { writes, failed, last, octets }) = state {
        text.single("rosterd_state_writes_total", Kind::Counter, "States that were saved.", writes);
        let name = "rosterd_state_write_failures_total";
        text.single(name, Kind::Counter, "States that could not be saved.", failed);
        if let Some(last) = last {
            let name = "rosterd_state_timestamp_seconds";
            text.single(name, Kind::Gauge, "When the last state was saved.", last);
            text.single("rosterd_state_size_bytes", Kind::Gauge, "Octets of the last state.", octets);
        }
    }
    text.metric(
        "rosterd_query_log_lines_total",
        Kind::Counter,
        "Lines about queries, by what became of them.",
    );
    for (result, count) in ["logged", "left_out"].into_iter().zip(queries_logged) {
        text.sample(&[("result", result)], count);
    }
    let help = "Queries noted for dnstap, by what became of their messages.";
    text.metric("rosterd_dnstap_queries_total", Kind::Counter, help);
    for (result, count) in ["sent", "left_out", "lost"].into_iter().zip(upkeep.dnstap) {
        text.sample(&[("result", result)], count);
    }
    text.metric("rosterd_transfers_total", Kind::Counter, "Transfers of zones, by what was given.");
    let given = ["zone", "changes", "nothing_new", "broken_off"];
    for (given, count) in given.into_iter().zip(upkeep.transfers) {
        text.sample(&[("given", given)], count);
    }
    let connected = u64::from(upkeep.dnstap_connected);
    text.single("rosterd_dnstap_connected", Kind::Gauge, "Whether a collector of dnstap listens.", connected);
}

/// As CoreDNS has it.
fn family(stream: Stream) -> &'static str {
    if stream.ipv6 { "2" } else { "1" }
}

/// What queries are counted under: the zone that they fall into. `dropped` is CoreDNS's word for those of no zone.
/// `zones` are those that are counted each by itself.
pub(super) fn zone_name(zone: CountedZone, zones: &[String]) -> &str {
    match zone {
        CountedZone::Generated(place) => zones.get(place).map_or("others", String::as_str),
        CountedZone::Others => "others",
        CountedZone::Files => "files",
        CountedZone::None => "dropped",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a float is what the text has")]
fn float(count: u64) -> f64 {
    count as f64
}
