//! Class CH.

use super::world::with_sets;
use super::{Query, Transport, ask_by, explanations};
use crate::answer::Policy;
use crate::wire::RecordType;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, RData};

fn query(name: &str, qtype: RecordType) -> Query {
    Query { class: 3, ..Query::new(name, qtype).edns(1232) }
}

#[test]
fn identity_and_version_are_told_where_they_are_set() {
    let snapshot = with_sets(&[], true);
    let texts =
        [("id.server", "me"), ("HostName.Bind", "me"), ("version.server", "1.2"), ("version.bind", "1.2")];
    for (name, text) in texts {
        for (identity, version) in [(false, false), (true, false), (false, true), (true, true)] {
            let policy = Policy {
                identity: identity.then(|| b"me"[..].into()),
                version: version.then(|| b"1.2"[..].into()),
                ..Policy::default()
            };
            let set = if text == "me" { identity } else { version };
            for (qtype, answered) in [(RecordType::TXT, set), (RecordType::ANY, set), (RecordType::A, false)]
            {
                for transport in [Transport::Udp, Transport::Tcp] {
                    let message = ask_by(&policy, &query(name, qtype), transport, &snapshot);
                    let case = format!("{name} {qtype} {identity} {version}");
                    assert_eq!(message.metadata.authoritative, answered, "{case}");
                    if answered {
                        let [record] = message.answers.as_slice() else { panic!("{case}: {message}") };
                        assert_eq!((record.dns_class, record.ttl), (DNSClass::CH, 0), "{case}");
                        assert!(matches!(&record.data, RData::TXT(txt) if txt.to_string() == text), "{case}");
                        assert_eq!(explanations(&message), [], "{case}");
                    } else {
                        assert_eq!(message.metadata.response_code, ResponseCode::Refused, "{case}");
                        assert_eq!(explanations(&message), [(20, String::new())], "{case}");
                        assert!(message.answers.is_empty(), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn these_names_mean_nothing_elsewhere_and_no_zone_has_this_class() {
    let snapshot = with_sets(&[], false);
    let text = || Some(b"x"[..].into());
    let policy = Policy { identity: text(), version: text(), ..Policy::default() };
    for query in [
        Query::new("id.server", RecordType::TXT),
        Query { class: 4, ..Query::new("version.bind", RecordType::TXT) },
        Query { class: 255, ..Query::new("version.bind", RecordType::TXT) },
        query("a.id.server", RecordType::TXT),
        query("server", RecordType::TXT),
        query("peers.cluster.local", RecordType::SOA),
        query("peers.cluster.local", RecordType::AXFR),
        query("", RecordType::NS),
    ] {
        let message = ask_by(&policy, &query, Transport::Tcp, &snapshot);
        assert_eq!(message.metadata.response_code, ResponseCode::Refused, "{query:?}");
        assert!(!message.metadata.authoritative && message.answers.is_empty(), "{query:?}");
    }
}

#[test]
fn the_longest_text_fits_or_the_answer_is_truncated() {
    let snapshot = with_sets(&[], false);
    let policy = Policy { identity: Some(vec![b'i'; 255].into()), ..Policy::default() };
    let plain = Query { edns: None, ..query("id.server", RecordType::TXT) };
    let message = ask_by(&policy, &plain, Transport::Udp, &snapshot);
    assert!(message.answers.len() == 1 && !message.metadata.truncation);
}
