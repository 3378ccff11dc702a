//! What a peer is called, and what SRV records point at.

use super::join::{Candidate, View};
use super::label::is_dns_label;
use super::node_name::NodeName;
use super::ports::{epmd, select};
use super::reading::Shared;
use super::set::Naming;
use super::{
    Hostname, Mode, NodeHost, Options, Peer, PeerShape, Port, Prefer, SetKey, SrvHost, SrvTarget, Topology,
    parse_dashed,
};
use std::net::IpAddr;
use std::sync::Arc;

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
        hostname: Option<&Arc<Hostname>>,
        shared: &mut Shared,
    ) -> Option<(Peer, Option<usize>)> {
        let listed = || {
            let entries = candidate.entries.iter();
            entries.flat_map(|entry| entry.addresses.as_slice().iter().map(move |address| (entry, *address)))
        };
        let listed = || listed().filter(|(_, address)| view.lists(*address));
        let (first, primary) =
            listed().find(|(_, address)| self.prefers(*address)).or_else(|| listed().next())?;
        let namespace = view.store.namespace(first)?;
        let addresses = listed().map(|(_, address)| address).collect();

        let target = self.target(hostname.is_some(), service(view, candidate), shared);
        // Below the set, a label that reads as an address is that address's.
        let is_label = hostname.is_some_and(|hostname| parse_dashed(hostname.as_str().as_bytes()).is_none());
        let hostname = hostname.filter(|_| is_label || matches!(target, SrvTarget::Service(_)));
        let shape = PeerShape {
            // The namespace of the entry that holds the primary address: that pod name is served.
            namespace: Arc::clone(namespace),
            basename: Arc::clone(&self.naming.basename),
            host: self.host(namespace, &target, shared),
            target: if self.topology.srv_host == SrvHost::Peer { SrvTarget::Peer } else { target },
            ports: shared.ports.intern(self.ports(view, candidate)),
        };
        let peer = Peer::new(primary, addresses, hostname.cloned(), shared.shapes.intern(shape));
        let too_long = peer.long_node_name().filter(NodeName::is_too_long).map(|name| name.len());
        Some((peer, too_long))
    }

    fn prefers(self, address: IpAddr) -> bool {
        match self.topology.prefer {
            Prefer::Ipv4 => address.is_ipv4(),
            Prefer::Ipv6 => address.is_ipv6(),
        }
    }

    /// The host that the mode gives.
    fn target(self, has_hostname: bool, service: Option<&str>, shared: &mut Shared) -> SrvTarget {
        match (self.naming.mode, service) {
            (Mode::Hostname, Some(service)) if has_hostname => {
                SrvTarget::Service(shared.texts.intern(service))
            }
            (Mode::Ip | Mode::Dns | Mode::Hostname, _) => SrvTarget::Pod,
            (Mode::Peer, _) => SrvTarget::Peer,
        }
    }

    fn host(self, namespace: &str, target: &SrvTarget, shared: &mut Shared) -> NodeHost {
        let Options { cluster_domain, zone, .. } = self.options;
        let SetKey { namespace: of_set, name: set } = self.set;
        let mut tail = |text: String| shared.texts.intern(text.as_str());
        match target {
            SrvTarget::Pod if self.naming.mode == Mode::Ip => NodeHost::Address,
            SrvTarget::Pod => NodeHost::Dashed(tail(format!(".{namespace}.pod.{cluster_domain}"))),
            SrvTarget::Peer => NodeHost::Label(tail(format!(".{set}.{of_set}.svc.{zone}"))),
            // The address's namespace, as libcluster has it.
            SrvTarget::Service(service) => {
                NodeHost::Hostname(tail(format!(".{service}.{namespace}.svc.{cluster_domain}")))
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
