//! Objects that do not parse, and what is refused because of those that never did.
//!
//! Knows nothing of lists and watches' states: it is told when an object breaks and when it heals or goes.

use super::label::is_dns_label;
use super::notice::{Notice, Notices, ObjectName};
use super::set::Sets;
use super::watch::Watches;
use super::{Change, ObjectKey, SetKey, WatchId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An object that does not parse as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// Its last good version stays.
    Kept,
    /// There never was a good one. Topologies by their place in file order, and the set that each would put it into.
    Never(Box<[(u32, Arc<str>)]>),
}

/// What cannot be answered because of objects that never parsed.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Sets that such objects would be put into: how many by each topology.
    sets: Counted<SetKey, BTreeMap<u32, usize>>,
    /// Namespaces of such objects, and how many.
    namespaces: Counted<Arc<str>, usize>,
    /// Objects of which is to be said that they do not parse.
    unsaid: BTreeSet<(WatchId, ObjectKey)>,
}

/// What is so, what was published of it, and where these may differ.
#[derive(Debug)]
struct Counted<K, V> {
    now: BTreeMap<K, V>,
    published: BTreeSet<K>,
    touched: BTreeSet<K>,
}

impl Refusals {
    /// An object of the namespace came to be broken, healed, or changed what it would belong to.
    pub(super) fn replace(&mut self, namespace: &Arc<str>, before: Option<&Broken>, after: Option<&Broken>) {
        for (broken, grows) in [(after, true), (before, false)] {
            // An object that no name could hold keeps none from being told.
            if let Some(Broken::Never(claims)) = broken
                && is_dns_label(namespace)
            {
                self.count(namespace, claims, grows);
            }
        }
    }

    fn count(&mut self, namespace: &Arc<str>, claims: &[(u32, Arc<str>)], grows: bool) {
        let objects = self.namespaces.now.entry(Arc::clone(namespace)).or_default();
        if !step(objects, grows) {
            self.namespaces.now.remove(namespace);
        }
        self.namespaces.touched.insert(Arc::clone(namespace));
        for (topology, name) in claims {
            let key = SetKey { namespace: Arc::clone(namespace), name: Arc::clone(name) };
            let topologies = self.sets.now.entry(key.clone()).or_default();
            if !step(topologies.entry(*topology).or_default(), grows) {
                topologies.remove(topology);
            }
            if topologies.is_empty() {
                self.sets.now.remove(&key);
            }
            self.sets.touched.insert(key);
        }
    }

    /// An object came to be one that does not parse.
    pub(super) fn say(&mut self, watch: WatchId, key: ObjectKey) {
        self.unsaid.insert((watch, key));
    }

    /// Whether the set is refused, as was published last.
    pub(super) fn is_refused(&self, set: &SetKey) -> bool {
        self.sets.published.contains(set)
    }

    /// The set may have another owner than before.
    pub(super) fn recheck(&mut self, set: &SetKey) {
        if self.sets.now.contains_key(set) || self.sets.published.contains(set) {
            self.sets.touched.insert(set.clone());
        }
    }

    /// Publishes what is refused otherwise than was published, and says which objects do not parse.
    pub(super) fn publish(
        &mut self,
        sets: &Sets,
        watches: &Watches,
        log: &mut Vec<Change>,
        notices: &mut Notices,
    ) {
        let refused = |set: &SetKey, topologies: &BTreeMap<u32, usize>| {
            // A topology puts something into a set that it owns, or would own by that.
            let first = topologies.keys().next();
            first.is_some_and(|first| sets.owner(set).is_none_or(|owner| *first <= owner))
        };
        self.sets.publish(refused, |set, refused| log.push(Change::Refused { set, refused }));
        self.namespaces.publish(
            |_, _| true,
            |namespace, any| {
                log.push(Change::Unparsed { namespace, any });
            },
        );
        for (watch, key) in std::mem::take(&mut self.unsaid) {
            let Some(broken) = watches.get(watch).and_then(|watch| watch.broken.get(&key)) else { continue };
            let object = ObjectName(key);
            notices.push(match broken {
                Broken::Kept => Notice::Broken { object },
                Broken::Never(claims) => {
                    let namespace = Arc::<str>::from(&*object.0.namespace);
                    let sets = claims.iter().map(|(_, name)| SetKey {
                        namespace: Arc::clone(&namespace),
                        name: Arc::clone(name),
                    });
                    let mut sets: Vec<SetKey> =
                        sets.filter(|set| self.sets.published.contains(set)).collect();
                    sets.sort_unstable();
                    sets.dedup();
                    Notice::NeverParsed { object, sets }
                }
            });
        }
    }
}

impl<K: Ord + Clone, V> Counted<K, V> {
    /// Tells where `holds` became true of what is counted, or no longer is.
    fn publish(&mut self, holds: impl Fn(&K, &V) -> bool, mut tell: impl FnMut(K, bool)) {
        for key in std::mem::take(&mut self.touched) {
            let holds = self.now.get(&key).is_some_and(|value| holds(&key, value));
            let differs =
                if holds { self.published.insert(key.clone()) } else { self.published.remove(&key) };
            if differs {
                tell(key, holds);
            }
        }
    }
}

/// One more or one less; returns whether any is left.
fn step(count: &mut usize, grows: bool) -> bool {
    *count = if grows { *count + 1 } else { count.saturating_sub(1) };
    *count > 0
}

// A derived impl would ask the same of `V`.
impl<K, V> Default for Counted<K, V> {
    fn default() -> Counted<K, V> {
        Counted { now: BTreeMap::new(), published: BTreeSet::new(), touched: BTreeSet::new() }
    }
}
