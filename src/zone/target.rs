//! Names that records point at, in wire form.

use crate::roster::{Peer, SetKey, SrvTarget, dashed};
use crate::wire::Name;
use std::net::IpAddr;

/// The domains below which targets lie.
#[derive(Debug, Clone)]
pub(super) struct Domains {
    /// The peer zone.
    pub(super) zone: Name,
    /// The cluster's own domain.
    pub(super) cluster: Name,
}

impl Domains {
    /// `<ip-dashes>.<ns>.pod.<cluster domain>`. `None` where that is too long for a name.
    pub(super) fn pod(&self, address: IpAddr, namespace: &str) -> Option<Name> {
        self.below_cluster([dashed(address).as_str(), namespace, "pod"])
    }

    /// `<set>.<ns>.svc.<zone>`.
    pub(super) fn set(&self, set: &SetKey) -> Option<Name> {
        below([&*set.name, &*set.namespace, "svc"], &self.zone)
    }

    /// `<label>.<set>.<ns>.svc.<zone>`.
    pub(super) fn host(&self, label: &str, set: &SetKey) -> Option<Name> {
        below([label, &*set.name, &*set.namespace, "svc"], &self.zone)
    }

    /// What the SRV records of a peer point at.
    pub(super) fn srv_target(&self, peer: &Peer, set: &SetKey) -> Option<Name> {
        let namespace = &peer.shape().namespace;
        match &peer.shape().target {
            SrvTarget::Pod => self.pod(peer.primary(), namespace),
            SrvTarget::Peer => match peer.hostname() {
                Some(hostname) => self.host(hostname, set),
                None => self.host(&dashed(peer.primary()), set),
            },
            SrvTarget::Service(service) => {
                self.below_cluster([peer.given_hostname()?, service, namespace, "svc"])
            }
        }
    }

    fn below_cluster<const N: usize>(&self, labels: [&str; N]) -> Option<Name> {
        below(labels, &self.cluster)
    }
}

fn below<const N: usize>(labels: [&str; N], origin: &Name) -> Option<Name> {
    Name::below(labels.iter().map(|label| label.as_bytes()), origin).ok()
}
