//! What can be told, and what may be old.

use super::super::{Found, PodNames, Snapshot, SnapshotWriter};
use super::world::{add_peer, ask, config, epmd, key, myapp, peer, settings, writer};
use crate::roster::{Change, Protocol, SetKey, SrvTarget, Standing, Standings};
use crate::wire::{Name, QueryName, RecordType};

const READY: Standing = Standing::COMPLETE;
const WAITS: Standing = Standing { ready: false, stale: false };
const STALE: Standing = Standing { ready: true, stale: true };

/// `old`, `fresh`, or what is told instead.
fn age(snapshot: &Snapshot, name: &str, rtype: RecordType) -> &'static str {
    let mut query = QueryName::new();
    query.read(name.parse::<Name>().unwrap().as_wire(), 0).unwrap();
    let stale = match snapshot.zone_of(&query, rtype).unwrap().find(&query, rtype) {
        Found::Node(node) => node.is_stale(),
        Found::NxDomain { stale } => stale,
        Found::NotReady => return "not ready",
        Found::Broken => return "broken",
    };
    if stale { "old" } else { "fresh" }
}

fn of_other(known: Standings) -> Change {
    Change::Namespace { namespace: "other".into(), known }
}

#[test]
fn sets_and_addresses_wait_apart() {
    use RecordType as T;
    let mut writer = myapp();
    let waiting = Standings { sets: READY, addresses: WAITS };
    writer.apply(&of_other(waiting));
    let one = writer.publish(Some(1)).unwrap();
    writer.apply(&of_other(Standings::COMPLETE));
    writer.apply(&Change::All { known: waiting, everywhere: WAITS });
    let all = writer.publish(Some(1)).unwrap();
    for (name, rtype, expected) in [
        ("myapp.default.svc.peers.cluster.local", T::AAAA, ["5 fd00::9"; 2]),
        ("none.other.svc.peers.cluster.local", T::A, ["NXDOMAIN"; 2]),
        ("10-0-0-9.default.pod.cluster.local", T::A, ["5 10.0.0.9", "not ready"]),
        ("10-0-0-9.other.pod.cluster.local", T::A, ["not ready"; 2]),
        ("default.pod.cluster.local", T::A, ["NODATA"; 2]),
        ("other.pod.cluster.local", T::A, ["not ready"; 2]),
        ("third.pod.cluster.local", T::A, ["NXDOMAIN", "not ready"]),
        ("8.0.0.10.in-addr.arpa", T::PTR, ["NXDOMAIN", "not ready"]),
    ] {
        assert_eq!([&one, &all].map(|snapshot| ask(snapshot, name, rtype)), expected, "{name} {rtype}");
    }
}

#[test]
fn names_are_old_where_their_watches_lost_their_origin() {
    use RecordType as T;
    let publish = |changes: &[Change]| {
        let mut writer = myapp();
        for change in changes {
            writer.apply(change);
        }
        writer.publish(Some(1)).unwrap()
    };
    let old = Standings { sets: STALE, addresses: STALE };
    let old_addresses = Standings { sets: READY, addresses: STALE };
    let all = |known, everywhere| Change::All { known, everywhere };
    // Everything; the namespace `other`; addresses everywhere; a namespace whose watch never had a list.
    let snapshots = [
        publish(&[all(old, STALE)]),
        publish(&[of_other(old), all(Standings::COMPLETE, STALE)]),
        publish(&[all(old_addresses, STALE)]),
        publish(&[of_other(Standings::default()), all(Standings::COMPLETE, WAITS)]),
    ];
    let never = ["fresh"; 4];
    let of_sets = ["old", "fresh", "fresh", "fresh"];
    let of_pods = ["old", "fresh", "old", "fresh"];
    for (name, rtype, expected) in [
        ("myapp.default.svc.peers.cluster.local", T::A, of_sets),
        ("myapp.default.svc.peers.cluster.local", T::MX, of_sets),
        ("_dns._udp.myapp.default.svc.peers.cluster.local", T::SRV, of_sets),
        ("10-0-0-2.myapp.default.svc.peers.cluster.local", T::A, of_sets),
        ("none.default.svc.peers.cluster.local", T::A, of_sets),
        ("default.svc.peers.cluster.local", T::A, of_sets),
        ("none.other.svc.peers.cluster.local", T::A, ["old", "old", "fresh", "not ready"]),
        ("other.svc.peers.cluster.local", T::A, ["old", "old", "fresh", "not ready"]),
        ("10-0-0-9.default.pod.cluster.local", T::A, of_pods),
        ("10-9-9-9.default.pod.cluster.local", T::A, of_pods),
        ("default.pod.cluster.local", T::A, of_pods),
        ("other.pod.cluster.local", T::A, ["old", "old", "old", "not ready"]),
        ("blah.default.pod.cluster.local", T::A, never),
        ("a.10-0-0-9.default.pod.cluster.local", T::A, never),
        ("9.0.0.10.in-addr.arpa", T::PTR, ["old", "old", "old", "fresh"]),
        ("0.10.in-addr.arpa", T::PTR, ["old", "old", "old", "fresh"]),
        ("8.0.0.10.in-addr.arpa", T::PTR, ["old", "old", "old", "not ready"]),
        ("x.10.in-addr.arpa", T::PTR, never),
        ("peers.cluster.local", T::SOA, never),
        ("pod.cluster.local", T::A, never),
        ("10.in-addr.arpa", T::PTR, never),
        ("svc.peers.cluster.local", T::A, never),
        ("dns.peers.cluster.local", T::A, never),
        ("ns.dns.peers.cluster.local", T::A, never),
        ("dns-version.peers.cluster.local", T::TXT, never),
        ("foo.peers.cluster.local", T::A, never),
    ] {
        let found = snapshots.each_ref().map(|snapshot| age(snapshot, name, rtype));
        assert_eq!(found, expected, "{name} {rtype}");
    }
}

#[test]
fn insecure_pod_names_are_as_old_as_their_node_names() {
    let mut config = config();
    config.pods = PodNames::Insecure;
    let mut writer = writer(config);
    writer.apply(&Change::All { known: Standings { sets: STALE, addresses: STALE }, everywhere: STALE });
    writer.apply(&Change::Unparsed { namespace: "default".into(), any: true });
    let snapshot = writer.publish(Some(1)).unwrap();
    for (name, rtype, expected) in [
        ("172-0-0-2.default.pod.cluster.local", RecordType::A, "fresh"),
        ("172-0-0-2.default.pod.cluster.local", RecordType::TXT, "old"),
        ("default.pod.cluster.local", RecordType::A, "fresh"),
    ] {
        assert_eq!(age(&snapshot, name, rtype), expected, "{name} {rtype}");
    }
}

/// Whatever watches say, a name above a zone that is served exists.
#[test]
fn a_name_above_a_zone_is_never_old_and_never_refused() {
    let mut config = config();
    config.reverse_zones =
        ["10.in-addr.arpa", "5.77.10.in-addr.arpa"].map(|name| name.parse().unwrap()).into();
    let name = "77.10.in-addr.arpa";
    let mut writer = SnapshotWriter::new(config).unwrap();
    assert_eq!(age(&writer.publish(Some(1)).unwrap(), name, RecordType::PTR), "fresh");
    writer.apply(&Change::All { known: Standings::COMPLETE, everywhere: STALE });
    assert_eq!(age(&writer.publish(Some(1)).unwrap(), name, RecordType::PTR), "fresh");
    writer.apply(&Change::Unparsed { namespace: "default".into(), any: true });
    assert_eq!(age(&writer.publish(Some(1)).unwrap(), name, RecordType::PTR), "fresh");
}

#[test]
fn what_an_object_that_never_parsed_could_hold_is_neither_told_nor_denied() {
    use RecordType as T;
    let refuse = |name: &str, namespace: &str, refused| Change::Refused {
        set: SetKey { namespace: namespace.into(), name: name.into() },
        refused,
    };
    let unparsed = |namespace: &str, any| Change::Unparsed { namespace: namespace.into(), any };
    let mut writer = myapp();
    let good = writer.publish(Some(1_000)).unwrap();
    for change in [
        refuse("myapp", "default", true),
        unparsed("default", true),
        refuse("new", "other", true),
        unparsed("other", true),
    ] {
        writer.apply(&change);
    }
    let broken = writer.publish(Some(1_001)).unwrap();
    // The namespace goes on having an object that never parsed, but of no set.
    writer.apply(&refuse("myapp", "default", false));
    writer.apply(&refuse("new", "other", false));
    writer.apply(&unparsed("default", false));
    let healed = writer.publish(Some(1_002)).unwrap();
    let below = "broken";
    for (name, rtype, expected) in [
        ("myapp.default.svc.peers.cluster.local", T::AAAA, ["5 fd00::9", below, "5 fd00::9"]),
        ("myapp.default.svc.peers.cluster.local", T::MX, ["NODATA", below, "NODATA"]),
        ("_udp.myapp.default.svc.peers.cluster.local", T::SRV, ["NODATA", below, "NODATA"]),
        ("_0._of1.myapp.default.svc.peers.cluster.local", T::AAAA, ["5 fd00::9", below, "5 fd00::9"]),
        ("web-0.myapp.default.svc.peers.cluster.local", T::A, ["5 10.0.0.9", below, "5 10.0.0.9"]),
        ("bogus.myapp.default.svc.peers.cluster.local", T::A, ["NXDOMAIN", below, "NXDOMAIN"]),
        ("a.b.c.myapp.default.svc.peers.cluster.local", T::A, ["NXDOMAIN", below, "NXDOMAIN"]),
        ("empty.default.svc.peers.cluster.local", T::A, ["NODATA"; 3]),
        ("none.default.svc.peers.cluster.local", T::A, ["NXDOMAIN"; 3]),
        ("default.svc.peers.cluster.local", T::A, ["NODATA"; 3]),
        ("new.other.svc.peers.cluster.local", T::A, ["NXDOMAIN", below, "NXDOMAIN"]),
        ("a.new.other.svc.peers.cluster.local", T::A, ["NXDOMAIN", below, "NXDOMAIN"]),
        ("other.svc.peers.cluster.local", T::A, ["NXDOMAIN", "NODATA", "NXDOMAIN"]),
        ("10-0-0-9.default.pod.cluster.local", T::TXT, ["5 \"myapp@web-0\""; 3]),
        ("10-0-0-3.default.pod.cluster.local", T::A, ["NXDOMAIN", below, "NXDOMAIN"]),
        ("default.pod.cluster.local", T::A, ["NODATA"; 3]),
        ("other.pod.cluster.local", T::A, ["NXDOMAIN", below, below]),
        ("10-0-0-9.other.pod.cluster.local", T::A, ["NXDOMAIN", below, below]),
        ("blah.other.pod.cluster.local", T::A, ["NXDOMAIN"; 3]),
        ("third.pod.cluster.local", T::A, ["NXDOMAIN"; 3]),
        ("9.0.0.10.in-addr.arpa", T::PTR, ["5 10-0-0-9.default.pod.cluster.local."; 3]),
        ("8.0.0.10.in-addr.arpa", T::PTR, ["NXDOMAIN", below, below]),
        ("1.10.in-addr.arpa", T::PTR, ["NXDOMAIN", below, below]),
        ("x.10.in-addr.arpa", T::PTR, ["NXDOMAIN"; 3]),
    ] {
        let found = [&good, &broken, &healed].map(|snapshot| ask(snapshot, name, rtype));
        assert_eq!(found, expected, "{name} {rtype}");
    }
}

/// Other servers load them: part of a set would be all of it there.
#[test]
fn master_files_leave_refused_sets_out() {
    let text = |writer: &mut SnapshotWriter| {
        let snapshot = writer.publish(Some(7)).unwrap();
        let (_, text) =
            snapshot.master_files().find(|(apex, _)| apex.to_string() == "peers.cluster.local.").unwrap();
        text
    };
    let mut writer = writer(config());
    writer.apply(&Change::Set(key("myapp"), settings(&[("epmd", Protocol::Tcp)])));
    add_peer(&mut writer, "myapp", &peer(&["10.0.0.2"], None, SrvTarget::Peer, &[epmd()]));
    let before = text(&mut writer);
    assert!(before.contains("\tTXT\t\"myapp@10-0-0-2\""), "{before}");
    for name in ["myapp", "new"] {
        writer.apply(&Change::Refused { set: key(name), refused: true });
        writer.apply(&Change::Unparsed { namespace: "default".into(), any: true });
    }
    let refused = text(&mut writer);
    let lines: Vec<&str> = refused.lines().filter(|line| line.contains(".default.")).collect();
    let expected = ["myapp", "new"].map(|name| {
        format!(
            "; {name}.default.svc.peers.cluster.local. is refused: an object that belongs to it never parsed"
        )
    });
    assert_eq!(lines, expected);
    assert!(refused.contains(" 8 30 5 604800 5"), "what is served changed: {refused}");
}
