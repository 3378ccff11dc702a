//! What the roster makes of an object: which topologies take it into which sets, and which of its words are wrong.

use super::broken::Broken;
use super::intern::Interner;
use super::label::is_dns_label;
use super::notice::Problem;
use super::overrides::{Overrides, SET};
use super::ports::{is_port_name, normal};
use super::selector::label;
use super::store::{Entry, Group, Head, Object, Store};
use super::{
    Addresses, Conditions, Endpoint, EndpointObject, Gives, Hostname, Include, Namespaces, ObjectKind,
    Options, PeerShape, Port, SetSettings, Topology, Uid, parse_dashed,
};
use std::borrow::Cow;
use std::sync::Arc;

/// Texts and port lists that many objects share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) texts: Interner<str>,
    pub(super) ports: Interner<[Port]>,
    pub(super) shapes: Interner<PeerShape>,
    pub(super) settings: Interner<SetSettings>,
    /// Room for those of an object: blocks as large as a hundred need are dear.
    incoming: Vec<Incoming<'static>>,
}

/// Room is kept for so many endpoints: "Defaults to 100", `--max-endpoints-per-slice` of kube-controller-manager, and at most
/// 1,000.
const ROOM_MAX: usize = 1_000;

impl Shared {
    /// Keeps the room that was taken for what [`read`] gave.
    pub(super) fn put_back(&mut self, mut incoming: Vec<Incoming<'_>>) {
        incoming.clear();
        if incoming.capacity() <= ROOM_MAX {
            // Of nothing, as nothing: the room alone goes over.
            self.incoming = incoming.into_iter().map_while(|_| None).collect();
        }
    }
}

/// An endpoint of an object that is being applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) group: u32,
    /// Only where it can name a peer.
    pub(super) uid: Option<&'a Uid>,
    /// The namespace of its pod name.
    pub(super) namespace: &'a str,
    pub(super) hostname: Option<&'a str>,
    pub(super) level: Include,
}

/// Reads an object: what holds for all of it, and its endpoints.
///
/// An object that no name could hold has neither.
pub(super) fn read<'a>(
    object: &'a EndpointObject,
    gives: Gives,
    options: &Options,
    shared: &mut Shared,
) -> (Head, Vec<Incoming<'a>>) {
    let mut problems = Vec::new();
    if !is_dns_label(&object.key.namespace) {
        let head = Head { problems: Box::new([Problem::Namespace]), ..Head::default() };
        return (head, Vec::new());
    }
    if gives == Gives::Addresses {
        let holders = holders(object, &mut problems);
        return (Head { problems: problems.into(), ..Head::default() }, holders);
    }
    let claims = claims(object, options, shared, &mut problems);
    let mut overrides = None;
    if options.label_settings && !claims.is_empty() {
        overrides = Some(Overrides::read(&object.labels, &mut problems)).filter(|read| !read.is_empty());
    }
    let mut groups = Vec::with_capacity(object.groups.len());
    for group in &object.groups {
        let ports = normal(&group.ports);
        let wrong = ports.iter().find(|port| !port.name.is_empty() && !is_port_name(&port.name));
        if let Some(port) = wrong {
            add_first(&mut problems, Problem::PortName(port.name.clone()));
        }
        groups.push(Group { ports: shared.ports.intern(ports), has_endpoints: !group.endpoints.is_empty() });
    }
    let endpoints = endpoints(object, std::mem::take(&mut shared.incoming), &mut problems);
    let head = Head {
        service: object.service.as_deref().map(|service| shared.texts.intern(service)),
        claims,
        overrides: overrides.map(Box::new),
        groups: groups.into(),
        truncated: object.truncated,
        problems: problems.into(),
    };
    (head, endpoints)
}

/// What there is of an object that does not parse.
pub(super) fn read_broken(
    object: &EndpointObject,
    gives: Gives,
    options: &Options,
    shared: &mut Shared,
) -> Broken {
    // What is wrong with its labels is for its next good version to say.
    let never = match gives {
        Gives::Peers => claims(object, options, shared, &mut Vec::new()),
        Gives::Addresses => Box::default(),
    };
    Broken::Never(never)
}

/// The sets that an object contributes to, by topologies in file order.
fn claims(
    object: &EndpointObject,
    options: &Options,
    shared: &mut Shared,
    problems: &mut Vec<Problem>,
) -> Box<[(u32, Arc<str>)]> {
    let mut claims = Vec::new();
    for (place, topology) in (0..).zip(&options.topologies) {
        if !looks_into(topology, &object.key.namespace) || !topology.selector.matches(&object.labels) {
            continue;
        }
        let name = match topology.name.as_deref() {
            Some(name) => Some(name),
            // A Service's endpoints say who its peers are; a Pod says only that it has a host name below a Service.
            None if object.key.kind == ObjectKind::Pod => None,
            None => own_set(object, options.label_settings, problems),
        };
        if let Some(name) = name {
            claims.push((place, shared.texts.intern(name)));
        }
    }
    claims.into()
}

fn looks_into(topology: &Topology, namespace: &str) -> bool {
    match &topology.namespaces {
        Namespaces::All => true,
        Namespaces::Listed(listed) => listed.iter().any(|one| **one == *namespace),
    }
}

/// The set that an object forms where no topology names one: its label's, else its Service's.
fn own_set<'a>(
    object: &'a EndpointObject,
    label_settings: bool,
    problems: &mut Vec<Problem>,
) -> Option<&'a str> {
    let labelled = label_settings.then(|| label(&object.labels, SET)).flatten();
    if let Some(name) = labelled {
        if is_dns_label(name) {
            return Some(name);
        }
        let problem = Problem::LabelValue { label: SET, value: name.into() };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    match object.service.as_deref() {
        Some(service) if is_dns_label(service) => return Some(service),
        None | Some("") => add_first(problems, Problem::NoService),
        Some(service) => add_first(problems, Problem::SetName(service.into())),
    }
    None
}

fn endpoints<'a>(
    object: &'a EndpointObject,
    room: Vec<Incoming<'static>>,
    problems: &mut Vec<Problem>,
) -> Vec<Incoming<'a>> {
    let count = object.groups.iter().map(|group| group.endpoints.len()).sum();
    let mut incoming: Vec<Incoming<'a>> = room;
    incoming.reserve(count);
    // Those of one object have one namespace, its own: it is checked once.
    let mut checked: &str = &object.key.namespace;
    for (number, group) in (0..).zip(&object.groups) {
        for endpoint in &group.endpoints {
            incoming.push(Incoming {
                endpoint,
                group: number,
                uid: endpoint.uid.as_ref(),
                namespace: match endpoint.namespace.as_deref() {
                    Some(same) if same == checked => checked,
                    _ => match namespace(endpoint, problems) {
                        Some(namespace) => {
                            checked = namespace;
                            namespace
                        }
                        None => &object.key.namespace,
                    },
                },
                hostname: hostname(endpoint, problems),
                level: level(endpoint.conditions),
            });
        }
    }
    incoming
}

/// The endpoints of an object as far as their addresses go: neither who they are nor their conditions count.
fn holders<'a>(object: &'a EndpointObject, problems: &mut Vec<Problem>) -> Vec<Incoming<'a>> {
    let endpoints = object.groups.iter().flat_map(|group| &group.endpoints);
    let holders = endpoints.map(|endpoint| Incoming {
        endpoint,
        group: 0,
        uid: None,
        namespace: namespace(endpoint, problems).unwrap_or(&object.key.namespace),
        hostname: None,
        level: Include::Ready,
    });
    holders.collect()
}

fn namespace<'a>(endpoint: &'a Endpoint, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let namespace = endpoint.namespace.as_deref().filter(|namespace| !namespace.is_empty())?;
    if is_dns_label(namespace) {
        return Some(namespace);
    }
    add_first(problems, Problem::EndpointNamespace(namespace.into()));
    None
}

fn hostname<'a>(endpoint: &'a Endpoint, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let hostname = endpoint.hostname.as_deref().filter(|hostname| !hostname.is_empty())?;
    if !is_dns_label(hostname) {
        add_first(problems, Problem::Hostname(hostname.into()));
        return None;
    }
    if parse_dashed(hostname.as_bytes()).is_some() {
        add_first(problems, Problem::HostnameIsAddress(hostname.into()));
    }
    Some(hostname)
}

/// Kubernetes: "nil should be interpreted as true" for `ready`; Endpoints have no `serving`, a slice from before 1.20
/// has none for endpoints that are not ready.
fn level(conditions: Conditions) -> Include {
    let Conditions { ready, serving, terminating } = conditions;
    if ready.unwrap_or(true) {
        Include::Ready
    } else if serving.unwrap_or(terminating.unwrap_or(false)) {
        Include::Serving
    } else {
        Include::All
    }
}

/// An object of a thousand wrong endpoints is one problem of each kind.
fn add_first(problems: &mut Vec<Problem>, problem: Problem) {
    let kind = std::mem::discriminant(&problem);
    if !problems.iter().any(|known| std::mem::discriminant(known) == kind) {
        problems.push(problem);
    }
}

impl Incoming<'_> {
    /// Whether a stored entry runs where this one does.
    pub(super) fn is_placed_as(&self, entry: &Entry, store: &Store) -> bool {
        store.places.is(entry.place, self.endpoint.placement.as_ref())
    }

    /// Whether a stored entry of this object says the same, wherever it stands and runs.
    pub(super) fn equals(&self, entry: &Entry, object: &Object, store: &Store) -> bool {
        let told = Told::by_entry(entry, object, store);
        // Those first that differ first.
        told.uid == self.uid
            && told.level == self.level
            && told.group == self.group
            && match (&*told.addresses, &self.endpoint.addresses) {
                (Addresses::One(own), Addresses::One(address)) => own == address,
                _ => told == self.told(),
            }
            && told.hostname == self.hostname
            && told.namespace == self.namespace
    }

    /// What it says.
    pub(super) fn told(&self) -> Told<'_> {
        let addresses = match &self.endpoint.addresses {
            one @ Addresses::One(_) => Cow::Borrowed(one),
            several @ Addresses::Several(_) => Cow::Owned(several.unique()),
        };
        Told {
            uid: self.uid,
            addresses,
            level: self.level,
            group: self.group,
            namespace: self.namespace,
            hostname: self.hostname,
        }
    }
}

/// All that an endpoint says, as far as it counts; where it runs does not.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Told<'a> {
    uid: Option<&'a Uid>,
    /// Each once.
    addresses: Cow<'a, Addresses>,
    level: Include,
    group: u32,
    namespace: &'a str,
    hostname: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// What a stored entry of this object says.
    #[inline]
    pub(super) fn by_entry(entry: &'a Entry, object: &'a Object, store: &'a Store) -> Told<'a> {
        store.looks.one_more();
        Told {
            uid: entry.uid.and_then(|uid| store.uid(uid)),
            addresses: Cow::Borrowed(&entry.addresses),
            level: entry.level,
            group: entry.group,
            namespace: entry.namespace.as_deref().unwrap_or(&object.namespace),
            hostname: entry.hostname.as_deref().map(Hostname::as_str),
        }
    }
}
