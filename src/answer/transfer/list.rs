//! Who may fetch which zones.

use super::Refusals;
use crate::answer::access::Network;
use crate::wire::{Name, TsigKey};
use std::net::IpAddr;
use std::sync::Arc;

/// Rules, any of which lets a client fetch a zone. Without one, nobody may fetch anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferList {
    rules: Vec<TransferRule>,
    refusals: Arc<Refusals>,
}

/// Who may fetch what. A rule with neither addresses nor a key lets nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRule {
    /// Networks of clients; empty: any, with the key.
    pub clients: Vec<Network>,
    /// The key that requests must be signed with; none: any, or none.
    pub key: Option<Name>,
    /// Apexes; empty: all zones.
    pub zones: Vec<Name>,
    /// Whether a request for what has changed is answered with that. A secondary that has other primaries beside this
    /// server may hold a serial that meant something else there; it is given the whole zone.
    pub incremental: bool,
}

impl TransferList {
    /// A list of these rules.
    pub fn new(rules: Vec<TransferRule>) -> TransferList {
        TransferList { rules, refusals: Arc::default() }
    }

    /// Who was turned away.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Whether nobody may fetch anything.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that lets a client fetch the zone. `key` is the one that the request was signed with.
    pub(super) fn rule(&self, client: IpAddr, key: Option<&TsigKey>, apex: &Name) -> Option<&TransferRule> {
        self.rules.iter().find(|rule| rule.fits(client, key, apex))
    }
}

impl TransferRule {
    fn fits(&self, client: IpAddr, key: Option<&TsigKey>, apex: &Name) -> bool {
        let of_network =
            self.clients.is_empty() || self.clients.iter().any(|network| network.contains(client));
        let of_key = match &self.key {
            Some(own) => key.is_some_and(|key| key.name() == own),
            None => !self.clients.is_empty(),
        };
        of_network && of_key && (self.zones.is_empty() || self.zones.contains(apex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TsigAlgorithm;

    #[test]
    fn rules_want_address_and_key_and_zone() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let key = |text| TsigKey::new(name(text), TsigAlgorithm::Sha256, Box::default());
        let networks = || vec![Network::new([192, 0, 2, 0].into(), 24)];
        let rule = |clients: Vec<Network>, key: Option<&str>, zones: &[&str]| TransferRule {
            clients,
            key: key.map(name),
            zones: zones.iter().map(|zone| name(zone)).collect(),
            incremental: true,
        };
        let (near, far) = (IpAddr::from([192, 0, 2, 7]), IpAddr::from([198, 51, 100, 7]));
        for (rule, client, signed_by, fits) in [
            (rule(networks(), None, &[]), near, None, true),
            (rule(networks(), None, &[]), near, Some("any"), true),
            (rule(networks(), None, &[]), far, None, false),
            (rule(vec![], Some("k"), &[]), far, Some("k"), true),
            (rule(vec![], Some("k"), &[]), far, Some("other"), false),
            (rule(vec![], Some("k"), &[]), far, None, false),
            (rule(networks(), Some("k"), &[]), near, Some("k"), true),
            (rule(networks(), Some("k"), &[]), near, None, false),
            (rule(networks(), Some("k"), &[]), far, Some("k"), false),
            (rule(networks(), None, &["z"]), near, None, true),
            (rule(networks(), None, &["other", "z"]), near, None, true),
            (rule(networks(), None, &["a.z"]), near, None, false),
            (rule(vec![], None, &[]), near, Some("k"), false),
        ] {
            let list = TransferList::new(vec![rule]);
            let key = signed_by.map(key);
            assert_eq!(
                list.rule(client, key.as_ref(), &name("z")).is_some(),
                fits,
                "{list:?} {client} {signed_by:?}"
            );
        }
        assert_eq!(TransferList::default().rule(near, None, &name("z")), None);
    }
}
