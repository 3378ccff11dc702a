//! A set too large for any message, asked at the real server: the same part of it every time, and its parts whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;

use client::{Transport, ask, data, explanations};
use hickory_proto::op::ResponseCode;
use rosterd::Rosterd;
use std::collections::BTreeSet;

const NAME: &str = "big.default.svc.peers.cluster.local.";

/// Peers of the set: 5,000 A records alone are 80,000 octets.
const PEERS: usize = 5_000;

const TYPES: [&str; 3] = ["A", "TXT", "SRV"];

fn server() -> Rosterd {
    let slices: Vec<String> = (0..PEERS / 100)
        .map(|slice| {
            let endpoints: Vec<String> =
                (0..100).map(|peer| format!("{{addresses: [10.1.{slice}.{peer}]}}")).collect();
            format!(
                "---\n{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {{name: \
                 big-{slice}, namespace: default, labels: {{kubernetes.io/service-name: big}}}}, ports: [{{name: http, \
                 port: 80}}], endpoints: [{}]}}\n",
                endpoints.join(", ")
            )
        })
        .collect();
    Rosterd::start(&slices.concat(), "[[topologies]]\nmode = \"dns\"\n[server]")
}

/// The data of the whole set, as the addresses say what it is.
fn whole(record_type: &str) -> BTreeSet<String> {
    (0..PEERS)
        .map(|peer| {
            let (third, fourth) = (peer / 100, peer % 100);
            let host = format!("10-1-{third}-{fourth}.default.pod.cluster.local");
            match record_type {
                "A" => format!("10.1.{third}.{fourth}"),
                "TXT" => format!("big@{host}"),
                _ => format!("0 10 80 {host}."),
            }
        })
        .collect()
}

#[test]
fn what_does_not_fit_is_cut_and_says_so() {
    let server = server();
    for record_type in TYPES {
        let whole = whole(record_type);
        let mut before = None;
        for transport in [Transport::Tcp, Transport::Tcp, Transport::Udp] {
            let answer = ask(server.ipv4(), transport, NAME, record_type, Some(1232));
            let what = format!("{record_type} over {transport:?}");
            assert!(answer.metadata.truncation && answer.metadata.authoritative, "{what}");
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{what}");
            // Decoded whole, with the OPT record at the end.
            assert!(answer.edns.is_some() && answer.authorities.is_empty(), "{what}");
            let records = data(&answer.answers);
            assert!(!records.is_empty() && records.iter().all(|record| whole.contains(record)), "{what}");
            let told = explanations(&answer);
            if transport == Transport::Udp {
                // RFC 2181 9: the client asks again by TCP, where it is told why.
                assert_eq!(told, [], "{what}");
                continue;
            }
            assert!(records.len() > 900 && records.len() < PEERS, "{what}: {}", records.len());
            let [(_, text)] = told.as_slice() else { panic!("{what}: {told:?}") };
            assert!(text.contains("_of"), "{what}: {text:?} does not name the parts");
            assert_eq!(*before.get_or_insert(records.clone()), records, "{what}: another subset");
        }
    }
}

#[test]
fn its_parts_are_whole_and_disjoint() {
    let server = server();
    for record_type in TYPES {
        let mut together = Vec::new();
        for part in 0..8 {
            let name = format!("_{part}._of8.{NAME}");
            let answer = ask(server.ipv6(), Transport::Tcp, &name, record_type, Some(1232));
            assert!(!answer.metadata.truncation, "{record_type} of {name}");
            assert_eq!(explanations(&answer), [], "{record_type} of {name}");
            assert!(!answer.answers.is_empty(), "{record_type} of {name}");
            together.extend(data(&answer.answers));
        }
        assert_eq!(together.len(), PEERS, "{record_type}: parts overlap or lack peers");
        assert_eq!(together.into_iter().collect::<BTreeSet<_>>(), whole(record_type), "{record_type}");
    }
}
