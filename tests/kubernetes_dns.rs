//! The answer cases that `CoreDNS` holds its kubernetes plugin to, asked of this server's tree. The cases and why some
//! differ or do not apply stand in `data/appendix_a/cases.toml`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot set itself up has failed")]

#[path = "support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
#[path = "support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that also stop and restart the server")]
mod rosterd;

use client::{Transport, ask, data};
use hickory_proto::rr::RecordType;
use rosterd::Rosterd;
use serde::Deserialize;

const CASES: &str = include_str!("data/appendix_a/cases.toml");

/// How many cases each section has in `CoreDNS`'s tests.
const SECTIONS: &[(&str, usize)] = &[
    ("A.1", 34),
    ("A.2", 12),
    ("A.3", 9),
    ("A.4", 3),
    ("A.5", 14),
    ("A.6", 4),
    ("A.7", 2),
    ("A.8", 6),
    ("A.9", 11),
    ("A.10", 13),
];

/// The same of the tests that it runs in a cluster.
const LIVE: (&str, usize) = ("A.13", 25);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    group: Vec<Group>,
}

/// Cases that share a server, or do not apply for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    section: String,
    manifest: Option<String>,
    #[serde(default)]
    settings: String,
    #[serde(default)]
    cases: Vec<Case>,
    reason: Option<String>,
    count: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    was: String,
    ask: String,
    rcode: Option<String>,
    #[serde(default)]
    answer: Vec<String>,
    #[serde(default)]
    additional: Vec<String>,
    owner: Option<String>,
    why: Option<String>,
}

fn groups() -> Vec<Group> {
    toml::from_str::<Cases>(CASES).expect("valid cases").group
}

#[test]
fn every_case_is_asked_or_has_a_reason() {
    let groups = groups();
    for (section, cases) in SECTIONS.iter().chain([&LIVE]) {
        let found: usize = groups
            .iter()
            .filter(|group| group.section == *section)
            .map(|group| group.cases.len() + group.count.unwrap_or(0))
            .sum();
        assert_eq!(found, *cases, "{section}");
    }
    for group in &groups {
        assert_eq!(group.cases.is_empty(), group.reason.is_some(), "{}", group.section);
        assert_eq!(group.count.is_some(), group.reason.is_some(), "{}", group.section);
        assert_eq!(group.manifest.is_some(), group.reason.is_none(), "{}", group.section);
        for case in &group.cases {
            assert!(case.why.as_ref().is_none_or(|why| !why.is_empty()), "{}", case.was);
        }
    }
    assert_eq!(SECTIONS.iter().map(|(_, cases)| cases).sum::<usize>(), 108);
}

#[test]
fn every_case_is_answered_as_it_should_be() {
    let mut faults = Vec::new();
    for group in groups().iter().filter(|group| group.reason.is_none()) {
        let server = start(group);
        for case in &group.cases {
            for transport in [Transport::Udp, Transport::Tcp] {
                faults.extend(
                    fault(&server, transport, case)
                        .map(|fault| format!("{} {:?} {}: {fault}", group.section, transport, case.was)),
                );
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn start(group: &Group) -> Rosterd {
    let manifest = match group.manifest.as_deref() {
        Some("handler.yaml") => include_str!("data/appendix_a/handler.yaml"),
        Some("pods.yaml") => include_str!("data/appendix_a/pods.yaml"),
        Some("live.yaml") => include_str!("data/appendix_a/live.yaml"),
        Some("reverse.yaml") => include_str!("data/appendix_a/reverse.yaml"),
        other => panic!("no manifest {other:?}"),
    };
    // Targets below the set's own name, as in the Kubernetes DNS specification.
    let topology =
        if group.settings.contains("[[topologies]]") { "" } else { "[[topologies]]\nsrv_host = \"peer\"\n" };
    let settings = format!("{}\n{topology}\n[server]\nadvertise = [\"127.0.0.1\"]\n", group.settings);
    Rosterd::start_on(manifest, &settings, &["127.0.0.1:0"])
}

/// What is wrong with the answer to a case.
fn fault(server: &Rosterd, transport: Transport, case: &Case) -> Option<String> {
    let (name, record_type) = case.ask.split_once(' ').expect("a name and a type");
    let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.peers.cluster.local.") };
    let answer = ask(server.ipv4(), transport, &name, record_type, Some(1232));
    let mut expected = case.answer.clone();
    expected.sort();
    let rcode = answer.metadata.response_code;
    if format!("{rcode:?}").to_uppercase() != case.rcode.as_deref().unwrap_or("NOERROR") {
        return Some(format!("{rcode:?}"));
    }
    if data(&answer.answers) != expected {
        return Some(format!("answers {:?}", data(&answer.answers)));
    }
    let refused = case.rcode.as_deref() == Some("REFUSED");
    if answer.metadata.authoritative == refused {
        return Some(format!("authoritative: {}", answer.metadata.authoritative));
    }
    let owner = case.owner.as_deref().unwrap_or(&name);
    if let Some(record) = answer.answers.iter().find(|record| record.name.to_ascii() != owner) {
        return Some(format!("owner {}", record.name));
    }
    let soa = answer.authorities.iter().filter(|record| record.record_type() == RecordType::SOA).count();
    if soa != usize::from(case.answer.is_empty() && !refused) {
        return Some(format!("{soa} SOA in authority"));
    }
    let additional = data(&answer.additionals);
    if let Some(missing) = case.additional.iter().find(|wanted| !additional.contains(wanted)) {
        return Some(format!("no {missing} in additional {additional:?}"));
    }
    None
}
