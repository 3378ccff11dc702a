//! Requests for zones, and the messages that they get, read by another implementation.

use super::super::{Client, Context, Network, Outcome, Policy, Scratch, Transport, answer};
use super::*;
use crate::roster::{
    Change, NodeHost, Peer, PeerShape, Port, PortName, Protocol, RecordTypes, SetKey, SetSettings, SrvTarget,
    Standing, Standings,
};
use crate::wire::{Name, Signing, TsigAlgorithm, TsigFault, TsigKey, verify};
use crate::zone::{Journal, JournalLimits, PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::sync::Arc;

const NOW: u32 = 1_700_000_000;
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ZONE: &str = "peers.cluster.local";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn key() -> Arc<TsigKey> {
    Arc::new(TsigKey::new(name("a.key"), TsigAlgorithm::Sha256, b"0123456789abcdef"[..].into()))
}

fn config(pods: PodNames) -> ZoneConfig {
    ZoneConfig {
        zone: name(ZONE),
        cluster_domain: name("cluster.local"),
        pods,
        reverse_zones: Vec::new(),
        advertise: vec!["192.0.2.53".parse().unwrap()],
        nameserver: None,
        hostmaster: None,
        ttl: None,
        negative_ttl: 5,
    }
}

/// A writer with a set of so many peers.
fn writer(peers: u32) -> SnapshotWriter {
    let mut writer = SnapshotWriter::new(config(PodNames::Insecure)).unwrap();
    writer.apply(&Change::All { known: Standings::COMPLETE, everywhere: Standing::COMPLETE });
    let port_names = [PortName { name: "epmd".into(), protocol: Protocol::Tcp }].into();
    let settings = SetSettings { ttl: None, records: RecordTypes::ALL, port_names };
    writer.apply(&Change::Set(set(), Arc::new(settings)));
    (0..peers).for_each(|index| change(&mut writer, None, Some(index)));
    writer
}

fn set() -> SetKey {
    SetKey { namespace: "default".into(), name: "myapp".into() }
}

fn change(writer: &mut SnapshotWriter, old: Option<u32>, new: Option<u32>) {
    let shape = Arc::new(PeerShape {
        namespace: "default".into(),
        basename: "myapp".into(),
        host: NodeHost::Address,
        target: SrvTarget::Pod,
        ports: [Port { number: 4369, protocol: Protocol::Tcp, name: "epmd".into() }].into(),
    });
    let peer = |index: u32| {
        let address = IpAddr::V4((0x0a00_0000 + index).into());
        Arc::new(Peer::new(address, vec![address], None, Arc::clone(&shape)))
    };
    writer.apply(&Change::Peer { set: set(), old: old.map(peer), new: new.map(peer) });
}

fn snapshot(peers: u32) -> Arc<Snapshot> {
    writer(peers).publish(Some(7)).unwrap()
}

fn policy(rules: Vec<TransferRule>) -> Policy {
    Policy { keys: vec![key()], transfers: TransferList::new(rules), ..Policy::default() }
}

fn by_address() -> TransferRule {
    TransferRule { clients: vec![Network::new(CLIENT, 32)], key: None, zones: Vec::new(), incremental: true }
}

fn by_key() -> TransferRule {
    TransferRule { clients: Vec::new(), key: Some(name("a.key")), zones: Vec::new(), incremental: true }
}

fn request(zone: &str, rtype: RecordType, serial: Option<u32>) -> Vec<u8> {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    let zone: hickory_proto::rr::Name = format!("{zone}.").parse().unwrap();
    message.add_query(Query::query(zone.clone(), rtype));
    if let Some(serial) = serial {
        let root = hickory_proto::rr::Name::root();
        let soa = SOA::new(root.clone(), root, serial, 0, 0, 0, 0);
        message.authorities.push(Record::from_rdata(zone, 0, RData::SOA(soa)));
    }
    message.to_vec().unwrap()
}

fn signed(request: &[u8], key: &Arc<TsigKey>, now: u32) -> Vec<u8> {
    let mut message = request.to_vec();
    let (mut signing, length) = (Signing::request(key, 0x1234), message.len());
    message.resize(length + signing.room(), 0);
    let length = signing.sign(&mut message, length, now.into(), None).unwrap();
    message.truncate(length);
    message
}

/// What becomes of a request: its answer, or the transfer that it is let in for.
fn ask(
    request: &[u8],
    transport: Transport,
    policy: &Policy,
    snapshot: &Snapshot,
) -> Result<TransferRequest, Box<Message>> {
    let context = Context { snapshot, policy, limiter: None, now: NOW };
    let (mut scratch, mut out) = (Scratch::new(), vec![0; 65_535]);
    match answer(request, &Client { transport, address: CLIENT }, 0, &context, &mut scratch, &mut out) {
        Outcome::Transfer => Ok(*scratch.take_transfer().unwrap()),
        Outcome::Reply(length) => Err(Box::new(Message::from_vec(&out[..length]).unwrap())),
        Outcome::Drop => panic!("dropped"),
    }
}

fn messages(request: &TransferRequest, snapshot: &Snapshot, journal: Option<&Journal>) -> Vec<Vec<u8>> {
    let zone = snapshot.transferable(request.apex()).unwrap();
    let steps = request.since().and_then(|since| journal?.since(&zone, since));
    let mut all = Vec::new();
    let made = each_message(request, &zone, steps.as_deref(), &mut || NOW.into(), &mut |message| {
        all.push(message.to_vec());
        ControlFlow::Continue(())
    });
    assert_eq!(made, Ok(()));
    all
}

fn records(messages: &[Vec<u8>]) -> Vec<Record> {
    messages.iter().flat_map(|message| Message::from_vec(message).unwrap().answers).collect()
}

fn text(record: &Record) -> String {
    format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data)
}

#[test]
fn a_whole_zone_stands_between_two_soas() {
    for peers in [0, 1, 90, 91, 3000] {
        let snapshot = snapshot(peers);
        let request = ask(
            &request(ZONE, RecordType::AXFR, None),
            Transport::Tcp,
            &policy(vec![by_address()]),
            &snapshot,
        );
        let messages = messages(&request.unwrap(), &snapshot, None);
        for (index, message) in messages.iter().enumerate() {
            let message = Message::from_vec(message).unwrap();
            assert_eq!((message.id, message.response_code), (0x1234, ResponseCode::NoError));
            assert!(message.authoritative && !message.truncation);
            assert_eq!(message.queries.len(), usize::from(index == 0));
            assert!(message.answers.iter().all(|record| record.dns_class == DNSClass::IN));
        }
        assert_eq!(messages.len() > 1, peers >= 90);
        assert!(messages.iter().all(|message| message.len() < 17_000));
        let records = records(&messages);
        let (first, last) = (records.first().unwrap(), records.last().unwrap());
        assert_eq!((text(first), first.record_type()), (text(last), RecordType::SOA));
        let between = &records[1..records.len() - 1];
        assert!(between.iter().all(|record| record.record_type() != RecordType::SOA));
        let texts: BTreeSet<String> = between.iter().map(text).collect();
        assert_eq!(texts.len(), between.len(), "each once");
        // NS, address of the name server, version; and of each peer A, SRV, TXT, SRV of the port, and A of its own name.
        assert_eq!(texts.len(), 3 + 5 * peers as usize);
        let files: Vec<_> = snapshot.master_files().collect();
        let (_, file) = files.iter().find(|(apex, _)| **apex == name(ZONE)).unwrap();
        let lines = file.lines().filter(|line| !line.starts_with(';')).count();
        assert_eq!(lines, 1 + texts.len(), "as in the master file");
    }
}

#[test]
fn what_has_changed_stands_between_the_serials() {
    let mut writer = writer(3);
    let first = writer.publish(Some(7)).unwrap();
    change(&mut writer, Some(1), Some(5));
    let second = writer.publish(Some(9)).unwrap();
    let mut journal = Journal::default();
    let limits = JournalLimits { octets: 10_000, steps: 5 };
    for snapshot in [&first, &second] {
        journal.give(snapshot, &snapshot.transferable(&name(ZONE)).unwrap(), limits);
    }
    let policy = policy(vec![by_address()]);
    let given = |serial| {
        let request =
            ask(&request(ZONE, RecordType::IXFR, Some(serial)), Transport::Tcp, &policy, &second).unwrap();
        records(&messages(&request, &second, Some(&journal))).iter().map(text).collect::<Vec<_>>()
    };
    let soa = |serial| format!("{ZONE}. 5 SOA ns.dns.{ZONE}. hostmaster.{ZONE}. {serial} 30 5 604800 5");
    let steps = given(7);
    assert_eq!((&steps[0], &steps[1], steps.last().unwrap()), (&soa(9), &soa(7), &soa(9)));
    let middle = steps.iter().skip(1).position(|record| *record == soa(9)).unwrap() + 1;
    let (removed, added) = (&steps[2..middle], &steps[middle + 1..steps.len() - 1]);
    assert_eq!((removed.len(), added.len()), (5, 5));
    assert!(
        removed.iter().all(|record| record.contains("10.0.0.1") || record.contains("10-0-0-1.")),
        "{removed:?}"
    );
    assert!(
        added.iter().all(|record| record.contains("10.0.0.5") || record.contains("10-0-0-5.")),
        "{added:?}"
    );
    // RFC 1995 2: the same or a newer version. Where the journal does not reach back, the whole zone.
    assert_eq!((given(9), given(10)), (vec![soa(9)], vec![soa(9)]));
    assert_eq!(given(6).len(), 2 + 3 + 5 * 3);
}

#[test]
fn who_may_not_is_told_why() {
    let snapshot = snapshot(1);
    let whole = request(ZONE, RecordType::AXFR, None);
    let refused = |request: &[u8], transport, policy: &Policy| {
        let message = ask(request, transport, policy, &snapshot).unwrap_err();
        assert_eq!(message.answers.len(), 0);
        message.response_code
    };
    let far = || TransferRule { clients: vec![Network::new([198, 51, 100, 1].into(), 32)], ..by_address() };
    let elsewhere = || TransferRule { zones: vec![name("other")], ..by_address() };
    for (rules, request, transport, rcode) in [
        (vec![], whole.clone(), Transport::Tcp, ResponseCode::Refused),
        (vec![far()], whole.clone(), Transport::Tcp, ResponseCode::Refused),
        (vec![elsewhere()], whole.clone(), Transport::Tcp, ResponseCode::Refused),
        (vec![by_key()], whole.clone(), Transport::Tcp, ResponseCode::Refused),
        (vec![by_address()], whole.clone(), Transport::Udp, ResponseCode::Refused),
        (
            vec![by_address()],
            request("svc.peers.cluster.local", RecordType::AXFR, None),
            Transport::Tcp,
            ResponseCode::NotAuth,
        ),
        (
            vec![by_address()],
            request("example", RecordType::AXFR, None),
            Transport::Tcp,
            ResponseCode::Refused,
        ),
        (
            vec![by_address()],
            request("pod.cluster.local", RecordType::AXFR, None),
            Transport::Tcp,
            ResponseCode::Refused,
        ),
        (vec![by_address()], request(ZONE, RecordType::IXFR, None), Transport::Tcp, ResponseCode::FormErr),
    ] {
        assert_eq!(refused(&request, transport, &policy(rules.clone())), rcode, "{rules:?}");
    }
    let early = SnapshotWriter::new(config(PodNames::Verified)).unwrap().before_first();
    let message = ask(&whole, Transport::Tcp, &policy(vec![by_address()]), &early).unwrap_err();
    assert_eq!(message.response_code, ResponseCode::ServFail);
}

#[test]
fn by_udp_the_present_serial_is_told() {
    let snapshot = snapshot(1);
    for serial in [1, 7, 9] {
        let request = request(ZONE, RecordType::IXFR, Some(serial));
        let message = ask(&request, Transport::Udp, &policy(vec![by_address()]), &snapshot).unwrap_err();
        assert_eq!(message.response_code, ResponseCode::NoError);
        let [record] = &message.answers[..] else { panic!("{message}") };
        assert!(matches!(&record.data, RData::SOA(soa) if soa.serial == 7), "{message}");
    }
}

#[test]
fn a_secondary_of_several_primaries_gets_whole_zones() {
    let snapshot = snapshot(1);
    let rule = TransferRule { incremental: false, ..by_address() };
    let request = request(ZONE, RecordType::IXFR, Some(7));
    assert_eq!(ask(&request, Transport::Tcp, &policy(vec![rule]), &snapshot).unwrap().since(), None);
}

#[test]
fn signatures_are_looked_at_first() {
    let snapshot = snapshot(1);
    let whole = request(ZONE, RecordType::AXFR, None);
    let policy = policy(vec![by_key()]);
    let other = Arc::new(TsigKey::new(name("a.key"), TsigAlgorithm::Sha256, b"another secret!!"[..].into()));
    let unknown =
        Arc::new(TsigKey::new(name("b.key"), TsigAlgorithm::Sha256, b"0123456789abcdef"[..].into()));
    for (request, error, is_signed) in [
        (signed(&whole, &other, NOW), 16, false),
        (signed(&whole, &unknown, NOW), 17, false),
        (signed(&whole, &key(), NOW - 301), 18, true),
        (signed(&whole, &key(), NOW + 301), 18, true),
    ] {
        let context = Context { snapshot: &snapshot, policy: &policy, limiter: None, now: NOW };
        let client = Client { transport: Transport::Tcp, address: CLIENT };
        let mut out = vec![0; 65_535];
        let outcome = answer(&request, &client, 0, &context, &mut Scratch::new(), &mut out);
        let Outcome::Reply(length) = outcome else { panic!("{outcome:?}") };
        let out = &out[..length];
        assert_eq!(out[3] & 0xf, 9, "NOTAUTH");
        let mut records = crate::wire::PseudoRecords::default();
        records.read(out, &crate::wire::Header::read(out).unwrap(), None).unwrap();
        let tsig = records.tsig.unwrap();
        assert_eq!((tsig.error, tsig.mac.is_empty()), (error, !is_signed));
        if error == 18 {
            let time = [&[0; 2], tsig.other].concat();
            assert_eq!(u64::from_be_bytes(time.try_into().unwrap()), u64::from(NOW), "the server's time");
            assert_ne!(tsig.time(), u64::from(NOW), "the client's time");
        }
    }
    let request = ask(&signed(&whole, &key(), NOW), Transport::Tcp, &policy, &snapshot).unwrap();
    assert!(request.is_signed());
    let messages = messages(&request, &snapshot, None);
    // The first message of a transfer is signed as an answer; `dig` and secondaries verify the others in tests of their own.
    let mut records = crate::wire::PseudoRecords::default();
    records.read(&messages[0], &crate::wire::Header::read(&messages[0]).unwrap(), None).unwrap();
    let tsig = records.tsig.unwrap();
    assert_eq!((tsig.error, tsig.mac.len(), tsig.time()), (0, 32, NOW.into()));
    assert!(
        verify(&messages[0], &tsig, &key(), NOW.into()).is_err(),
        "its signature is over that of the request"
    );
}

/// RFC 8945 5.2.2.1: of lengths that no MAC has, FORMERR tells, without a signature.
#[test]
fn macs_have_lengths_that_there_are() {
    let snapshot = snapshot(1);
    let bare = request(ZONE, RecordType::AXFR, None);
    let policy = policy(vec![by_key()]);
    let signed = signed(&bare, &key(), NOW);
    // Behind the MAC: original ID, error, length of other data.
    let (head, rest) = signed.split_at(signed.len() - 6 - 32);
    let (mac, tail) = rest.split_at(32);
    let length_at = bare.len() + key().name().as_wire().len() + 8;
    for (octets, rcode, has_tsig) in
        [(31, 9, true), (16, 9, true), (15, 1, false), (0, 1, false), (33, 1, false)]
    {
        let mut message = head[..head.len() - 2].to_vec();
        let mac = [mac, &[7]].concat()[..octets].to_vec();
        message.extend_from_slice(&u16::try_from(octets).unwrap().to_be_bytes());
        message.extend_from_slice(&mac);
        message.extend_from_slice(tail);
        let data = u16::try_from(message.len() - length_at - 2).unwrap();
        message[length_at..length_at + 2].copy_from_slice(&data.to_be_bytes());
        let context = Context { snapshot: &snapshot, policy: &policy, limiter: None, now: NOW };
        let client = Client { transport: Transport::Tcp, address: CLIENT };
        let mut out = vec![0; 65_535];
        let outcome = answer(&message, &client, 0, &context, &mut Scratch::new(), &mut out);
        let Outcome::Reply(length) = outcome else { panic!("{outcome:?}") };
        let out = &out[..length];
        let mut records = crate::wire::PseudoRecords::default();
        records.read(out, &crate::wire::Header::read(out).unwrap(), None).unwrap();
        assert_eq!((out[3] & 0xf, records.tsig.is_some()), (rcode, has_tsig), "{octets} octets");
    }
}

#[test]
fn news_of_a_zone_is_read_by_others() {
    let snapshot = snapshot(1);
    let zone = snapshot.transferable(&name(ZONE)).unwrap();
    let (message, mac) = notify_message(&zone, 99, None, 0);
    assert!(mac.is_none());
    let read = Message::from_vec(&message).unwrap();
    assert_eq!((read.id, read.op_code, read.message_type), (99, OpCode::Notify, MessageType::Query));
    assert!(read.authoritative);
    assert_eq!(read.queries[0].query_type(), RecordType::SOA);
    assert!(matches!(&read.answers[0].data, RData::SOA(soa) if soa.serial == 7));
    assert!(notify_answer(&message).is_none(), "a question is no answer");
    let (signed, mac) = notify_message(&zone, 99, Some(&key()), NOW.into());
    let mac = mac.unwrap();
    let mut records = crate::wire::PseudoRecords::default();
    records.read(&signed, &crate::wire::Header::read(&signed).unwrap(), None).unwrap();
    assert_eq!(verify(&signed, &records.tsig.unwrap(), &key(), NOW.into()), Ok(()));
    let mut back = message;
    back[2] |= 0x80;
    let read = |back: &[u8]| notify_answer(back).map(|(answer, zone)| (answer.id, zone, answer.rcode));
    assert_eq!(read(&back), Some((99, Some(name(ZONE)), crate::wire::Rcode::NOERROR)));
    let unsigned = notify_answer(&back).unwrap().0;
    assert_eq!(unsigned.verify(&key(), &mac, NOW.into()), Err(TsigFault::BadSignature));

    // As a secondary signs it: over the signature of the request.
    let request = records.tsig.unwrap();
    let (mut answer, length) = (back.clone(), back.len());
    let mut signing = Signing::answer(&key(), &request);
    answer.resize(length + signing.room(), 0);
    let length = signing.sign(&mut answer, length, NOW.into(), None).unwrap();
    answer.truncate(length);
    let good = notify_answer(&answer).unwrap().0;
    for (mac, now, outcome) in [
        (&mac, NOW, Ok(())),
        (&mac, NOW + 301, Err(TsigFault::BadTime)),
        (signing.mac().unwrap(), NOW, Err(TsigFault::BadSignature)),
    ] {
        assert_eq!(good.verify(&key(), mac, now.into()), outcome);
    }

    back[3] = 9;
    back[5] = 0;
    assert_eq!(read(&back), Some((99, None, crate::wire::Rcode::NOTAUTH)));
    assert_eq!(read(&back[..5]), None);
}
