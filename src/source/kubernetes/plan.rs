//! What is watched: as little as serves all topologies.
//!
//! Pure. Knows nothing of settings as they are written, or of how watches work.

use super::resource::{Resource, title};
use crate::roster::{Gives, Namespaces, ObjectKind, Scope, Selector, Topology};
use std::collections::BTreeMap;
use std::fmt;

/// One watch: a list of one resource that is kept current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchPlan {
    /// Of which kind its objects are.
    pub resource: ObjectKind,
    /// In which namespaces.
    pub scope: Scope,
    /// The label selector that the API server applies, in its own syntax; none where everything is wanted.
    pub selector: Option<Box<str>>,
    /// What the objects are for.
    pub gives: Gives,
}

/// What people call the watch: `endpointslices in namespace a`.
impl fmt::Display for WatchPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&title(self))
    }
}

impl WatchPlan {
    /// What is watched and what is left out: `endpointslices in namespace a, with the labels app=myapp`.
    pub fn in_full(&self) -> String {
        let labels = self.selector.iter().map(|selector| format!(", with the labels {selector}"));
        std::iter::once(self.to_string()).chain(labels).collect()
    }

    /// How a person lists the same: `kubectl get endpointslices -n a -l 'app=myapp'`.
    pub fn kubectl(&self) -> String {
        let scope = match &self.scope {
            Scope::All => "-A".to_owned(),
            Scope::Namespace(namespace) => format!("-n {namespace}"),
        };
        let labels = self.selector.iter().map(|selector| format!(" -l '{selector}'"));
        let begin = format!("kubectl get {} {scope}", Resource::of(self.resource).plural);
        std::iter::once(begin).chain(labels).collect()
    }
}

/// What is wanted of the API beside what topologies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The resource whose objects are peers.
    pub peers: ObjectKind,
    /// Whether Pods are watched too, for their addresses.
    pub pods: bool,
    /// Whether names of pods are to be denied where no object holds their address.
    pub verified: bool,
    /// Whether there are zones that deny addresses which no object holds.
    pub reverse_zones: bool,
}

/// The watches that serve all topologies: one for each namespace that they list, or one for all namespaces where any of
/// them looks into all.
///
/// A selector is left to the API server where all topologies that look there have it, so that what nobody serves is
/// neither sent nor kept. Not where a zone denies the addresses that no object holds: objects that no topology takes
/// hold some, unless Pods are watched to know them all.
pub fn plans(topologies: &[Topology], wanted: Wanted) -> Vec<WatchPlan> {
    // All share the pod zone: verified by the pods of some namespaces, it would deny those of the others.
    let all_pods = wanted.pods && wanted.verified;
    // Where Pods are the peers, one watch gives both.
    let beside = wanted.pods && wanted.peers != ObjectKind::Pod;
    let denies = wanted.verified || wanted.reverse_zones;
    let narrow = if wanted.pods { beside } else { !denies };
    let looks = if all_pods && !beside { vec![(Scope::All, None)] } else { looks(topologies, narrow) };
    let pods: Vec<Scope> = match (beside, all_pods) {
        (false, _) => Vec::new(),
        (true, true) => vec![Scope::All],
        (true, false) => looks.iter().map(|(scope, _)| scope.clone()).collect(),
    };
    let peers = looks.into_iter().map(|(scope, selector)| WatchPlan {
        resource: wanted.peers,
        scope,
        selector: selector.map(|selector| selector.to_string().into()),
        gives: Gives::Peers,
    });
    let addresses = pods.into_iter().map(|scope| WatchPlan {
        resource: ObjectKind::Pod,
        scope,
        selector: None,
        gives: Gives::Addresses,
    });
    peers.chain(addresses).collect()
}

/// Whether the watches deliver every Pod of the cluster.
pub fn knows_all_pods(plans: &[WatchPlan]) -> bool {
    plans
        .iter()
        .any(|plan| plan.resource == ObjectKind::Pod && plan.scope == Scope::All && plan.selector.is_none())
}

/// Where topologies look, and the selector that all of them have there, if they do and it leaves anything out.
fn looks(topologies: &[Topology], narrow: bool) -> Vec<(Scope, Option<&Selector>)> {
    let anywhere = topologies.is_empty() || topologies.iter().any(|one| one.namespaces == Namespaces::All);
    let mut shared: BTreeMap<Option<&str>, Vec<&Selector>> = BTreeMap::new();
    for topology in topologies {
        match &topology.namespaces {
            Namespaces::Listed(names) if !anywhere => {
                for name in names {
                    shared.entry(Some(name)).or_default().push(&topology.selector);
                }
            }
            _ => shared.entry(None).or_default().push(&topology.selector),
        }
    }
    if shared.is_empty() {
        shared.insert(None, Vec::new());
    }
    let everything = Selector::everything();
    let looks = shared.into_iter().map(|(namespace, selectors)| {
        let scope = namespace.map_or(Scope::All, |name| Scope::Namespace(name.into()));
        let first = selectors.first().filter(|first| narrow && ***first != everything);
        (scope, first.filter(|first| selectors.iter().all(|other| other == *first)).copied())
    });
    looks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn topology(namespaces: &[&str], selector: &str) -> Topology {
        let namespaces = match namespaces {
            [] => Namespaces::All,
            listed => Namespaces::Listed(listed.iter().map(|name| (*name).into()).collect()),
        };
        Topology { namespaces, selector: selector.parse().unwrap(), ..Topology::every_service() }
    }

    const SLICES: Wanted =
        Wanted { peers: ObjectKind::EndpointSlice, pods: false, verified: false, reverse_zones: false };

    /// `slices a [x=1]`, one for each plan; addresses in brackets.
    fn told(topologies: &[Topology], wanted: Wanted) -> Vec<String> {
        let told = plans(topologies, wanted).into_iter().map(|plan| {
            let resource = match plan.resource {
                ObjectKind::EndpointSlice => "slices",
                ObjectKind::Endpoints => "endpoints",
                ObjectKind::Pod => "pods",
            };
            let scope = match &plan.scope {
                Scope::All => "*",
                Scope::Namespace(name) => name,
            };
            let selector = plan.selector.map(|text| format!(" {text}")).unwrap_or_default();
            let told = format!("{resource} {scope}{selector}");
            if plan.gives == Gives::Addresses { format!("({told})") } else { told }
        });
        told.collect()
    }

    #[test]
    fn each_listed_namespace_has_a_watch_or_all_have_one() {
        for (topologies, expected) in [
            (&[][..], &["slices *"][..]),
            (&[topology(&[], "")], &["slices *"]),
            (&[topology(&["b", "a"], "")], &["slices a", "slices b"]),
            (&[topology(&["a"], ""), topology(&["b", "a"], "")], &["slices a", "slices b"]),
            (&[topology(&["a"], ""), topology(&[], "")], &["slices *"]),
        ] {
            assert_eq!(told(topologies, SLICES), expected, "{topologies:?}");
        }
        let endpoints = Wanted { peers: ObjectKind::Endpoints, ..SLICES };
        assert_eq!(told(&[], endpoints), ["endpoints *"]);
    }

    #[test]
    fn a_selector_is_left_to_the_api_server_where_all_have_it() {
        for (topologies, expected) in [
            (&[topology(&[], "app=a")][..], &["slices * app=a"][..]),
            (&[topology(&[], "app=a"), topology(&["n"], "app in (a)")], &["slices * app=a"]),
            (&[topology(&[], "app=a"), topology(&["n"], "app=b")], &["slices *"]),
            (&[topology(&[], "app=a"), topology(&[], "")], &["slices *"]),
            (
                &[topology(&["m", "n"], "app=a"), topology(&["n", "o"], "app=b"), topology(&["p"], "")],
                &["slices m app=a", "slices n", "slices o app=b", "slices p"],
            ),
            (&[topology(&["n"], "!b,a in (x, y),c>1")], &["slices n a in (x,y),!b,c>1"]),
        ] {
            assert_eq!(told(topologies, SLICES), expected, "{topologies:?}");
        }
    }

    #[test]
    fn zones_that_deny_addresses_want_them_all() {
        let one = &[topology(&["n"], "app=a")];
        let verified = Wanted { verified: true, ..SLICES };
        assert_eq!(told(one, verified), ["slices n"]);
        let reverse_zones = Wanted { reverse_zones: true, ..SLICES };
        assert_eq!(told(one, reverse_zones), ["slices n"]);
        assert_eq!(told(one, Wanted { pods: true, ..SLICES }), ["slices n app=a", "(pods n)"]);
        assert_eq!(told(one, Wanted { pods: true, ..reverse_zones }), ["slices n app=a", "(pods n)"]);
        assert_eq!(told(one, Wanted { pods: true, ..verified }), ["slices n app=a", "(pods *)"]);
        assert_eq!(told(&[], Wanted { pods: true, ..SLICES }), ["slices *", "(pods *)"]);
    }

    #[test]
    fn pods_that_are_peers_are_watched_once() {
        let one = &[topology(&["n"], "app=a")];
        let pods = Wanted { peers: ObjectKind::Pod, ..SLICES };
        assert_eq!(told(one, pods), ["pods n app=a"]);
        assert_eq!(told(one, Wanted { pods: true, ..pods }), ["pods n"]);
        assert_eq!(told(one, Wanted { verified: true, ..pods }), ["pods n"]);
        assert_eq!(told(one, Wanted { verified: true, pods: true, ..pods }), ["pods *"]);
    }

    #[test]
    fn all_pods_are_known_where_nothing_leaves_any_out() {
        let pods = Wanted { peers: ObjectKind::Pod, ..SLICES };
        let beside = Wanted { pods: true, ..SLICES };
        for (topology, wanted, known) in [
            (topology(&[], ""), SLICES, false),
            (topology(&[], ""), pods, true),
            (topology(&[], "app=a"), pods, false),
            (topology(&["n"], ""), pods, false),
            (topology(&[], "app=a"), beside, true),
            (topology(&["n"], ""), beside, false),
            (topology(&["n"], ""), Wanted { verified: true, ..beside }, true),
        ] {
            let plans = plans(std::slice::from_ref(&topology), wanted);
            assert_eq!(knows_all_pods(&plans), known, "{topology:?} {wanted:?}");
        }
    }

    fn any_topology() -> impl Strategy<Value = Topology> {
        let namespaces = prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]), 0..3);
        let selector = prop::sample::select(vec!["", "x=1", "x=2", "x in (1,2),!y"]);
        (namespaces, selector).prop_map(|(namespaces, selector)| {
            topology(&namespaces.into_iter().collect::<Vec<_>>(), selector)
        })
    }

    proptest! {
        /// Every object that a topology takes is delivered by exactly one watch for peers, and with Pods, every Pod that
        /// shares its namespace by exactly one that gives its address.
        #[test]
        fn whatever_a_topology_takes_is_watched_once(
            topologies in prop::collection::vec(any_topology(), 0..4),
            peers in prop::sample::select(vec![ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod]),
            (pods, verified, reverse_zones) in any::<(bool, bool, bool)>(),
            namespace in prop::sample::select(vec!["a", "b", "c", "d"]),
            label in prop::sample::select(vec!["", "1", "2", "3"]),
        ) {
            let wanted = Wanted { peers, pods, verified, reverse_zones };
            let labels: Vec<(Box<str>, Box<str>)> =
                if label.is_empty() { Vec::new() } else { vec![("x".into(), label.into())] };
            let looks_there = |topology: &Topology| match &topology.namespaces {
                Namespaces::All => true,
                Namespaces::Listed(names) => names.iter().any(|name| **name == *namespace),
            };
            let plans = plans(&topologies, wanted);
            let covers = |plan: &&WatchPlan| match &plan.scope {
                Scope::All => true,
                Scope::Namespace(name) => **name == *namespace,
            };
            let delivers = |plan: &&WatchPlan| {
                let selector = plan.selector.as_deref().unwrap_or("").parse::<Selector>().unwrap();
                covers(plan) && selector.matches(&labels)
            };
            let of = |gives: Gives| plans.iter().filter(move |plan| plan.gives == gives);
            let taken = topologies.is_empty()
                || topologies.iter().any(|topology| looks_there(topology) && topology.selector.matches(&labels));
            prop_assert!(of(Gives::Peers).all(|plan| plan.resource == peers));
            let delivered = of(Gives::Peers).filter(delivers).count();
            prop_assert!(delivered <= 1 && (delivered == 1 || !taken), "{:?}", plans);
            if pods && (topologies.is_empty() || topologies.iter().any(looks_there)) {
                let known = plans.iter().filter(|plan| plan.resource == ObjectKind::Pod).filter(delivers);
                prop_assert_eq!(known.count(), 1, "{:?}", &plans);
            }
            prop_assert!(!(pods && verified) || knows_all_pods(&plans), "{:?}", plans);
        }
    }
}
