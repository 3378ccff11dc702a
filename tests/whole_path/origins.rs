//! What watches have, by the letter of the events' description, and what is to be found because of it.

use super::Path;
use super::objects::{NAMESPACES, SETS};
use rosterd::roster::{EndpointObject, EventKind, Gives, ObjectKey, Scope, Topology};
use rosterd::wire::{Name, QueryName, RecordType};
use rosterd::zone::{Found, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Watches as the events' description has them, by number.
#[derive(Debug, Default, Clone)]
pub(super) struct Origins(BTreeMap<u32, Origin>);

#[derive(Debug, Clone)]
struct Origin {
    scope: Scope,
    gives: Gives,
    synced: bool,
    unreachable: bool,
    visible: Content,
    list: Option<Content>,
}

/// Objects as a list has them, or what happened since the last one.
#[derive(Debug, Default, Clone)]
struct Content {
    /// Their last good versions.
    good: BTreeMap<ObjectKey, EndpointObject>,
    /// Those that do not parse as they are now.
    broken: BTreeMap<ObjectKey, EndpointObject>,
    /// What was deleted while the list arrived.
    gone: BTreeSet<ObjectKey>,
}

/// Whether names are known, and whether what is known may be old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    ready: bool,
    stale: bool,
}

impl Origins {
    pub(super) fn tell(&mut self, watch: u32, kind: &EventKind) {
        match kind {
            EventKind::Started(scope, gives) => {
                let new = Origin {
                    scope: scope.clone(),
                    gives: *gives,
                    synced: false,
                    unreachable: false,
                    visible: Content::default(),
                    list: Some(Content::default()),
                };
                self.0.entry(watch).or_insert(new).scope = scope.clone();
            }
            EventKind::Ended => drop(self.0.remove(&watch)),
            kind => {
                if let Some(origin) = self.0.get_mut(&watch) {
                    origin.tell(kind);
                }
            }
        }
    }

    /// What a new server makes of the objects. It meets them in the order that `order` makes of them: those of even
    /// places in the first lists, the others one by one.
    pub(super) fn served_anew(&self, topologies: &[Topology], order: &[u16]) -> Arc<Snapshot> {
        let mut path = Path::new(topologies);
        let objects = self.0.iter().flat_map(|(watch, origin)| {
            let Content { good, broken, .. } = &origin.visible;
            let good = good.values().map(|object| EventKind::Apply(Box::new(object.clone())));
            // One with a good version broke after that: it comes last, whatever the order.
            let broken = broken.values().map(|object| EventKind::Broken(Box::new(object.clone())));
            good.chain(broken).map(|kind| (*watch, kind))
        });
        let is_kept = |(_, (watch, kind)): &(&u16, (u32, EventKind))| match kind {
            EventKind::Broken(object) => self.0[watch].visible.good.contains_key(&object.key),
            _ => false,
        };
        let (kept, mut objects): (Vec<_>, Vec<_>) = order.iter().cycle().zip(objects).partition(is_kept);
        objects.sort_by_key(|(place, _)| **place);
        let (listed, single): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(place, _)| **place % 2 == 0);
        for (watch, origin) in &self.0 {
            path.tell(*watch, None, EventKind::Started(Scope::All, origin.gives));
        }
        for (_, (watch, kind)) in listed {
            path.tell(watch, None, kind);
        }
        for watch in self.0.keys() {
            path.tell(*watch, None, EventKind::Synced);
        }
        for (_, (watch, kind)) in single.into_iter().chain(kept) {
            path.tell(watch, None, kind);
        }
        path.publish(1).expect("a first publication")
    }

    /// Objects that never parsed.
    fn never(&self) -> impl Iterator<Item = &ObjectKey> {
        self.0.values().flat_map(|origin| {
            let Content { good, broken, .. } = &origin.visible;
            broken.keys().filter(|key| !good.contains_key(*key))
        })
    }

    /// What is known of names to which these watches contribute.
    fn known(&self, contributes: impl Fn(&Origin) -> bool) -> Known {
        let mut known =
            Known { ready: self.0.values().any(|origin| origin.gives == Gives::Peers), stale: false };
        for origin in self.0.values().filter(|origin| contributes(origin)) {
            known.ready &= origin.synced;
            known.stale |= origin.synced && origin.unreachable;
        }
        known
    }

    /// What is found at names of every kind, given what a server finds that has seen all there is.
    pub(super) fn expected(&self, anew: &Snapshot) -> BTreeMap<String, String> {
        let covers = |origin: &Origin, namespace: &str| match &origin.scope {
            Scope::All => true,
            Scope::Namespace(own) => **own == *namespace,
        };
        let mut expected = BTreeMap::new();
        // Whether an object that never parsed may hold the name, where that is no matter of a set.
        let mut expect = |name: String, known: Known, known_while_waiting: bool, unparsed: Option<bool>| {
            let found = match (found(anew, &name).as_str(), unparsed) {
                ("none" | "broken", Some(unparsed)) => if unparsed { "broken" } else { "none" }.to_owned(),
                (found, _) => found.to_owned(),
            };
            let found = match found.as_str() {
                "node" if !known.ready && known_while_waiting => found,
                _ if !known.ready => "not ready".to_owned(),
                _ => found,
            };
            let ages = known.stale && (found == "node" || found == "none");
            expected.insert(name, if ages { format!("old {found}") } else { found });
        };
        for namespace in NAMESPACES.into_iter().chain(["absent"]) {
            let of_sets = self.known(|origin| origin.gives == Gives::Peers && covers(origin, namespace));
            for name in names_of_sets(namespace) {
                expect(name, of_sets, false, None);
            }
            let of_addresses = self.known(|origin| covers(origin, namespace));
            let unparsed = Some(self.never().any(|key| *key.namespace == *namespace));
            expect(format!("{namespace}.pod.cluster.local"), of_addresses, true, unparsed);
            for address in ["10-0-0-1", "10-0-0-4", "10-0-0-9", "fd00--1"] {
                expect(format!("{address}.{namespace}.pod.cluster.local"), of_addresses, false, unparsed);
            }
        }
        let everywhere = self.known(|_| true);
        for name in
            ["1.0.0.10.in-addr.arpa", "4.0.0.10.in-addr.arpa", "9.0.0.10.in-addr.arpa", "0.10.in-addr.arpa"]
        {
            expect(name.to_owned(), everywhere, true, Some(self.never().next().is_some()));
        }
        for name in
            ["peers.cluster.local", "pod.cluster.local", "svc.peers.cluster.local", "x.peers.cluster.local"]
        {
            expect(name.to_owned(), Known { ready: true, stale: false }, false, None);
        }
        expected
    }
}

impl Origin {
    fn tell(&mut self, kind: &EventKind) {
        let content = self.list.as_mut().unwrap_or(&mut self.visible);
        match kind {
            EventKind::Apply(object) => {
                content.gone.remove(&object.key);
                content.broken.remove(&object.key);
                content.good.insert(object.key.clone(), (**object).clone());
            }
            EventKind::Broken(object) => {
                content.broken.insert(object.key.clone(), (**object).clone());
                // What is served stays, where the list has no better version.
                if !content.good.contains_key(&object.key)
                    && !content.gone.contains(&object.key)
                    && let Some(last) = self.visible.good.get(&object.key)
                    && let Some(list) = &mut self.list
                {
                    list.good.insert(object.key.clone(), last.clone());
                }
            }
            EventKind::Delete(key) => {
                content.good.remove(key);
                content.broken.remove(key);
                content.gone.insert(key.clone());
            }
            EventKind::Reset => self.list = Some(Content::default()),
            EventKind::Synced => {
                self.synced = true;
                if let Some(list) = self.list.take() {
                    self.visible = Content { gone: BTreeSet::new(), ..list };
                }
            }
            EventKind::Unreachable => self.unreachable = true,
            EventKind::Reachable => self.unreachable = false,
            EventKind::Started(..) | EventKind::Ended | EventKind::Named(_) => {}
        }
    }
}

fn names_of_sets(namespace: &str) -> Vec<String> {
    let mut names = vec![format!("{namespace}.svc.peers.cluster.local")];
    for set in SETS {
        for below in ["", "web-0.", "_tcp.", "_0._of2.", "_http._tcp.", "10-0-0-1."] {
            names.push(format!("{below}{set}.{namespace}.svc.peers.cluster.local"));
        }
    }
    names
}

/// What is at a name: `node` or `none`, `old` before it where it may be, or why neither is told.
pub(super) fn found(snapshot: &Snapshot, name: &str) -> String {
    let (found, stale) = match find(snapshot, name, RecordType::A) {
        Found::Node(node) => ("node", node.is_stale()),
        Found::NxDomain { stale } => ("none", stale),
        Found::NotReady => ("not ready", false),
        Found::Broken => ("broken", false),
        Found::Referral(_) | Found::Redirection(_) => ("elsewhere", false),
    };
    if stale { format!("old {found}") } else { found.to_owned() }
}

pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &str, record_type: RecordType) -> Found<'a> {
    let name: Name = name.parse().unwrap();
    let mut query = QueryName::new();
    query.read(name.as_wire(), 0).unwrap();
    snapshot.zone_of(&query, record_type).expect("our zone").find(&query, record_type)
}
