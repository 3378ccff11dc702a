//! Whatever the size of set, name and buffer: whole RRs in stable order, TC exactly when one is missing.

use super::world::{SetOf, Target, below, ipv4, with_sets};
use super::{Query, Transport, answer_into, ask, decode, explanations, octets_of};
use crate::wire::RecordType;
use crate::zone::Snapshot;
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;

const TYPES: [RecordType; 5] =
    [RecordType::A, RecordType::AAAA, RecordType::SRV, RecordType::TXT, RecordType::ANY];

fn set(peers: u32, dual_stack: bool, target: Target) -> SetOf {
    SetOf { name: "myapp", peers, dual_stack, target }
}

/// The records that an answer of any size would have.
fn all_answers(snapshot: &Snapshot, name: &str, qtype: RecordType) -> Vec<Record> {
    ask(&Query::new(name, qtype), Transport::Tcp, snapshot).answers
}

/// Each owner and type of the additional section with its addresses.
fn additional_sets(message: &Message) -> BTreeMap<(String, String), Vec<IpAddr>> {
    let mut sets = BTreeMap::<_, Vec<IpAddr>>::new();
    for record in &message.additionals {
        let address = match record.data {
            RData::A(a) => IpAddr::V4(a.0),
            RData::AAAA(aaaa) => IpAddr::V6(aaaa.0),
            _ => panic!("{record}"),
        };
        sets.entry((record.name.to_string(), record.record_type().to_string())).or_default().push(address);
    }
    sets
}

/// Octets of an RR of a set: owner pointer, type, class, TTL, rdata length, rdata.
fn wire_len(record: &Record) -> usize {
    12 + match &record.data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::SRV(srv) => 6 + srv.target.to_string().len() + 1,
        RData::TXT(txt) => txt.txt_data.iter().map(|text| 1 + text.len()).sum(),
        _ => panic!("{record}"),
    }
}

/// Asserts what holds for the answer of any size, `complete` being one that had room for everything.
fn assert_well_cut(octets: &[u8], limit: usize, query: &Query, complete: &Message) {
    assert!(octets.len() <= limit, "{} octets of {limit}", octets.len());
    let message = decode(octets);
    assert_eq!(message.edns.is_some(), query.edns.is_some());
    assert!(complete.answers.starts_with(&message.answers), "not the first of the stable order");
    assert_eq!(message.metadata.truncation, message.answers.len() < complete.answers.len());
    let (some, all) = (additional_sets(&message), additional_sets(complete));
    for (owner, addresses) in &some {
        assert_eq!(Some(addresses), all.get(owner), "part of an RRset in the additional section");
    }
    if message.metadata.truncation {
        assert_eq!(message.additionals.len(), 0);
        let next = &complete.answers[message.answers.len()];
        assert!(octets.len() + wire_len(next) > limit, "one RR more would have fitted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn answers_of_any_size_are_cut_between_records(
        peers in 0_u32..120,
        dual_stack: bool,
        target in prop::sample::select(vec![Target::Pod, Target::Peer, Target::Elsewhere]),
        zone_labels in prop::collection::vec(1_usize..=40, 1..=3),
        qtype in prop::sample::select(TYPES.to_vec()),
        edns in prop::option::of((0_u16..5000, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))),
        stale: bool,
        room in 0_usize..2000,
    ) {
        let zone = zone_labels.iter().map(|&length| "z".repeat(length)).collect::<Vec<_>>().join(".");
        let snapshot = below(&zone, None, &[set(peers, dual_stack, target)], stale);
        let name = format!("MyApp.default.svc.{zone}");
        let edns = edns.map(|(size, dnssec_ok, data)| {
            let length = u16::try_from(data.len()).unwrap().to_be_bytes();
            (size, if dnssec_ok { 0x8000 } else { 0 }, [&[0xff, 0xf0], &length[..], &data].concat())
        });
        let client = edns.as_ref().map_or(512, |(size, ..)| usize::from(*size).clamp(512, 1232));
        let query = Query { edns, ..Query::new(&name, qtype) };
        // ANY has fewer RRsets over UDP.
        let reference = if qtype == RecordType::ANY && peers > 0 { RecordType::A } else { qtype };
        let complete = ask(&Query { qtype: reference.0, ..query.clone() }, Transport::Tcp, &snapshot);
        prop_assert!(!complete.metadata.truncation);

        let udp = answer_into(&query.octets(), Transport::Udp, 0, &snapshot, &mut [0; 4096]).unwrap();
        assert_well_cut(&udp, client, &query, &complete);
        let message = decode(&udp);
        // An extended error is left out only where its six octets would have cut the answer.
        let explained = explanations(&message).len() == usize::from(stale && query.edns.is_some());
        prop_assert!(explained || (!message.metadata.truncation && udp.len() + 6 > client));
        // Negative answers keep their SOA.
        prop_assert_eq!(message.authorities.len(), usize::from(complete.answers.is_empty()));
        // A buffer below what every caller has: cut or dropped, never beyond it.
        if let Some(short) = answer_into(&query.octets(), Transport::Tcp, 0, &snapshot, &mut vec![0; room]) {
            prop_assert!(short.len() <= room);
            decode(&short);
        }
    }

    #[test]
    fn rotated_answers_hold_every_record_once(peers in 1_u32..70, rotation: u32) {
        let snapshot = with_sets(&[set(peers, false, Target::Pod)], false);
        let query = Query::new("myapp.default.svc.peers.cluster.local", RecordType::A).edns(1232);
        let message = decode(&octets_of(&query, Transport::Udp, rotation, &snapshot));
        let addresses: Vec<_> = message.answers.iter().map(|record| match record.data {
            RData::A(a) => a.0,
            _ => panic!("{record}"),
        }).collect();
        let turned: Vec<_> = (0..peers).map(|index| ipv4((index + rotation % peers) % peers)).collect();
        prop_assert_eq!(addresses, turned);
    }
}

#[test]
fn a_cut_answer_does_not_rotate() {
    let snapshot = with_sets(&[set(200, false, Target::Pod)], false);
    for edns in [None, Some(900), Some(1232)] {
        let query = Query::new("myapp.default.svc.peers.cluster.local", RecordType::A);
        let query = edns.map_or(query.clone(), |size| query.edns(size));
        let first = octets_of(&query, Transport::Udp, 0, &snapshot);
        assert!(decode(&first).metadata.truncation);
        for rotation in [1, 100, u32::MAX] {
            assert_eq!(octets_of(&query, Transport::Udp, rotation, &snapshot), first);
        }
    }
}

#[test]
fn every_limit_around_the_size_of_an_answer_holds() {
    for (qtype, target) in
        [(RecordType::A, Target::Pod), (RecordType::TXT, Target::Pod), (RecordType::SRV, Target::Peer)]
    {
        let snapshot = with_sets(&[set(12, true, target)], false);
        let name = "myapp.default.svc.peers.cluster.local";
        for edns in [None, Some(4096)] {
            let query = Query::new(name, qtype);
            let query = edns.map_or(query.clone(), |size| query.edns(size));
            let octets = octets_of(&query, Transport::Tcp, 0, &snapshot);
            let complete = decode(&octets);
            assert_eq!(complete.answers.len(), 12);
            for limit in 0..=octets.len() + 3 {
                let cut = answer_into(&query.octets(), Transport::Tcp, 0, &snapshot, &mut vec![0; limit]);
                match cut {
                    Some(cut) => assert_well_cut(&cut, limit, &query, &complete),
                    None => assert!(limit < query.octets().len(), "{limit}"),
                }
            }
        }
    }
}

#[test]
fn a_set_above_64_kib_is_cut_the_same_way_each_time_and_says_so() {
    let snapshot = with_sets(&[set(5000, false, Target::Pod)], true);
    for qtype in [RecordType::A, RecordType::SRV, RecordType::TXT] {
        let query = Query::new("myapp.default.svc.peers.cluster.local", qtype).edns(1232);
        let octets = octets_of(&query, Transport::Tcp, 0, &snapshot);
        let message = decode(&octets);
        assert!(message.metadata.truncation && message.metadata.authoritative);
        assert!(octets.len() > 65535 - 256, "{qtype}: {}", octets.len());
        let explanations = explanations(&message);
        assert_eq!(explanations.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [3, 0]);
        assert!(explanations[1].1.contains("_<i>._of<n>."));
        assert_eq!(octets_of(&query, Transport::Tcp, 77, &snapshot), octets);
    }
}

#[test]
fn the_parts_of_a_large_set_are_complete() {
    let snapshot = with_sets(&[set(5000, false, Target::Pod)], false);
    for qtype in [RecordType::A, RecordType::SRV, RecordType::TXT] {
        let mut seen: Vec<String> = Vec::new();
        for part in 0..8 {
            let name = format!("_{part}._of8.myapp.default.svc.peers.cluster.local");
            let message = ask(&Query::new(&name, qtype), Transport::Tcp, &snapshot);
            assert!(!message.metadata.truncation, "{name} {qtype}");
            seen.extend(message.answers.iter().map(|record| record.data.to_string()));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5000, "{qtype}");
    }
}

#[test]
fn addresses_of_targets_beyond_the_reach_of_pointers_have_their_owner_written_out() {
    let snapshot = with_sets(&[set(400, true, Target::Peer)], false);
    let name = "myapp.default.svc.peers.cluster.local";
    let octets = octets_of(&Query::new(name, RecordType::SRV), Transport::Tcp, 0, &snapshot);
    let message = decode(&octets);
    assert_eq!(message.answers.len(), 400);
    assert!(octets.len() > 0x3fff);
    let sets = additional_sets(&message);
    assert_eq!(sets.len(), 800);
    for index in [0, 1, 200, 399] {
        let owner = format!("{}.{name}.", ipv4(index).to_string().replace('.', "-"));
        assert_eq!(sets.get(&(owner, "A".to_owned())), Some(&vec![IpAddr::V4(ipv4(index))]));
    }
}

#[test]
fn both_families_are_complete_for_any_over_tcp() {
    let snapshot = with_sets(&[set(50, true, Target::Pod)], false);
    let any = all_answers(&snapshot, "myapp.default.svc.peers.cluster.local", RecordType::ANY);
    assert_eq!(any.iter().filter(|record| matches!(record.data, RData::A(_))).count(), 50);
    assert_eq!(any.iter().filter(|record| matches!(record.data, RData::AAAA(_))).count(), 50);
    assert_eq!(any.len(), 100);
}
