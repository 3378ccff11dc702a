//! Settings that are right in themselves but not with each other.

use super::error::{Error, Problem};
use super::key::{SECONDARIES, TOPOLOGIES, TRANSFER_KEYS};
use super::origin::{Origin, Origins};
use super::settings::{Pods, Settings};
use super::values::{Invalid, choice_text, domain_text};
use crate::roster::{Family, Include, ObjectKind, Prefer, WhenEmpty};
use crate::wire::{NAME_MAX, Name};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Octets that the longest legal name has below the zone: `_<port>._sctp.<set>.<namespace>.svc`, with 63 octets each
/// for port (and underscore), set and namespace, and a length octet for each of the five labels.
const LONGEST_BELOW_ZONE: usize = 64 + 6 + 64 + 64 + 4;

/// The same below the cluster domain: `<hostname>.<service>.<namespace>.svc`.
const LONGEST_BELOW_CLUSTER_DOMAIN: usize = 64 + 64 + 64 + 4;

/// Finds every conflict between settings that have no error of their own.
pub(super) fn find(settings: &Settings, origins: &Origins, errors: &mut Vec<Error>) {
    let wrong = errors.iter().map(|error| error.key.clone()).collect();
    let mut conflicts = Conflicts { settings, origins, wrong, errors };
    conflicts.lengths();
    conflicts.apexes();
    conflicts.listeners();
    conflicts.topologies();
    conflicts.transfers();
    conflicts.sources();
}

/// Whether peers would be named by a family that is not listed.
pub(super) fn prefer_left_out(family: Family, prefer: Prefer) -> bool {
    matches!((family, prefer), (Family::Ipv4, Prefer::Ipv6) | (Family::Ipv6, Prefer::Ipv4))
}

struct Conflicts<'a> {
    settings: &'a Settings,
    origins: &'a Origins,
    /// Keys with errors of their own.
    wrong: HashSet<String>,
    errors: &'a mut Vec<Error>,
}

impl Conflicts<'_> {
    fn lengths(&mut self) {
        let zone = ("zone", &self.settings.zone, LONGEST_BELOW_ZONE);
        let cluster_domain = ("cluster_domain", &self.settings.cluster_domain, LONGEST_BELOW_CLUSTER_DOMAIN);
        for (key, name, below) in [zone, cluster_domain] {
            let (octets, limit) = (name.as_wire().len(), NAME_MAX - below);
            if octets > limit {
                self.add(key, Some(format!("{:?}", domain_text(name))), Problem::TooLong { octets, limit });
            }
        }
    }

    /// RFC 1035 5.2: "Exactly one SOA RR should be present at the top of the zone", so two zones at one name are none.
    fn apexes(&mut self) {
        let settings = self.settings;
        let mut zones: Vec<(&str, String, Name)> = vec![("zone", "zone".to_owned(), settings.zone.clone())];
        if settings.pods != Some(Pods::Disabled) && self.sound("pods") {
            let apex = Name::below([&b"pod"[..]], &settings.cluster_domain).ok();
            if let Some(pods) =
                apex.as_ref().filter(|pods| settings.zone.is_at_or_below(pods) && settings.zone != **pods)
            {
                let value = Some(format!("{:?}", domain_text(&settings.zone)));
                self.add("zone", value, Problem::HidesPods { pods: domain_text(pods) });
            }
            zones.extend(apex.map(|apex| ("pods", "pods".to_owned(), apex)));
        }
        let reverse = settings.reverse_zones.iter().enumerate();
        zones.extend(
            reverse.map(|(index, apex)| ("reverse_zones", format!("reverse_zones[{index}]"), apex.clone())),
        );
        let catalog = settings.transfer.catalog.clone();
        zones.extend(catalog.map(|apex| ("transfer.catalog", "transfer.catalog".to_owned(), apex)));
        let mut first = HashMap::new();
        for here in &zones {
            let there = *first.entry(&here.2).or_insert(here);
            if there.1 == here.1 {
                continue;
            }
            // The pod zone is where it is; what can be moved is the zone.
            let (here, there) = if here.0 == "pods" { (there, here) } else { (here, there) };
            let apex = domain_text(&here.2);
            let value = Some(format!("{apex:?}"));
            let problem =
                Problem::SameApex { apex, other: format!("{} ({})", there.0, self.origins.of(&there.1)) };
            self.add_at(here.0, &here.1, value, problem);
        }
    }

    /// One socket for all addresses of a family and one for a single address cannot both have a port. Port 0 is a port
    /// of its own each time.
    fn listeners(&mut self) {
        const KEY: &str = "server.listen";
        let place = |index: usize| format!("{KEY}[{index}]");
        let settings = self.settings;
        let listen = || settings.server.listen.iter().enumerate().filter(|(_, address)| address.port() != 0);
        let mut first = HashMap::new();
        for (index, address) in listen() {
            first.entry(*address).or_insert(index);
        }
        for (index, address) in listen() {
            let all: IpAddr =
                if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            let all = SocketAddr::new(all, address.port());
            let problem = match (first.get(address), first.get(&all)) {
                (Some(earlier), _) if *earlier != index => Problem::Invalid(Invalid::Twice),
                (_, Some(other)) if *other != index => {
                    Problem::PortTaken { all, at: self.origins.of(&place(*other)).clone() }
                }
                _ => continue,
            };
            self.add_at(KEY, &place(index), Some(format!("{:?}", address.to_string())), problem);
        }
    }

    fn topologies(&mut self) {
        let mut named = HashMap::new();
        for (index, topology) in self.settings.topologies.iter().enumerate() {
            let key = |name: &str| format!("{TOPOLOGIES}[{index}].{name}");
            if let Some(name) = &topology.name {
                let first = *named.entry(name).or_insert(index);
                if first != index {
                    let first = self.origins.of(&format!("{TOPOLOGIES}[{first}].name")).clone();
                    self.add(&key("name"), Some(format!("{name:?}")), Problem::NameTaken { first });
                }
            }
            let left_out = prefer_left_out(topology.family, topology.prefer);
            if left_out && *self.origins.of(&key("prefer")) != Origin::Default {
                let value = format!("{:?}", choice_text(topology.prefer));
                self.add(&key("prefer"), Some(value), Problem::PreferLeftOut(choice_text(topology.family)));
            }
        }
    }

    /// Keys have names of their own, and a secondary is known by one of them or by its address.
    fn transfers(&mut self) {
        let transfer = &self.settings.transfer;
        let mut named = HashMap::new();
        for (index, key) in transfer.keys.iter().enumerate() {
            let first = *named.entry(&key.name).or_insert(index);
            if first != index {
                let first = self.origins.of(&format!("{TRANSFER_KEYS}[{first}].name")).clone();
                let value = Some(format!("{:?}", domain_text(&key.name)));
                self.add(&format!("{TRANSFER_KEYS}[{index}].name"), value, Problem::KeyTwice { first });
            }
        }
        for (index, secondary) in transfer.secondaries.iter().enumerate() {
            let place = format!("{SECONDARIES}[{index}]");
            let key = format!("{place}.key");
            match &secondary.key {
                Some(name) if !named.contains_key(name) => {
                    self.add(&key, Some(format!("{:?}", domain_text(name))), Problem::NoSuchTransferKey);
                }
                None if secondary.clients.is_none() && self.sound(&key) => {
                    self.add_at(&format!("{place}.clients"), &place, None, Problem::AnybodyIsSecondary);
                }
                _ => {}
            }
        }
    }

    /// What cannot be had from the source that is chosen. With manifests, what is to be watched does not matter.
    fn sources(&mut self) {
        const WATCH: &str = "kubernetes.watch";
        let Settings { manifests, kubernetes, topologies, .. } = self.settings;
        if !manifests.is_empty() {
            let named = [
                ("kubernetes.kubeconfig", kubernetes.kubeconfig.as_ref().map(|path| path.to_string_lossy())),
                ("kubernetes.context", kubernetes.context.as_deref().map(Into::into)),
            ];
            for (key, value) in named.into_iter().filter_map(|(key, value)| Some((key, value?))) {
                let manifests = self.origins.of("manifests").clone();
                self.add(key, Some(format!("{value:?}")), Problem::TwoSources { manifests });
            }
            return;
        }
        if !self.sound(WATCH) {
            return;
        }
        let watch = self.origins.of(WATCH).clone();
        match kubernetes.watch {
            ObjectKind::EndpointSlice => {}
            ObjectKind::Endpoints => {
                for (index, topology) in topologies.iter().enumerate() {
                    for (key, asked, instead) in [
                        ("include", topology.include == Include::Serving, "ready"),
                        ("when_empty", topology.when_empty == WhenEmpty::Serving, "nothing"),
                    ] {
                        if asked {
                            let problem = Problem::ServingUnknown { watch: watch.clone(), instead };
                            let key = format!("{TOPOLOGIES}[{index}].{key}");
                            self.add(&key, Some("\"serving\"".to_owned()), problem);
                        }
                    }
                }
            }
            ObjectKind::Pod => {
                let value = || Some("\"pods\"".to_owned());
                if topologies.is_empty() {
                    self.add(WATCH, value(), Problem::PodsUnnamed { topology: None });
                }
                for (index, topology) in topologies.iter().enumerate() {
                    let place = format!("{TOPOLOGIES}[{index}]");
                    if topology.name.is_none() && self.sound(&format!("{place}.name")) {
                        let topology = Some(self.origins.of(&place).clone());
                        self.add(WATCH, value(), Problem::PodsUnnamed { topology });
                    }
                }
            }
        }
    }

    fn add(&mut self, key: &str, value: Option<String>, problem: Problem) {
        self.add_at(key, key, value, problem);
    }

    /// `place` is the key, or an element of its list.
    fn add_at(&mut self, key: &str, place: &str, value: Option<String>, problem: Problem) {
        if self.sound(key) {
            let origin = self.origins.of(place).clone();
            self.errors.push(Error { origin, key: key.to_owned(), value, problem });
        }
    }

    /// Whether the key has no error of its own: then its effective value is the one that was meant.
    fn sound(&self, key: &str) -> bool {
        !self.wrong.contains(key)
    }
}
