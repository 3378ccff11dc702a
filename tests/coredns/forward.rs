//! Answers through CoreDNS are the server's own, over both transports and whatever the stanza says about TCP and caches.

use crate::client::{Transport, ask, data, exchange, explanations, presentation};
use crate::coredns::{CoreDns, OTHERS};
use crate::query::Query;
use crate::rosterd::Rosterd;
use crate::stanza::{parts, stanza};
use crate::wait::wait_until_equal;
use crate::world::{FLAGS, SIZES, manifest, server, set, slice};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;
use std::net::SocketAddr;
use std::process::Command;

/// Names and types that all have an answer of their own kind.
const QUESTIONS: &[(&str, &str)] = &[
    ("s3.default.svc.peers.cluster.local.", "TXT"),
    ("s3.default.svc.peers.cluster.local.", "A"),
    ("s3.default.svc.peers.cluster.local.", "AAAA"),
    ("s3.default.svc.peers.cluster.local.", "SRV"),
    ("_epmd._tcp.s3.default.svc.peers.cluster.local.", "SRV"),
    ("S3.Default.SVC.Peers.cluster.local.", "TXT"),
    ("10-244-0-1.s3.default.svc.peers.cluster.local.", "A"),
    ("nobody.default.svc.peers.cluster.local.", "TXT"),
    ("default.svc.peers.cluster.local.", "A"),
    ("peers.cluster.local.", "SOA"),
    ("peers.cluster.local.", "NS"),
    ("ns.dns.peers.cluster.local.", "A"),
    ("dns-version.peers.cluster.local.", "TXT"),
    ("10-244-0-1.default.pod.cluster.local.", "A"),
    ("10-9-9-9.elsewhere.pod.cluster.local.", "A"),
    ("10-244-0-1.default.pod.cluster.local.", "TXT"),
    ("no-address.default.pod.cluster.local.", "A"),
    ("1.0.244.10.in-addr.arpa.", "PTR"),
];

/// A CoreDNS with the stanza of a server, whose blocks say more about forwarding.
fn coredns(server: &Rosterd, others: &CoreDns, arguments: &[&str], more: &str) -> CoreDns {
    let more = if more.is_empty() { String::new() } else { format!(" {{\n        {more}\n    }}") };
    let arguments = [&FLAGS[..], &["--with-pods", "--with-reverse"], arguments].concat();
    let (into, below) = parts(&stanza("coredns", &[server.ipv4()], &arguments));
    let at = format!("forward . {}\n", server.ipv4());
    assert!(below.contains(&at), "{below}");
    let below = below.replace(&at, &format!("forward . {}{more}\n", server.ipv4()));
    CoreDns::start(&into, &below, others)
}

/// What of an answer must be the same. TTLs are where nothing is cached in between.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    code: ResponseCode,
    authoritative: bool,
    truncated: bool,
    answers: Vec<String>,
    authorities: Vec<String>,
    additionals: Vec<String>,
}

fn seen(answer: &Message, ttls: bool) -> Seen {
    let lines = |records: &[Record]| {
        let line = |record: &Record| {
            let data = presentation(&record.data);
            if ttls {
                return format!("{} {} {} {data}", record.name, record.ttl, record.record_type());
            }
            // A cache answers in the letters in which it asked.
            format!("{} {} {data}", record.name.to_lowercase(), record.record_type())
        };
        let mut lines: Vec<String> = records.iter().map(line).collect();
        lines.sort();
        lines
    };
    Seen {
        code: answer.metadata.response_code,
        authoritative: answer.metadata.authoritative,
        truncated: answer.metadata.truncation,
        answers: lines(&answer.answers),
        authorities: lines(&answer.authorities),
        additionals: lines(&answer.additionals),
    }
}

#[test]
fn answers_are_those_of_the_server() {
    let (server, others) = (server(), CoreDns::others());
    for (arguments, more) in [
        (&[][..], ""),
        (&[], "force_tcp"),
        (&[], "prefer_udp"),
        (&["--cache", "5"], ""),
        (&["--cache", "5"], "force_tcp"),
    ] {
        let coredns = coredns(&server, &others, arguments, more);
        // The second time a cache answers, if there is one.
        for _ in 0..2 {
            for transport in [Transport::Udp, Transport::Tcp] {
                for (name, record_type) in QUESTIONS {
                    for size in [None, Some(1232)] {
                        let of = |at: SocketAddr| {
                            seen(&ask(at, transport, name, record_type, size), arguments.is_empty())
                        };
                        let case =
                            format!("{name} {record_type} {transport:?} {size:?} {arguments:?} {more}");
                        assert_eq!(of(coredns.address()), of(server.ipv4()), "{case}");
                    }
                }
            }
        }
    }
}

/// What rosterd does not know is asked of whoever was asked before.
#[test]
fn a_reverse_zone_takes_no_name_from_others() {
    let (server, others) = (server(), CoreDns::others());
    let coredns = coredns(&server, &others, &[], "");
    let ptr = |name: &str| ask(coredns.address(), Transport::Udp, name, "PTR", None);
    assert_eq!(data(&ptr("1.0.244.10.in-addr.arpa.").answers), ["10-244-0-1.default.pod.cluster.local."]);
    assert_eq!(data(&ptr(OTHERS.0).answers), [OTHERS.1]);
    assert_eq!(ptr("8.77.244.10.in-addr.arpa.").metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn large_sets_come_whole_over_tcp_and_say_so_over_udp() {
    let (server, others) = (server(), CoreDns::others());
    for (arguments, more) in [(&[][..], ""), (&[], "force_tcp"), (&[], "prefer_udp"), (&["--cache", "5"], "")]
    {
        let coredns = coredns(&server, &others, arguments, more);
        for size in SIZES {
            for record_type in ["TXT", "A"] {
                let case = format!("{record_type} of {size} {arguments:?} {more}");
                let whole = ask(coredns.address(), Transport::Tcp, &set(size), record_type, None);
                assert!(!whole.metadata.truncation, "{case}");
                assert_eq!(whole.answers.len(), size, "{case}");
                let udp = ask(coredns.address(), Transport::Udp, &set(size), record_type, None);
                assert_eq!(udp.metadata.truncation, size > SIZES[0], "{case}");
                assert_eq!(udp.metadata.response_code, ResponseCode::NoError, "{case}");
                // Whoever is told so comes again by itself.
                let arguments =
                    ["+short", "-p", &coredns.address().port().to_string(), &set(size), record_type]
                        .map(str::to_owned);
                let dig = Command::new("dig").arg("@127.0.0.1").args(arguments).output().expect("dig");
                assert_eq!(String::from_utf8_lossy(&dig.stdout).lines().count(), size, "{case}");
            }
        }
    }
}

/// Of a whole set above 90 records the TTL is 0, for Erlang's sake; a cache makes 5 s of it.
#[test]
fn a_cache_raises_ttls_to_five_seconds() {
    let (server, others) = (server(), CoreDns::others());
    let ttls = |coredns: &CoreDns, size: usize| -> Vec<u32> {
        let answer = ask(coredns.address(), Transport::Tcp, &set(size), "TXT", None);
        let mut ttls: Vec<u32> = answer.answers.iter().map(|record| record.ttl).collect();
        ttls.dedup();
        ttls
    };
    let plain = coredns(&server, &others, &[], "");
    assert_eq!((ttls(&plain, SIZES[0]), ttls(&plain, SIZES[1])), (vec![5], vec![0]));
    let cached = coredns(&server, &others, &["--cache", "5"], "");
    assert_eq!((ttls(&cached, SIZES[0]), ttls(&cached, SIZES[1])), (vec![5], vec![5]));
}

#[test]
fn reasons_and_the_replicas_name_pass() {
    let (server, others) = (server(), CoreDns::others());
    let coredns = coredns(&server, &others, &[], "");
    let dig = |name: &str, option: &str| {
        let port = coredns.address().port().to_string();
        let output =
            Command::new("dig").args(["@127.0.0.1", "-p", &port, name, "TXT", option]).output().expect("dig");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = dig(&set(3), "+nsid");
    assert!(text.contains("(\"replica\")"), "{text}");
    // A cache passes records on, and nothing of what stood beside them.
    let cached = self::coredns(&server, &others, &["--cache", "5"], "");
    let with_nsid = Query::new(&set(3), 16).option(3, &[]).octets();
    let has_name = |at: SocketAddr| {
        let octets = exchange(at, Transport::Udp, &with_nsid);
        octets.windows(7).any(|part| part == b"replica")
    };
    assert_eq!((has_name(coredns.address()), has_name(cached.address())), (true, false));
    // The manifest is broken: what is served may be old.
    server.replace_manifest("kind: [");
    let codes = |name: &str| {
        let answer = ask(coredns.address(), Transport::Udp, name, "TXT", Some(1232));
        explanations(&answer).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    wait_until_equal("Stale Answer", &vec![3], || codes(&set(3)));
    wait_until_equal("Stale NXDOMAIN Answer", &vec![19], || codes("nobody.default.svc.peers.cluster.local."));
    assert!(dig(&set(3), "+edns").contains("EDE: 3 (Stale Answer)"));
}

/// A name that was asked for too early is denied for as long as the zone says, no longer.
#[test]
fn a_denial_is_kept_for_five_seconds_at_most() {
    let (server, others) = (server(), CoreDns::others());
    let name = "late.default.svc.peers.cluster.local.";
    for arguments in [&[][..], &["--cache", "5"]] {
        let coredns = coredns(&server, &others, arguments, "");
        server.replace_manifest(&manifest());
        wait_until_equal("an absence", &ResponseCode::NXDomain, || {
            ask(server.ipv4(), Transport::Udp, name, "TXT", None).metadata.response_code
        });
        let denied = ask(coredns.address(), Transport::Udp, name, "TXT", None);
        assert_eq!(denied.metadata.response_code, ResponseCode::NXDomain);
        assert!(denied.authorities.iter().all(|record| record.ttl <= 5), "{denied}");
        let more = slice("late", ["10.244.200.1".to_owned()].into_iter());
        server.replace_manifest(&(manifest() + &more));
        wait_until_equal("the name", &vec!["late@10.244.200.1".to_owned()], || {
            data(&ask(coredns.address(), Transport::Udp, name, "TXT", None).answers)
        });
    }
}
