//! What a peer is called, and what SRV records point at.

use super::join::{Candidate, View};
use super::label::is_dns_label;
use super::ports::{epmd, select};
use super::reading::Shared;
use super::set::Naming;
use super::{Mode, Options, Peer, Port, Prefer, SetKey, SrvHost, SrvTarget, Topology, dashed, parse_dashed};
use std::net::IpAddr;
use std::sync::Arc;

/// Longest node name, in octets: an Erlang atom has at most 255 characters.
const NODE_NAME_MAX: usize = 255;

/// What all peers of a set have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) options: &'a Options,
    pub(super) topology: &'a Topology,
    pub(super) naming: &'a Naming,
    pub(super) set: &'a SetKey,
}

impl Names<'_> {
    /// The peer that a candidate is, and how long its node name would be where that is too long. `None` where it has
    /// no address to list.
    ///
    /// `hostname` is the candidate's, unless another listed peer has it too.
    pub(super) fn peer(
        self,
        view: View<'_>,
        candidate: &Candidate<'_>,
        hostname: Option<&str>,
        shared: &mut Shared,
    ) -> Option<(Peer, Option<usize>)> {
        let listed = || {
            let entries = candidate.entries.iter();
            entries.flat_map(|entry| entry.addresses.as_slice().iter().map(move |address| (entry, *address)))
        };
        let listed = || listed().filter(|(_, address)| view.lists(*address));
        let (first, primary) =
            listed().find(|(_, address)| self.prefers(*address)).or_else(|| listed().next())?;
        let mut addresses: Vec<IpAddr> = listed().map(|(_, address)| address).collect();
        addresses.sort_unstable();
        addresses.dedup();

        let target = self.target(hostname, service(view, candidate));
        // Below the set, a label that reads as an address is that address's.
        let hostname = hostname.filter(|hostname| parse_dashed(hostname.as_bytes()).is_none());
        let node_name = self.node_name(primary, &first.namespace, hostname, &target);
        let too_long = Some(node_name.len()).filter(|length| *length > NODE_NAME_MAX);
        let peer = Peer {
            primary,
            addresses: addresses.into(),
            // The namespace of the entry that holds the primary address: that pod name is served.
            namespace: Arc::clone(&first.namespace),
            hostname: hostname.map(Into::into),
            node_name: too_long.is_none().then(|| node_name.into()),
            target: if self.topology.srv_host == SrvHost::Peer { SrvTarget::Peer } else { target },
            ports: shared.ports.intern(self.ports(view, candidate)),
        };
        Some((peer, too_long))
    }

    fn prefers(self, address: IpAddr) -> bool {
        match self.topology.prefer {
            Prefer::Ipv4 => address.is_ipv4(),
            Prefer::Ipv6 => address.is_ipv6(),
        }
    }

    /// The host that the mode gives.
    fn target(self, hostname: Option<&str>, service: Option<&str>) -> SrvTarget {
        match (self.naming.mode, hostname, service) {
            (Mode::Hostname, Some(hostname), Some(service)) => {
                SrvTarget::Service { hostname: hostname.into(), service: service.into() }
            }
            (Mode::Ip | Mode::Dns | Mode::Hostname, _, _) => SrvTarget::Pod,
            (Mode::Peer, _, _) => SrvTarget::Peer,
        }
    }

    fn node_name(
        self,
        primary: IpAddr,
        namespace: &str,
        hostname: Option<&str>,
        target: &SrvTarget,
    ) -> String {
        let basename = &self.naming.basename;
        let cluster_domain = &self.options.cluster_domain;
        let SetKey { namespace: of_set, name: set } = self.set;
        match target {
            // Display of IP addresses is RFC 5952's.
            SrvTarget::Pod if self.naming.mode == Mode::Ip => format!("{basename}@{primary}"),
            SrvTarget::Pod => format!("{basename}@{}.{namespace}.pod.{cluster_domain}", dashed(primary)),
            SrvTarget::Peer => {
                let label = hostname.map_or_else(|| dashed(primary), Into::into);
                format!("{basename}@{label}.{set}.{of_set}.svc.{}", self.options.zone)
            }
            SrvTarget::Service { hostname, service } => {
                // The address's namespace, as libcluster has it.
                format!("{basename}@{hostname}.{service}.{namespace}.svc.{cluster_domain}")
            }
        }
    }

    fn ports(self, view: View<'_>, candidate: &Candidate<'_>) -> Vec<Port> {
        let mut ports = Vec::new();
        let mut last = None;
        for entry in &candidate.entries {
            let group = (entry.object, entry.group);
            if last.replace(group) == Some(group) {
                continue;
            }
            let object = view.object(entry);
            if let Some(group) = object.and_then(|object| object.head.groups.get(entry.group as usize)) {
                select(self.topology.ports.as_deref(), &group.ports, &mut ports);
            }
        }
        if ports.is_empty() {
            ports.push(epmd());
        }
        ports.sort();
        ports.dedup();
        ports
    }
}

/// The Service that the candidate's hostname stands below, where it can be a label.
fn service<'a>(view: View<'a>, candidate: &Candidate<'_>) -> Option<&'a str> {
    let entry = candidate.entries.iter().find(|entry| entry.hostname.is_some())?;
    view.object(entry)?.head.service.as_deref().filter(|service| is_dns_label(service))
}
