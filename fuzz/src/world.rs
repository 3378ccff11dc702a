//! What the targets answer from: peers of every kind, and settings of answers.

use rosterd::answer::{
    AccessList, AccessRule, Client, Context, Cookies, Network, Outcome, Policy, RateLimiter, Scratch,
    Transport, answer,
};
use rosterd::roster::{
    Change, Event, EventKind, Gives, Mode, Options, Roster, Scope, SrvHost, Topology, WatchId,
};
use rosterd::source::manifest::parse;
use rosterd::wire::CookieSecret;
use rosterd::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::fmt::Write as _;
use std::sync::Arc;

/// Unix time at which all is answered.
pub const NOW: u32 = 1_700_000_000;

/// The program's defaults.
pub fn zones(pods: PodNames) -> ZoneConfig {
    let name = |text: &str| text.parse().expect("a name");
    ZoneConfig {
        zone: name("peers.cluster.local"),
        cluster_domain: name("cluster.local"),
        pods,
        reverse_zones: ["10.in-addr.arpa", "0.0.d.f.ip6.arpa"].map(name).into(),
        advertise: ["192.0.2.53", "2001:db8::53"].map(|text| text.parse().expect("an address")).into(),
        nameserver: None,
        hostmaster: None,
        ttl: None,
        negative_ttl: 5,
    }
}

/// Every Service a set, but for those labelled `app=db`, which are one in each namespace.
pub fn options() -> Options {
    let gathered = Topology {
        name: Some("gathered".into()),
        selector: "app=db".parse().expect("a selector"),
        mode: Mode::Peer,
        srv_host: SrvHost::Peer,
        ..Topology::every_service()
    };
    Options {
        cluster_domain: "cluster.local".into(),
        zone: "peers.cluster.local".into(),
        label_settings: true,
        topologies: vec![gathered, Topology::every_service()],
    }
}

/// What a manifest serves: `default` is complete, `stale` has lost its origin, `waiting` never had one.
pub fn snapshot(pods: PodNames, manifest: &str, broken: bool) -> Arc<Snapshot> {
    let mut roster = Roster::new(options());
    let mut tell = |watch, kind| roster.handle(Event { watch: WatchId(watch), revision: Some(7), kind });
    let namespaces = ["default", "stale", "waiting"];
    for (watch, namespace) in (0..).zip(namespaces) {
        tell(watch, EventKind::Started(Scope::Namespace(namespace.into()), Gives::Peers));
    }
    for object in parse("world", manifest.as_bytes()).expect("a manifest").objects {
        let watch = namespaces.iter().position(|name| **name == *object.key.namespace).expect("its watch");
        let watch = u32::try_from(watch).expect("three");
        let is_broken = broken && &*object.key.name == "broken";
        let kind = if is_broken { EventKind::Broken } else { EventKind::Apply };
        tell(watch, kind(Box::new(object)));
    }
    tell(0, EventKind::Synced);
    tell(1, EventKind::Synced);
    tell(1, EventKind::Unreachable);
    let mut writer = SnapshotWriter::new(zones(pods)).expect("zones");
    publish(&mut writer, &roster.take_changes(), 7)
}

/// Applies changes and publishes.
pub fn publish(writer: &mut SnapshotWriter, changes: &[Change], revision: u64) -> Arc<Snapshot> {
    for change in changes {
        writer.apply(change);
    }
    writer.publish(Some(revision)).unwrap_or_else(|| writer.current())
}

/// Objects of all kinds: small and large sets, both families, names of hosts and ports, one that is broken.
pub fn manifest() -> String {
    let mut text = String::new();
    let mut object = |name: &str, namespace: &str, labels: &str, ports: &str, addresses: &str| {
        write!(
            text,
            "---\napiVersion: v1\nkind: Endpoints\nmetadata: {{name: {name}, namespace: {namespace}, labels: \
             {{{labels}}}}}\nsubsets: [{{ports: [{ports}], addresses: [{addresses}]}}]\n"
        )
        .expect("memory");
    };
    let http = "{name: http, port: 80, protocol: TCP}";
    let many = |count: u32, net: u32| {
        let mut list = String::new();
        for peer in 0..count {
            write!(list, "{{ip: 10.{net}.{}.{}}}, ", peer / 250, peer % 250).expect("memory");
        }
        list
    };
    let pods = "{ip: 10.0.0.1, hostname: web-0, targetRef: {kind: Pod, name: a, namespace: default, uid: a}}, \
                {ip: \"fd00::1\", targetRef: {kind: Pod, name: a, namespace: default, uid: a}}, {ip: 10.0.0.2}";
    object("web", "default", "app: web", http, pods);
    object("thirty", "default", "app: thirty", http, &many(30, 1));
    object("large", "default", "app: large, rosterd.io/ttl: '30'", http, &many(300, 2));
    object("huge", "default", "app: huge, rosterd.io/mode: peer", http, &many(2000, 3));
    object(
        "one",
        "default",
        "app: db",
        "{name: epmd, port: 4369}",
        "{ip: 10.4.0.1}, {ip: 10.4.0.2, hostname: h}",
    );
    object("two", "default", "app: db", "", "{ip: 10.4.0.3}, {ip: \"fd00::4\"}");
    object("empty", "default", "app: empty", http, "");
    object("broken", "default", "app: broken", http, "");
    object("old", "stale", "app: old", http, "{ip: 10.5.0.1}");
    object("new", "waiting", "app: new", http, "{ip: 10.6.0.1}");
    text
}

/// Settings of answers: those that hold where nothing is set, all that there are, and the strictest.
pub fn policies() -> [Policy; 3] {
    let secret = |octet| CookieSecret::new([octet; 16]);
    let network = |address: &str, length| Network::new(address.parse().expect("an address"), length);
    let everything = Policy {
        udp_max: 4096,
        recursion_available: true,
        cookies: Some(Cookies::new(secret(1), vec![secret(2)], false)),
        nsid: (0..128).collect(),
        identity: Some([b'i'; 255].into()),
        version: Some(b"1"[..].into()),
        ..Policy::default()
    };
    let deny = AccessRule {
        allow: false,
        clients: vec![network("192.0.2.0", 24)],
        zones: vec!["web.default.svc.peers.cluster.local".parse().expect("a name")],
        transports: Vec::new(),
    };
    let strict = Policy {
        udp_max: 512,
        cookies: Some(Cookies::new(secret(1), Vec::new(), true)),
        access: AccessList::new(vec![deny]),
        ..everything.clone()
    };
    [Policy::default(), everything, strict]
}

/// Answers into a buffer that is as large as the transport's limit, or `out`, and holds whatever it held before.
#[expect(clippy::too_many_arguments, reason = "those of `answer`, and the buffer")]
pub fn ask<'a>(
    query: &[u8],
    client: &Client,
    rotation: u32,
    snapshot: &Snapshot,
    policy: &Policy,
    limiter: Option<&RateLimiter>,
    scratch: &mut Scratch,
    out: &'a mut [u8],
) -> Option<&'a [u8]> {
    let room = match client.transport {
        Transport::Udp => usize::from(policy.udp_max),
        Transport::Tcp => out.len(),
    };
    let context = Context { snapshot, policy, limiter, now: NOW };
    match answer(query, client, rotation, &context, scratch, &mut out[..room]) {
        Outcome::Reply(length) => Some(&out[..length]),
        Outcome::Drop | Outcome::Transfer => None,
    }
}
