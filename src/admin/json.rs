//! What the API says, as JSON has it.

use super::metrics::{namespace, resource, topology_name};
use super::world::since;
use crate::roster::{Candidacy, Include, Namespaces, SetView, SrvTarget, Topology, TopologyTotals};
use crate::source::kubernetes::{State as WatchState, WatchHealth};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// A topology, and how much it yields.
#[derive(Serialize)]
pub(super) struct TopologyJson {
    pub(super) topology: String,
    pub(super) name: Option<Box<str>>,
    pub(super) node_basename: Option<Box<str>>,
    pub(super) selector: String,
    /// All where there is none.
    pub(super) namespaces: Option<Vec<Box<str>>>,
    pub(super) mode: &'static str,
    pub(super) include: &'static str,
    pub(super) when_empty: &'static str,
    pub(super) srv_host: &'static str,
    pub(super) family: &'static str,
    pub(super) prefer: &'static str,
    pub(super) ttl: Option<u32>,
    pub(super) sets: usize,
    pub(super) empty_sets: usize,
    pub(super) objects: usize,
    pub(super) peers: usize,
    pub(super) peers_left_out: usize,
}

pub(super) fn topology(place: usize, one: Topology, totals: &TopologyTotals) -> TopologyJson {
    TopologyJson {
        topology: topology_name(one.name.as_deref(), place),
        selector: one.selector.to_string(),
        namespaces: match one.namespaces {
            Namespaces::All => None,
            Namespaces::Listed(names) => Some(names),
        },
        name: one.name,
        node_basename: one.node_basename,
        mode: one.mode.as_str(),
        include: one.include.as_str(),
        when_empty: one.when_empty.as_str(),
        srv_host: one.srv_host.as_str(),
        family: one.family.as_str(),
        prefer: one.prefer.as_str(),
        ttl: one.ttl,
        sets: totals.sets,
        empty_sets: totals.empty_sets,
        objects: totals.objects,
        peers: totals.listed,
        peers_left_out: totals.left_out,
    }
}

/// A page.
#[derive(Serialize)]
pub(super) struct Listing<T> {
    pub(super) items: Vec<T>,
    /// The path of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// A set.
#[derive(Serialize)]
pub(super) struct SetJson {
    pub(super) namespace: Arc<str>,
    pub(super) set: Arc<str>,
    pub(super) topology: String,
    pub(super) node_basename: Arc<str>,
    pub(super) include: &'static str,
    /// Who is listed, where that is not whom `include` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) listed_instead: Option<&'static str>,
    pub(super) objects: usize,
    pub(super) listed: usize,
    pub(super) ready: usize,
    pub(super) serving: usize,
    pub(super) not_ready: usize,
    pub(super) refused: bool,
}

impl From<SetView> for SetJson {
    fn from(set: SetView) -> SetJson {
        let [ready, serving, not_ready] = set.peers;
        SetJson {
            namespace: set.key.namespace,
            set: set.key.name,
            topology: topology_name(set.topology_name.as_deref(), set.topology),
            node_basename: set.basename,
            include: set.include.as_str(),
            listed_instead: (set.level != set.include).then(|| set.level.as_str()),
            objects: set.objects,
            listed: set.listed,
            ready,
            serving,
            not_ready,
            refused: set.refused,
        }
    }
}

/// A set and some of those who are in it, or could be.
#[derive(Serialize)]
pub(super) struct PeersJson {
    #[serde(flatten)]
    pub(super) set: SetJson,
    pub(super) peers: Vec<PeerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// Somebody who is in a set, or could be.
#[derive(Serialize)]
pub(super) struct PeerJson {
    pub(super) listed: bool,
    pub(super) verdict: &'static str,
    pub(super) why: String,
    pub(super) state: &'static str,
    #[serde(flatten)]
    pub(super) peer: Option<ListedJson>,
    pub(super) objects: Vec<EntryJson>,
}

/// As it is listed.
#[derive(Serialize)]
pub(super) struct ListedJson {
    pub(super) node_name: Option<String>,
    pub(super) address: IpAddr,
    pub(super) addresses: Box<[IpAddr]>,
    pub(super) namespace: Arc<str>,
    pub(super) hostname: Option<Box<str>>,
    pub(super) target: &'static str,
    pub(super) ports: Vec<PortJson>,
}

/// A port.
#[derive(Serialize)]
pub(super) struct PortJson {
    pub(super) name: Box<str>,
    pub(super) protocol: &'static str,
    pub(super) port: u16,
}

/// What an object says of a peer.
#[derive(Serialize)]
pub(super) struct EntryJson {
    pub(super) kind: &'static str,
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) watch: Arc<str>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) hostname: Option<Box<str>>,
    pub(super) state: &'static str,
}

impl From<Candidacy> for PeerJson {
    fn from(candidacy: Candidacy) -> PeerJson {
        let Candidacy { verdict, state, peer, entries } = candidacy;
        let entries = entries.into_iter().map(|entry| EntryJson {
            kind: entry.object.kind.as_str(),
            namespace: entry.object.namespace,
            name: entry.object.name,
            watch: entry.watch,
            addresses: entry.addresses,
            hostname: entry.hostname.map(|hostname| hostname.as_str().into()),
            state: state_word(entry.state),
        });
        let peer = peer.map(|peer| ListedJson {
            node_name: peer.node_name().map(|name| name.to_string()),
            address: peer.primary(),
            addresses: peer.addresses().into(),
            namespace: Arc::clone(&peer.shape().namespace),
            hostname: peer.hostname().map(Into::into),
            target: match peer.shape().target {
                SrvTarget::Pod => "pod",
                SrvTarget::Peer => "peer",
                SrvTarget::Service { .. } => "service",
            },
            ports: peer
                .shape()
                .ports
                .iter()
                .map(|port| PortJson {
                    name: port.name.clone(),
                    protocol: port.protocol.as_str(),
                    port: port.number,
                })
                .collect(),
        });
        PeerJson {
            listed: verdict.is_in(),
            verdict: verdict.as_str(),
            why: verdict.to_string(),
            state: state_word(state),
            peer,
            objects: entries.collect(),
        }
    }
}

/// The narrowest list that somebody is on, as a word for how it is.
fn state_word(state: Include) -> &'static str {
    match state {
        Include::Ready => "ready",
        Include::Serving => "serving",
        Include::All => "not_ready",
    }
}

/// A watch of the Kubernetes API.
#[derive(Serialize)]
pub(super) struct WatchJson {
    pub(super) resource: &'static str,
    /// Empty: all.
    pub(super) namespace: String,
    pub(super) selector: Option<Box<str>>,
    pub(super) kubectl: String,
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failing_seconds: Option<f64>,
    pub(super) synced: bool,
    pub(super) stale: bool,
    pub(super) silence_seconds: Option<f64>,
    pub(super) revision: Option<u64>,
    pub(super) lists: u64,
    pub(super) watches: u64,
    pub(super) events: u64,
    pub(super) broken_objects: u64,
    pub(super) failures: BTreeMap<&'static str, u64>,
}

pub(super) fn watch(watch: WatchHealth, now: Instant) -> WatchJson {
    let (state, failure) = match watch.state {
        WatchState::Listing => ("listing", None),
        WatchState::Watching => ("watching", None),
        WatchState::Failing { since, failure } => ("failing", Some((since, failure.to_string()))),
    };
    WatchJson {
        resource: resource(watch.plan.resource),
        namespace: namespace(&watch.plan.scope).to_owned(),
        kubectl: watch.plan.kubectl(),
        selector: watch.plan.selector,
        state,
        failing_seconds: failure
            .as_ref()
            .map(|(since, _)| now.saturating_duration_since(*since).as_secs_f64()),
        failure: failure.map(|(_, failure)| failure),
        synced: watch.synced,
        stale: watch.unreachable,
        silence_seconds: since(watch.last_contact, now).map(|silence| silence.as_secs_f64()),
        revision: watch.revision,
        lists: watch.lists,
        watches: watch.watches,
        events: watch.events,
        broken_objects: watch.broken_objects,
        failures: watch.failures.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
    }
}

/// A zone.
#[derive(Serialize)]
pub(super) struct ZoneJson {
    pub(super) zone: String,
    pub(super) serial: u32,
    pub(super) age_seconds: f64,
    /// `peers` or `file`.
    pub(super) from: &'static str,
}

/// An object that does not parse.
#[derive(Serialize)]
pub(super) struct BrokenJson {
    pub(super) kind: &'static str,
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) watch: Box<str>,
    pub(super) last_good_version_kept: bool,
}
