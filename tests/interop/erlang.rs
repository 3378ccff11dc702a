//! Erlang's own resolver: whole lists at every size and every poll, over UDP and, where that is too small, TCP.

use crate::beam::{Beam, Resolver};
use crate::client::{Transport, ask};
use crate::rosterd::Rosterd;
use std::fmt::Write;

/// Sizes of sets: within one UDP answer, just beyond, and beyond what Erlang's resolver cache holds.
const SIZES: [usize; 3] = [3, 30, 120];

/// How often each is asked.
const POLLS: usize = 20;

fn server() -> Rosterd {
    let mut manifest = String::new();
    for size in SIZES {
        write!(
            manifest,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {{name: s{size}-a, \
             namespace: default, labels: {{kubernetes.io/service-name: s{size}}}}}\n\
             ports: [{{name: epmd, protocol: TCP, port: 4369}}]\nendpoints:\n"
        )
        .expect("text");
        for peer in 1..=size {
            writeln!(manifest, "- {{addresses: [10.0.{size}.{peer}], conditions: {{ready: true}}}}")
                .expect("text");
        }
    }
    Rosterd::start(&manifest, "[[topologies]]\nmode = \"dns\"\n[server]")
}

/// `POLLS` results, each the number of distinct records.
fn counts(size: usize) -> String {
    format!("[{}]", vec![size.to_string(); POLLS].join(","))
}

fn lookup(size: usize, record_type: &str) -> String {
    format!(
        "[length(lists:usort(inet_res:lookup(\"s{size}.default.svc.peers.cluster.local.\", in, {record_type}))) \
         || _ <- lists:seq(1, {POLLS})]"
    )
}

fn getbyname(size: usize, record_type: &str) -> String {
    format!(
        "[begin {{ok, {{hostent, _, _, _, _, Found}}}} = \
         inet_res:getbyname(\"s{size}.default.svc.peers.cluster.local.\", {record_type}), length(lists:usort(Found)) end \
         || _ <- lists:seq(1, {POLLS})]"
    )
}

#[test]
fn lookup_finds_whole_sets_at_every_poll() {
    let server = server();
    let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: true });
    for size in SIZES {
        for record_type in ["txt", "srv", "a"] {
            assert_eq!(node.evaluate(&lookup(size, record_type)), counts(size), "{record_type} of {size}");
        }
    }
}

#[test]
fn getbyname_finds_whole_sets_without_a_cache() {
    let server = server();
    let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: false });
    for size in SIZES {
        for record_type in ["txt", "srv", "a"] {
            assert_eq!(node.evaluate(&getbyname(size, record_type)), counts(size), "{record_type} of {size}");
        }
    }
}

/// The cache holds 100 records and returns what is left of a set that did not fit. Sets of more than 90 records have
/// TTL 0, which it does not keep; smaller ones fit.
#[test]
fn getbyname_finds_whole_sets_through_the_cache() {
    let server = server();
    for size in SIZES {
        for record_type in ["txt", "srv", "a"] {
            let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: true });
            assert_eq!(node.evaluate(&getbyname(size, record_type)), counts(size), "{record_type} of {size}");
        }
    }
}

/// What the counts above rest on: the largest set does not fit into 512 octets, says so, and comes whole over TCP.
#[test]
fn large_sets_are_truncated_over_udp_and_whole_over_tcp() {
    let server = server();
    for record_type in ["TXT", "SRV", "A"] {
        let name = "s120.default.svc.peers.cluster.local.";
        let udp = ask(server.ipv4(), Transport::Udp, name, record_type, None);
        assert!(udp.metadata.truncation, "{record_type}");
        assert!(!udp.answers.is_empty() && udp.answers.len() < 120, "{record_type}: {}", udp.answers.len());
        let tcp = ask(server.ipv4(), Transport::Tcp, name, record_type, None);
        assert!(!tcp.metadata.truncation, "{record_type}");
        assert_eq!(tcp.answers.len(), 120, "{record_type}");
        assert!(tcp.answers.iter().all(|record| record.ttl == 0), "{record_type}");
    }
}

#[test]
fn text_records_are_one_node_name_each() {
    let server = server();
    let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: true });
    assert_eq!(
        node.evaluate("strategies:txt(\"s3.default.svc.peers.cluster.local.\")"),
        "['s3@10-0-3-1.default.pod.cluster.local','s3@10-0-3-2.default.pod.cluster.local',\
         's3@10-0-3-3.default.pod.cluster.local']"
    );
}
