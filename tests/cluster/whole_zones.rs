//! Two replicas with equal settings on one watched resource give whole zones that are equal, octet for octet, at equal
//! serials: the zone of peers, that of pods and a reverse zone.
//!
//! They watch a namespace that nobody else touches and whose slices no controller writes, so that each change is one
//! revision, and every zone has its serial in the end.

use crate::client::{Transport, ask, serial};
use crate::control_plane::ControlPlane;
use crate::rosterd::Rosterd;
use crate::wait::wait_until_equal;
use crate::workload::Namespace;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::BinEncodable as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const NAME: &str = "whole-zones";

const SETTINGS: &str = "pods = 'verified'\nreverse_zones = ['10.in-addr.arpa']\n\
    [[topologies]]\nnamespaces = ['whole-zones']\n\
    [[transfer.secondaries]]\nclients = ['127.0.0.1']\n\
    [admin]\nlisten = []\napi = []\n[server]\nadvertise = ['192.0.2.53']";

const ZONES: [&str; 3] = ["peers.cluster.local.", "pod.cluster.local.", "10.in-addr.arpa."];

/// Slices, changed one after the other.
const SLICES: usize = 4;

/// Changes, and how many of them come without a pause.
const CHANGES: usize = 300;
const AT_ONCE: usize = 10;

/// All records of a zone in wire format, the SOA among them, by the zone's place and serial.
type Contents = BTreeMap<(usize, u32), BTreeSet<Vec<u8>>>;

/// A zone by AXFR (RFC 5936): "The first and the last message must contain the SOA".
fn transfer(server: SocketAddr, zone: &str) -> (u32, BTreeSet<Vec<u8>>) {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(zone).expect("a name"), RecordType::AXFR));
    let query = query.to_vec().expect("a query");
    let length = u16::try_from(query.len()).expect("a short query");
    let mut stream = TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(crate::rosterd::PATIENCE)).expect("a timeout");
    stream.write_all(&[&length.to_be_bytes(), &query[..]].concat()).expect("a sent query");
    let (mut serials, mut records) = (Vec::new(), BTreeSet::new());
    while serials.len() < 2 {
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a length");
        let mut octets = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut octets).expect("a message");
        let message = Message::from_vec(&octets).expect("a message");
        assert_eq!(message.response_code, ResponseCode::NoError, "{zone}");
        for record in &message.answers {
            if let RData::SOA(soa) = &record.data {
                serials.push(soa.serial);
            }
            records.insert(record.to_bytes().expect("octets of a record"));
        }
    }
    let [first, last] = serials[..] else { panic!("two SOAs: {serials:?}") };
    assert_eq!(first, last, "one serial in one transfer of {zone}");
    (first, records)
}

/// Takes down what a server has now. No serial ever has two contents.
fn take_down(contents: &mut Contents, server: SocketAddr) {
    for (place, zone) in ZONES.iter().enumerate() {
        let (serial, records) = transfer(server, zone);
        let former = contents.insert((place, serial), records.clone());
        assert!(former.is_none_or(|former| former == records), "two contents of {zone} at serial {serial}");
    }
}

/// A slice of three, with addresses that no other change has: every zone changes with it.
fn slice(index: usize, change: usize) -> Value {
    let endpoint = |pod: usize| {
        json!({
            "addresses": [format!("10.{}.{}.{}", pod + 1, change / 250, change % 250 + 1)],
            "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "namespace": NAME, "name": format!("s{index}-{pod}")},
        })
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": format!("s{index}"), "labels": {"kubernetes.io/service-name": format!("s{index}")}},
        "addressType": "IPv4",
        "endpoints": [endpoint(0), endpoint(1), endpoint(2)],
        "ports": [{"name": "epmd", "protocol": "TCP", "port": 4369}],
    })
}

/// The serial that a zone has after a change: the low 32 bits of its revision.
fn revision(object: &Value) -> u32 {
    let text = object["metadata"]["resourceVersion"].as_str().expect("a revision");
    // Revisions of a test are far below 2^31.
    text.parse().expect("a small number")
}

/// A replica that serves every slice.
fn started(kubeconfig: &Path) -> Rosterd {
    let server = Rosterd::watch(kubeconfig, SETTINGS);
    for index in 0..SLICES {
        let set = format!("s{index}.{NAME}.svc.peers.cluster.local.");
        wait_until_equal("a full set", &3, || {
            ask(server.ipv4(), Transport::Udp, &set, "TXT", None).answers.len()
        });
    }
    server
}

#[test]
fn replicas_have_equal_zones_at_equal_serials() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig_with(NAME, &["endpointslices.yaml"]);
    let namespace = Namespace { api: &plane.api, name: NAME };
    for index in 0..SLICES {
        namespace.api.create(&namespace.collection("endpointslices"), &slice(index, index));
    }
    // They start at different times, as replicas do.
    let one = started(&kubeconfig);
    let other = started(&kubeconfig);
    let servers = [&one, &other].map(Rosterd::ipv4);

    let stop = AtomicBool::new(false);
    let (mut settled, collected) = std::thread::scope(|scope| {
        let clients = servers.map(|server| {
            let stop = &stop;
            scope.spawn(move || {
                let mut contents = Contents::new();
                while !stop.load(Ordering::Relaxed) {
                    take_down(&mut contents, server);
                }
                contents
            })
        });
        // Clients end, whatever becomes of the changes.
        let stopping = StopOnDrop(&stop);
        let mut settled = [Contents::new(), Contents::new()];
        for change in SLICES..SLICES + CHANGES {
            let index = change % SLICES;
            let changed = slice(index, change);
            let path = namespace.path("endpointslices", &format!("s{index}"));
            let revision = revision(&namespace.api.patch(&path, &changed));
            if change % AT_ONCE == 0 {
                for (server, contents) in servers.iter().zip(&mut settled) {
                    for zone in ZONES {
                        wait_until_equal("the serial of the revision", &revision, || serial(*server, zone));
                    }
                    take_down(contents, *server);
                }
            }
        }
        drop(stopping);
        (settled, clients.map(|client| client.join().expect("a client")))
    });
    // What clients saw meanwhile, and what both had at rest, are of one replica each.
    for (contents, seen) in settled.iter_mut().zip(collected) {
        for (key, records) in seen {
            let former = contents.insert(key, records.clone());
            assert!(former.is_none_or(|former| former == records), "two contents at {key:?}");
        }
    }
    let [first, second] = &settled;
    let both: Vec<_> =
        first.iter().filter_map(|(key, records)| Some((key, records, second.get(key)?))).collect();
    for (key, one, other) in &both {
        assert_eq!(one, other, "{key:?}");
        assert!(one.len() > SLICES, "more than apexes: {key:?}");
    }
    assert!(both.len() >= ZONES.len() * (CHANGES / AT_ONCE), "serials that both had: {}", both.len());
}

/// Tells clients to end.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
