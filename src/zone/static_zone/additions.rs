//! Where records of files may stand in zones that are made from peers.

use super::super::snapshot::ZoneTree;
use crate::wire::{Name, QueryName, RecordType};
use crate::zone::master::Cause;

/// Labels right below the apex of the peer zone whose names are made from peers; `pod` is kept from being mistaken.
const RESERVED: [&[u8]; 4] = [b"svc", b"pod", b"dns", b"dns-version"];

/// Whether names at and below this label, right below the apex of the peer zone, are no matter of files.
pub(in crate::zone) fn is_reserved(label: &[u8]) -> bool {
    RESERVED.contains(&label)
}

/// Why a record may not stand in a generated zone; `None` where it may.
pub(super) fn conflict(tree: ZoneTree, origin: &Name, owner: &Name, rtype: RecordType) -> Option<Cause> {
    if tree == ZoneTree::Static {
        return None;
    }
    let hides = || Some(Cause::HidesGenerated { owner: owner.clone(), rtype });
    let turns_off = matches!(rtype, RecordType::CNAME | RecordType::DNAME | RecordType::NS);
    if owner == origin {
        return if turns_off { hides() } else { None };
    }
    match tree {
        ZoneTree::Static => None,
        ZoneTree::Peers => {
            let below = owner.labels().count().checked_sub(origin.labels().count() + 1)?;
            let top = owner.labels().nth(below)?;
            is_reserved(top).then(|| Cause::GeneratedName(owner.clone()))
        }
        // Any label may be that of a namespace.
        ZoneTree::Pods => Some(Cause::GeneratedName(owner.clone())),
        ZoneTree::Reverse(tree, _) => {
            let covers = |name: &Name| {
                let mut query = QueryName::new();
                query.read(name.as_wire(), 0).ok()?;
                tree.covered(&query)
            };
            let mut labels = owner.labels();
            if labels.next() == Some(b"*") {
                let parent = Name::below(labels, &Name::root()).ok()?;
                let more = covers(&parent).is_some_and(|covered| covered.address().is_none());
                return if more { hides() } else { None };
            }
            if turns_off && covers(owner).is_some() { hides() } else { None }
        }
    }
}

/// The generated zone of this apex.
pub(in crate::zone) fn generated_zone<'a>(
    mut zones: impl Iterator<Item = (&'a Name, ZoneTree)>,
    origin: &Name,
) -> Option<ZoneTree> {
    zones.find(|(apex, _)| *apex == origin).map(|(_, tree)| tree)
}

#[cfg(test)]
mod tests {
    use super::super::super::arpa;
    use super::*;

    #[test]
    fn generated_names_are_kept_free() {
        let reverse = |text: &str| {
            let tree = arpa::Tree::of(&text.parse().unwrap()).unwrap();
            let mut query = QueryName::new();
            query.read(text.parse::<Name>().unwrap().as_wire(), 0).unwrap();
            ZoneTree::Reverse(tree, tree.covered(&query).unwrap())
        };
        for (tree, origin, owner, rtype, fine) in [
            (ZoneTree::Peers, "p.x", "p.x", RecordType::TXT, true),
            (ZoneTree::Peers, "p.x", "p.x", RecordType::NS, false),
            (ZoneTree::Peers, "p.x", "p.x", RecordType::DNAME, false),
            (ZoneTree::Peers, "p.x", "p.x", RecordType::CNAME, false),
            (ZoneTree::Peers, "p.x", "db.p.x", RecordType::CNAME, true),
            (ZoneTree::Peers, "p.x", "a.db.p.x", RecordType::NS, true),
            (ZoneTree::Peers, "p.x", "*.p.x", RecordType::A, true),
            (ZoneTree::Peers, "p.x", "svc.p.x", RecordType::A, false),
            (ZoneTree::Peers, "p.x", "a.b.svc.p.x", RecordType::A, false),
            (ZoneTree::Peers, "p.x", "svc.a.p.x", RecordType::A, true),
            (ZoneTree::Peers, "p.x", "ns.dns.p.x", RecordType::A, false),
            (ZoneTree::Peers, "p.x", "dns-version.p.x", RecordType::TXT, false),
            (ZoneTree::Pods, "pod.x", "pod.x", RecordType::TXT, true),
            (ZoneTree::Pods, "pod.x", "default.pod.x", RecordType::TXT, false),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "10.in-addr.arpa", RecordType::TXT, true),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "1.0.0.10.in-addr.arpa", RecordType::PTR, true),
            (
                reverse("10.in-addr.arpa"),
                "10.in-addr.arpa",
                "1.0.0.10.in-addr.arpa",
                RecordType::CNAME,
                false,
            ),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "0.10.in-addr.arpa", RecordType::NS, false),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "0/25.0.10.in-addr.arpa", RecordType::NS, true),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "*.0.10.in-addr.arpa", RecordType::PTR, false),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "*.x.10.in-addr.arpa", RecordType::PTR, true),
            (reverse("10.in-addr.arpa"), "10.in-addr.arpa", "*.1.0.0.10.in-addr.arpa", RecordType::TXT, true),
            (reverse("d.f.ip6.arpa"), "d.f.ip6.arpa", "1.d.f.ip6.arpa", RecordType::DNAME, false),
        ] {
            let found = conflict(tree, &origin.parse().unwrap(), &owner.parse().unwrap(), rtype);
            assert_eq!(found.is_none(), fine, "{owner} {rtype}: {found:?}");
        }
    }
}
