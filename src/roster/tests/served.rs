//! A roster, and what somebody knows who only hears what it tells.

use crate::roster::{
    Change, EndpointObject, Event, EventKind, Gives, Notice, ObjectKey, Options, Peer, Roster, Scope, SetKey,
    SetSettings, Standing, Standings, Topology, WatchId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What changes add up to.
#[derive(Debug, Default, Clone)]
pub(super) struct Model {
    pub(super) sets: BTreeMap<SetKey, (Arc<SetSettings>, Vec<Arc<Peer>>)>,
    pub(super) addresses: BTreeSet<(Arc<str>, IpAddr)>,
    pub(super) namespaces: BTreeMap<Arc<str>, Standings>,
    pub(super) all: Standings,
    pub(super) everywhere: Standing,
    pub(super) refused: BTreeSet<SetKey>,
    pub(super) unparsed: BTreeSet<Arc<str>>,
}

impl Model {
    /// Applies one change; it must say something new that fits what is known.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Set(key, settings) => match self.sets.get_mut(key) {
                Some((known, _)) => {
                    assert_ne!(known, settings, "{key} as before");
                    *known = Arc::clone(settings);
                }
                None => drop(self.sets.insert(key.clone(), (Arc::clone(settings), Vec::new()))),
            },
            Change::SetGone(key) => {
                let (_, peers) = self.sets.remove(key).expect("a set that exists");
                assert!(peers.is_empty(), "{key} had peers");
            }
            Change::Peer { set, old, new } => {
                assert_ne!(old, new, "{set}");
                let (_, peers) = self.sets.get_mut(set).expect("a set that exists");
                if let Some(old) = old {
                    let found = peers.iter().position(|peer| peer == old).expect("a peer that was told");
                    peers.remove(found);
                }
                peers.extend(new.clone());
            }
            Change::Address { namespace, address, held } => {
                let place = (Arc::clone(namespace), *address);
                let changed =
                    if *held { self.addresses.insert(place) } else { self.addresses.remove(&place) };
                assert!(changed, "{namespace} {address} as before");
            }
            Change::Namespace { namespace, known } => {
                let before = self.namespaces.insert(Arc::clone(namespace), *known);
                assert_ne!(before.unwrap_or(Standings::COMPLETE), *known, "{namespace} as before");
            }
            Change::All { known, everywhere } => {
                assert_ne!((self.all, self.everywhere), (*known, *everywhere));
                (self.all, self.everywhere) = (*known, *everywhere);
            }
            Change::Refused { set, refused } => {
                assert_ne!(self.refused.contains(set), *refused, "{set} as before");
                let _ = if *refused { self.refused.insert(set.clone()) } else { self.refused.remove(set) };
            }
            Change::Unparsed { namespace, any } => {
                assert_ne!(self.unparsed.contains(namespace), *any, "{namespace} as before");
                let namespace = Arc::clone(namespace);
                let _ = if *any { self.unparsed.insert(namespace) } else { self.unparsed.remove(&namespace) };
            }
        }
    }

    /// Sets with their peers in one order.
    pub(super) fn sorted(mut self) -> Model {
        for (_, peers) in self.sets.values_mut() {
            peers.sort_by(|a, b| (a.primary(), format!("{a:?}")).cmp(&(b.primary(), format!("{b:?}"))));
        }
        self
    }
}

/// A roster and the model that follows it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) roster: Roster,
    pub(super) model: Model,
}

pub(super) fn options(topologies: Vec<Topology>) -> Options {
    let (cluster_domain, zone) = ("cluster.local".into(), "peers.cluster.local".into());
    Options { cluster_domain, zone, label_settings: true, topologies }
}

/// What tests of most rules need: watch 0 over all namespaces, synchronised, without objects.
pub(super) fn serve(topologies: impl Into<Vec<Topology>>) -> Served {
    serve_with(options(topologies.into()))
}

pub(super) fn serve_with(options: Options) -> Served {
    let mut served = Served { roster: Roster::new(options), model: Model::default() };
    served.handle(0, EventKind::Started(Scope::All, Gives::Peers));
    served.handle(0, EventKind::Synced);
    served.take();
    served
}

impl Served {
    /// One event, not yet reconciled.
    pub(super) fn handle(&mut self, watch: u32, kind: EventKind) {
        self.roster.handle(Event { watch: WatchId(watch), revision: None, kind });
    }

    /// What changed since this was called last.
    pub(super) fn take(&mut self) -> Vec<Change> {
        let changes = self.roster.take_changes();
        for change in &changes {
            self.model.apply(change);
        }
        changes
    }

    pub(super) fn apply(&mut self, object: EndpointObject) -> Vec<Change> {
        self.handle(0, EventKind::Apply(Box::new(object)));
        self.take()
    }

    pub(super) fn delete(&mut self, key: ObjectKey) -> Vec<Change> {
        self.handle(0, EventKind::Delete(key));
        self.take()
    }

    pub(super) fn notices(&mut self) -> Vec<String> {
        self.roster.take_notices().iter().map(Notice::to_string).collect()
    }

    /// The peers of a set, `web.default`, by primary address. `None` where there is no such set.
    pub(super) fn peers(&self, set: &str) -> Option<Vec<Arc<Peer>>> {
        let (_, peers) = self.set(set)?;
        let mut peers = peers.clone();
        peers.sort_by_key(|peer| peer.primary());
        Some(peers)
    }

    pub(super) fn settings(&self, set: &str) -> Option<&SetSettings> {
        self.set(set).map(|(settings, _)| &**settings)
    }

    fn set(&self, set: &str) -> Option<&(Arc<SetSettings>, Vec<Arc<Peer>>)> {
        let (name, namespace) = set.split_once('.').expect("set.namespace");
        self.model.sets.get(&SetKey { namespace: namespace.into(), name: name.into() })
    }

    /// The node names of a set, sorted, with a blank between them; `-` for a peer without.
    pub(super) fn names(&self, set: &str) -> String {
        let Some(peers) = self.peers(set) else { return "no such set".into() };
        let name =
            |peer: &Arc<Peer>| peer.node_name().map_or_else(|| "-".to_owned(), |name| name.to_string());
        let mut names: Vec<String> = peers.iter().map(name).collect();
        names.sort_unstable();
        names.join(" ")
    }

    /// Names of all sets.
    pub(super) fn sets(&self) -> String {
        self.model.sets.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Held addresses as `namespace/address`.
    pub(super) fn addresses(&self) -> String {
        let held = self.model.addresses.iter().map(|(namespace, address)| format!("{namespace}/{address}"));
        held.collect::<Vec<_>>().join(" ")
    }

    /// Names of refused sets.
    pub(super) fn refused(&self) -> String {
        self.model.refused.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Namespaces of objects that never parsed.
    pub(super) fn unparsed(&self) -> String {
        self.model.unparsed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Port names of a set as `name/protocol`.
    pub(super) fn port_names(&self, set: &str) -> String {
        let settings = self.settings(set).expect("a set");
        let names =
            settings.port_names.iter().map(|port| format!("{}/{}", port.name, port.protocol.as_str()));
        names.collect::<Vec<_>>().join(" ")
    }
}
