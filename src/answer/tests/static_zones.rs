//! What is answered from master files: the cases stand in `tests/data/static/cases.txt`, each as a question and the
//! sections of its answer.

use super::world::{SetOf, Target, with_files};
use super::{Query, Transport, ask, explanations};
use crate::zone::Snapshot;
use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use std::fmt::Write as _;
use std::sync::Arc;

const CASES: &str = include_str!("../../../tests/data/static/cases.txt");

fn snapshot() -> Arc<Snapshot> {
    let myapp = SetOf { name: "myapp", peers: 2, dual_stack: false, target: Target::Pod };
    with_files(
        &[myapp],
        &[
            ("example.test.zone", include_str!("../../../tests/data/static/example.zone")),
            ("child.zone", include_str!("../../../tests/data/static/child.zone")),
            ("peers.cluster.local.zone", include_str!("../../../tests/data/static/peers.cluster.local.zone")),
            ("10.in-addr.arpa.zone", include_str!("../../../tests/data/static/10.in-addr.arpa.zone")),
        ],
        false,
    )
}

fn described(message: &Message) -> String {
    let metadata = &message.metadata;
    let mut text = metadata.response_code.to_string().replace(' ', "-");
    for (set, flag) in [(metadata.authoritative, " aa"), (metadata.truncation, " tc")] {
        text.push_str(if set { flag } else { "" });
    }
    text.push('\n');
    let sections: [(&str, &[Record]); 3] = [
        ("answer", &message.answers),
        ("authority", &message.authorities),
        ("additional", &message.additionals),
    ];
    for (section, records) in sections {
        for record in records {
            writeln!(text, "{section} {record}").unwrap();
        }
    }
    text
}

#[test]
fn every_case_is_answered_to_the_letter() {
    let snapshot = snapshot();
    let mut wrong = String::new();
    let mut cases = 0;
    for case in CASES.split("\n? ").skip(1) {
        let (question, expected) = case.split_once('\n').unwrap();
        let expected: String = expected
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with(';'))
            .fold(String::new(), |text, line| text + line + "\n");
        let (name, qtype) = question.split_once(' ').unwrap();
        let answer = described(&ask(&Query::new(name, qtype.parse().unwrap()), Transport::Tcp, &snapshot));
        if answer != expected {
            write!(wrong, "? {question}\n{answer}; instead of\n{expected}\n").unwrap();
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases > 60, "{cases} cases");
}

/// RFC 9471 3.1: glue inside of what is delegated is in the answer, or TC is set.
#[test]
fn glue_is_whole_or_the_answer_is_truncated() {
    let zone = |servers: usize, inside: bool| {
        let mut text = "$ORIGIN g.test.\n$TTL 9\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n".to_owned();
        for number in 0..servers {
            let below = if inside { "cut" } else { "other" };
            writeln!(text, "cut NS n{number}.{below}\nn{number}.{below} AAAA 2001:db8::{number}").unwrap();
        }
        with_files(&[], &[("g.test.zone", &text)], false)
    };
    for (servers, inside, truncated) in [(2, true, false), (12, true, true), (12, false, false)] {
        let snapshot = zone(servers, inside);
        let query = Query::new("x.cut.g.test", "A".parse().unwrap());
        let cut = ask(&query, Transport::Udp, &snapshot);
        assert_eq!(cut.metadata.truncation, truncated, "{servers} {inside}");
        assert_eq!(cut.authorities.len(), servers);
        assert_eq!(cut.additionals.len() < servers, servers == 12);
        let whole = ask(&query, Transport::Tcp, &snapshot);
        assert!(!whole.metadata.truncation && whole.additionals.len() == servers);
    }
}

#[test]
fn a_pointer_of_a_file_is_not_stale() {
    let myapp = SetOf { name: "myapp", peers: 2, dual_stack: false, target: Target::Pod };
    let file = ("10.in-addr.arpa.zone", "0.0.1 60 PTR by.hand.\n1.0.1 60 TXT \"beside a pointer\"\n");
    let snapshot = with_files(&[myapp], &[file], true);
    for (name, qtype, stale) in [
        ("0.0.1.10.in-addr.arpa", "PTR", false),
        ("0.0.1.10.in-addr.arpa", "TXT", false),
        ("1.0.1.10.in-addr.arpa", "PTR", true),
        ("1.0.1.10.in-addr.arpa", "TXT", true),
    ] {
        let message = ask(&Query::new(name, qtype.parse().unwrap()).edns(1232), Transport::Udp, &snapshot);
        assert_eq!(!explanations(&message).is_empty(), stale, "{name} {qtype}");
    }
}
