//! What the API says, as JSON has it: written by the server, read back by `rosterd status`, `explain` and `top`.
//!
//! Whoever reads takes what is missing as empty, so that a program and a server of two versions understand each other.

use super::metrics::{namespace, resource, topology_name};
use super::world::{ZoneState, since};
use crate::roster::{
    Candidacy, EntryView, Include, Namespaces, Placement, SetView, SrvTarget, Topology, TopologyTotals,
};
use crate::source::kubernetes::{State as WatchState, WatchHealth};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A word of this program's own.
pub(crate) type Word = Cow<'static, str>;

/// A topology, and how much it yields.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TopologyJson {
    pub(crate) topology: String,
    pub(crate) name: Option<Box<str>>,
    pub(crate) node_basename: Option<Box<str>>,
    pub(crate) selector: String,
    /// All where there is none.
    pub(crate) namespaces: Option<Vec<Box<str>>>,
    pub(crate) mode: Word,
    pub(crate) include: Word,
    pub(crate) when_empty: Word,
    pub(crate) srv_host: Word,
    pub(crate) family: Word,
    pub(crate) prefer: Word,
    pub(crate) ttl: Option<u32>,
    pub(crate) sets: usize,
    pub(crate) empty_sets: usize,
    pub(crate) objects: usize,
    pub(crate) peers: usize,
    pub(crate) peers_left_out: usize,
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
        mode: one.mode.as_str().into(),
        include: one.include.as_str().into(),
        when_empty: one.when_empty.as_str().into(),
        srv_host: one.srv_host.as_str().into(),
        family: one.family.as_str().into(),
        prefer: one.prefer.as_str().into(),
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SetJson {
    pub(crate) namespace: Arc<str>,
    pub(crate) set: Arc<str>,
    pub(crate) topology: String,
    pub(crate) node_basename: Arc<str>,
    pub(crate) mode: Word,
    pub(crate) include: Word,
    /// Who is listed, where that is not whom `include` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listed_instead: Option<Word>,
    pub(crate) objects: usize,
    pub(crate) listed: usize,
    pub(crate) ready: usize,
    pub(crate) draining: usize,
    pub(crate) not_ready: usize,
    pub(crate) refused: bool,
    /// Who is listed: see [`SetView::digest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
}

impl SetJson {
    /// How many belong to it, listed or not. Another server may send any numbers.
    pub(crate) fn everybody(&self) -> usize {
        self.ready.saturating_add(self.draining).saturating_add(self.not_ready)
    }

    /// Whether all is well with it, and a word for how it is.
    pub(crate) fn state(&self) -> (bool, &'static str) {
        let everybody = self.everybody();
        match self {
            SetJson { refused: true, .. } => (false, "refused"),
            SetJson { listed: 0, .. } if everybody == 0 => (false, "empty"),
            SetJson { listed: 0, .. } => (false, "lists nobody"),
            SetJson { listed_instead: Some(_), .. } => (false, "stand-ins"),
            SetJson { listed, .. } if *listed < everybody => (false, "not all"),
            _ => (true, "all listed"),
        }
    }
}

impl From<SetView> for SetJson {
    fn from(set: SetView) -> SetJson {
        let [ready, draining, not_ready] = set.peers;
        SetJson {
            namespace: set.key.namespace,
            set: set.key.name,
            topology: topology_name(set.topology_name.as_deref(), set.topology),
            node_basename: set.basename,
            mode: set.mode.as_str().into(),
            include: set.include.as_str().into(),
            listed_instead: (set.level != set.include).then(|| set.level.as_str().into()),
            objects: set.objects,
            listed: set.listed,
            ready,
            draining,
            not_ready,
            refused: set.refused,
            digest: set.digest,
        }
    }
}

/// A set and some of those who are in it, or could be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PeersJson {
    #[serde(flatten)]
    pub(crate) set: SetJson,
    pub(crate) peers: Vec<PeerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Somebody who is in a set, or could be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PeerJson {
    pub(crate) listed: bool,
    pub(crate) verdict: Word,
    pub(crate) why: String,
    pub(crate) state: Word,
    #[serde(flatten)]
    pub(crate) peer: Option<ListedJson>,
    pub(crate) objects: Vec<EntryJson>,
}

/// As it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ListedJson {
    pub(crate) node_name: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) addresses: Box<[IpAddr]>,
    pub(crate) namespace: Arc<str>,
    pub(crate) hostname: Option<Box<str>>,
    pub(crate) target: Word,
    pub(crate) ports: Vec<PortJson>,
}

/// A port.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PortJson {
    pub(crate) name: Box<str>,
    pub(crate) protocol: Word,
    pub(crate) port: u16,
}

/// What an object says of a peer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EntryJson {
    pub(crate) kind: Word,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) watch: Arc<str>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) hostname: Option<Box<str>>,
    /// Where it runs, as the object says.
    pub(crate) node: Option<Box<str>>,
    pub(crate) zone: Option<Box<str>>,
    pub(crate) state: Word,
    /// How long ago the object was made.
    pub(crate) object_age_seconds: Option<f64>,
}

impl From<EntryView> for EntryJson {
    fn from(entry: EntryView) -> EntryJson {
        let Placement { node, zone } = entry.placement.as_deref().cloned().unwrap_or_default();
        EntryJson {
            kind: entry.object.kind.as_str().into(),
            namespace: entry.object.namespace,
            name: entry.object.name,
            watch: entry.watch,
            addresses: entry.addresses,
            hostname: entry.hostname.map(|hostname| hostname.as_str().into()),
            node,
            zone,
            state: state_word(entry.state),
            object_age_seconds: entry.created.map(age),
        }
    }
}

/// How long ago that second was; clocks of two hosts may differ by more than it is.
fn age(created: u32) -> f64 {
    let made = UNIX_EPOCH + Duration::from_secs(created.into());
    SystemTime::now().duration_since(made).unwrap_or_default().as_secs_f64()
}

impl From<Candidacy> for PeerJson {
    fn from(candidacy: Candidacy) -> PeerJson {
        let Candidacy { verdict, state, peer, entries } = candidacy;
        let peer = peer.map(|peer| ListedJson {
            node_name: peer.node_name().map(|name| name.to_string()),
            address: peer.primary(),
            addresses: peer.addresses().into(),
            namespace: Arc::clone(&peer.shape().namespace),
            hostname: peer.hostname().map(Into::into),
            target: match peer.shape().target {
                SrvTarget::Pod => "pod".into(),
                SrvTarget::Peer => "peer".into(),
                SrvTarget::Service { .. } => "service".into(),
            },
            ports: peer
                .shape()
                .ports
                .iter()
                .map(|port| PortJson {
                    name: port.name.clone(),
                    protocol: port.protocol.as_str().into(),
                    port: port.number,
                })
                .collect(),
        });
        PeerJson {
            listed: verdict.is_in(),
            verdict: verdict.as_str().into(),
            why: verdict.to_string(),
            state: state_word(state),
            peer,
            objects: entries.into_iter().map(EntryJson::from).collect(),
        }
    }
}

/// The narrowest list that somebody is on, as a word for how it is.
fn state_word(state: Include) -> Word {
    match state {
        Include::Ready => "ready".into(),
        Include::Serving => "draining".into(),
        Include::All => "not_ready".into(),
    }
}

/// A watch of the Kubernetes API.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WatchJson {
    pub(crate) resource: Word,
    /// Empty: all.
    pub(crate) namespace: String,
    pub(crate) selector: Option<Box<str>>,
    pub(crate) kubectl: String,
    pub(crate) state: Word,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing_seconds: Option<f64>,
    pub(crate) synced: bool,
    pub(crate) stale: bool,
    pub(crate) silence_seconds: Option<f64>,
    pub(crate) revision: Option<u64>,
    pub(crate) lists: u64,
    pub(crate) watches: u64,
    pub(crate) events: u64,
    pub(crate) broken_objects: u64,
    pub(crate) failures: BTreeMap<Word, u64>,
}

pub(super) fn watch(watch: WatchHealth, now: Instant) -> WatchJson {
    let (state, failure) = match watch.state {
        WatchState::Listing => ("listing", None),
        WatchState::Watching => ("watching", None),
        WatchState::Failing { since, failure } => ("failing", Some((since, failure.to_string()))),
    };
    WatchJson {
        resource: resource(watch.plan.resource).into(),
        namespace: namespace(&watch.plan.scope).to_owned(),
        kubectl: watch.plan.kubectl(),
        selector: watch.plan.selector,
        state: Cow::Borrowed(state),
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
        failures: watch.failures.into_iter().map(|(kind, count)| (kind.as_str().into(), count)).collect(),
    }
}

/// A zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ZoneJson {
    pub(crate) zone: String,
    pub(crate) serial: u32,
    pub(crate) age_seconds: f64,
    /// `peers` or `file`.
    pub(crate) from: Word,
}

impl ZoneJson {
    pub(super) fn of(zone: &ZoneState, age: Duration) -> ZoneJson {
        ZoneJson {
            zone: zone.apex.clone(),
            serial: zone.serial,
            age_seconds: age.as_secs_f64(),
            from: if zone.generated { "peers" } else { "file" }.into(),
        }
    }
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
