//! Two replicas with equal settings on one API server say the same at the same serial, while everything changes; one that
//! falls behind can be told by its metrics.

use crate::client::{Transport, ask, exchange, serial};
use crate::control_plane::ControlPlane;
use crate::query::Query;
use crate::relay::Relay;
use crate::rights::shipped_account;
use crate::rosterd::Rosterd;
use crate::wait::{wait_for, wait_until_equal};
use crate::workload::Namespace;
use hickory_proto::op::{Edns, Message};
use hickory_proto::rr::rdata::opt::EdnsCode;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

/// Settings that replicas of one Deployment have; `advertise` too, since it is in their zones.
const SETTINGS: &str = "[admin]\nlisten = ['127.0.0.1:0']\napi = []\n[server]\nadvertise = ['192.0.2.53']";

const ZONE: &str = "peers.cluster.local.";

/// Services of the test, and the Pods of each.
const SERVICES: usize = 4;
const PODS: usize = 3;

/// Types of the records of a set (RFC 1035 3.2.2, 3596, 2782), whose order does not change with each answer.
const TYPES: [u16; 2] = [16, 33];

/// ZONEVERSION (RFC 9660).
const ZONE_VERSION: u16 = 19;

/// Answers by name, type and the serial that they are of.
type Answers = BTreeMap<(usize, u16, u32), Vec<u8>>;

/// An answer, and the serial of the zone that it is from: the same snapshot gave both.
fn look_up(server: SocketAddr, name: &str, record_type: u16) -> (u32, Vec<u8>) {
    let question = Query::new(name, record_type).option(ZONE_VERSION, &[]).octets();
    let octets = exchange(server, Transport::Udp, &question);
    let answer = Message::from_vec(&octets).expect("an answer");
    let version = answer.edns.as_ref().and_then(zone_version);
    (version.unwrap_or_else(|| panic!("no version in {answer}")), octets)
}

/// The serial in the option: labels of the zone, the type 0 (SOA-SERIAL), and the serial.
fn zone_version(edns: &Edns) -> Option<u32> {
    let (_, option) =
        edns.options().options.iter().find(|(code, _)| *code == EdnsCode::Unknown(ZONE_VERSION))?;
    let octets = Vec::<u8>::try_from(option).ok()?;
    let [_, 0, serial @ ..] = octets.as_slice() else { return None };
    Some(u32::from_be_bytes(serial.try_into().ok()?))
}

fn set(namespace: &str, service: usize) -> String {
    format!("s{service}.{namespace}.svc.{ZONE}")
}

fn metrics(server: &Rosterd) -> String {
    let line = server.seen().iter().find_map(|line| line.split("probes and metrics at http://").nth(1));
    let address: SocketAddr =
        line.and_then(|address| address.trim().parse().ok()).expect("an address of metrics");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a sent request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("metrics");
    text
}

/// Up to which revision the watch of a replica is complete.
fn revision(server: &Rosterd) -> u64 {
    let text = metrics(server);
    let line = text.lines().find(|line| line.starts_with("rosterd_watch_revision{")).expect("a revision");
    let value: f64 = line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number");
    assert!(value.fract() == 0.0 && value >= 0.0);
    // Revisions of a test are far below what a float counts exactly.
    format!("{value:.0}").parse().expect("a whole number")
}

fn workload<'a>(plane: &'a ControlPlane, name: &'a str) -> Namespace<'a> {
    let namespace = Namespace { api: &plane.api, name };
    for service in 0..SERVICES {
        namespace.service(&format!("s{service}"), &json!({}));
        for pod in 0..PODS {
            let address = format!("10.1.{service}.{}", pod + 1);
            namespace.ready_pod(&format!("s{service}"), &format!("s{service}-{pod}"), &[&address]);
        }
    }
    namespace
}

fn wait_for_sets(server: &Rosterd, namespace: &str) {
    for service in 0..SERVICES {
        wait_until_equal("a full set", &PODS, || {
            ask(server.ipv4(), Transport::Udp, &set(namespace, service), "TXT", None).answers.len()
        });
    }
}

#[test]
fn replicas_say_the_same_at_the_same_serial() {
    let plane = ControlPlane::shared();
    let name = "replicas";
    let kubeconfig = plane.kubeconfig_with(name, &["endpointslices.yaml"]);
    let namespace = workload(plane, name);
    // They start at different times, as replicas do.
    let one = Rosterd::watch(&kubeconfig, SETTINGS);
    wait_for_sets(&one, name);
    let other = Rosterd::watch(&kubeconfig, SETTINGS);
    wait_for_sets(&other, name);

    let stop = AtomicBool::new(false);
    let collected: Vec<Answers> = std::thread::scope(|scope| {
        let clients: Vec<_> = [&one, &other]
            .map(|server| {
                let (server, stop) = (server.ipv4(), &stop);
                scope.spawn(move || {
                    let mut answers = Answers::new();
                    while !stop.load(Ordering::Relaxed) {
                        for service in 0..SERVICES {
                            for record_type in TYPES {
                                let (serial, octets) = look_up(server, &set(name, service), record_type);
                                let former = answers.insert((service, record_type, serial), octets.clone());
                                assert!(
                                    former.is_none_or(|former| former == octets),
                                    "two answers at serial {serial}"
                                );
                            }
                        }
                    }
                    answers
                })
            })
            .into_iter()
            .collect();
        for round in 0..60 {
            let (service, pod) = (round % SERVICES, round / SERVICES % PODS);
            namespace.set_ready(&format!("s{service}-{pod}"), round / (SERVICES * PODS) % 2 == 1);
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    });
    let [first, second] = collected.as_slice() else { panic!("two clients") };
    let both: Vec<_> =
        first.iter().filter_map(|(key, octets)| Some((key, octets, second.get(key)?))).collect();
    for (key, one, other) in &both {
        assert_eq!(one, other, "{key:?}");
    }
    let mut serials: Vec<u32> = both.iter().map(|((_, _, serial), ..)| *serial).collect();
    serials.dedup();
    assert!(serials.len() > 1, "they never had one serial at the same time: {serials:?}");

    // A change that nothing else comes with gives both the same serial, that of its revision.
    wait_for(
        "one serial",
        || "they differ".to_owned(),
        || {
            for ready in [false, true] {
                namespace.set_ready("s0-0", ready);
            }
            let serials = || [&one, &other].map(|server| serial(server.ipv4(), ZONE));
            let [of_one, of_other] = serials();
            (of_one == of_other && serials() == [of_one; 2]).then_some(())
        },
    );
}

#[test]
fn a_replica_that_falls_behind_is_seen() {
    let plane = ControlPlane::shared();
    let name = "drift";
    let token = plane.token_with(name, &["endpointslices.yaml"]);
    let relay = Relay::to(plane.port());
    let kubeconfigs = [plane.port(), relay.port()].map(|port| {
        let file = format!("{name}-{port}");
        plane.kubeconfig(&file, port, &json!({"token": token}))
    });
    let namespace = workload(plane, name);
    let [current, behind] = kubeconfigs.map(|kubeconfig| Rosterd::watch(&kubeconfig, SETTINGS));
    for server in [&current, &behind] {
        wait_for_sets(server, name);
    }
    relay.cut();
    namespace.set_ready("s0-0", false);
    let listed = || ask(current.ipv4(), Transport::Udp, &set(name, 0), "TXT", None).answers.len();
    wait_until_equal("the change at one of them", &(PODS - 1), listed);
    let ahead = revision(&current);
    assert!(revision(&behind) < ahead, "nothing that came after the cut has reached it");
    relay.mend();
    wait_for(
        "the revision of the other",
        || format!("{} < {ahead}", revision(&behind)),
        || (revision(&behind) >= ahead).then_some(()),
    );
}

/// The autoscaler of `docs/scaling.md` is one.
#[test]
fn the_api_server_takes_the_autoscaler() {
    let page = include_str!("../../docs/scaling.md");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let scalers: Vec<&str> = blocks.filter(|block| block.contains("HorizontalPodAutoscaler")).collect();
    let [scaler] = scalers.as_slice() else { panic!("one autoscaler: {scalers:?}") };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("autoscaler.yaml");
    std::fs::write(&file, scaler).expect("a written manifest");
    let arguments = ["apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f"];
    let taken = shipped_account().kubectl(&[&arguments[..], &[&file.display().to_string()]].concat());
    assert_eq!(taken.trim(), "horizontalpodautoscaler.autoscaling/rosterd");
}
