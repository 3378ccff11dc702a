//! Anything as a request for a zone, or as news of one: RFC 5936, 1995, 1996, 8945.
//!
//! The first octet of an input says over what, to whom and how it is signed (see [`check`]); the rest is the message.

use crate::tsig::{self, key};
use crate::world::{self, NOW};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RData;
use rosterd::answer::{
    Client, Context, Network, Outcome, Policy, Scratch, TransferList, TransferRequest, TransferRule,
    Transport, answer, each_message, notify_answer,
};
use rosterd::roster::{Event, EventKind, Gives, Roster, Scope, WatchId};
use rosterd::source::manifest::parse;
use rosterd::wire::{Header, Mac, Name, PseudoRecords, SignedAnswers, verify};
use rosterd::zone::{Journal, JournalLimits, PodNames, Snapshot, SnapshotWriter};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

struct World {
    snapshot: Arc<Snapshot>,
    journal: Journal,
    /// By address; by key; by both; nobody.
    policies: [Policy; 4],
}

/// The first of the revisions, which pass the largest serial.
const FIRST: u64 = 0xffff_fff0;

const CLIENT: [u8; 4] = [192, 0, 2, 1];

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut roster = Roster::new(world::options());
    let mut writer = SnapshotWriter::new(world::zones(PodNames::Verified)).expect("zones");
    let mut journal = Journal::default();
    let mut last = writer.before_first();
    for (revision, peers) in [(FIRST, 3_u8), (0xffff_fff9, 120), (0x1_0000_0005, 40), (0x1_0000_0009, 41)] {
        let mut tell = |kind| roster.handle(Event { watch: WatchId(0), revision: Some(revision), kind });
        if revision == FIRST {
            tell(EventKind::Started(Scope::All, Gives::Peers));
        }
        let peers: Vec<String> = (1..=peers).map(|peer| format!("{{ip: 10.0.0.{peer}}}")).collect();
        let manifest = format!(
            "apiVersion: v1\nkind: Endpoints\nmetadata: {{name: web, namespace: default}}\nsubsets: [{{ports: [{{name: \
             http, port: 80}}], addresses: [{}]}}]\n",
            peers.join(", ")
        );
        for object in parse("world", manifest.as_bytes()).expect("a manifest").objects {
            tell(EventKind::Apply(Box::new(object)));
        }
        tell(EventKind::Synced);
        last = world::publish(&mut writer, &roster.take_changes(), revision);
        for (apex, _) in last.serials() {
            let zone = last.transferable(apex).expect("all is listed");
            journal.give(&last, &zone, JournalLimits { octets: 1 << 20, steps: 100 });
        }
    }
    let rule = |clients, key: bool| TransferRule {
        clients,
        key: key.then(|| tsig::key().name().clone()),
        zones: Vec::new(),
        incremental: true,
    };
    let here = || vec![Network::new(CLIENT.into(), 32)];
    let policy =
        |rules| Policy { keys: vec![key()], transfers: TransferList::new(rules), ..Policy::default() };
    World {
        snapshot: last,
        journal,
        policies: [
            policy(vec![rule(here(), false)]),
            policy(vec![rule(Vec::new(), true)]),
            policy(vec![rule(here(), true)]),
            policy(Vec::new()),
        ],
    }
});

/// Bit 0: over UDP. Bits 1 and 2: who may fetch. Bit 3: the message is signed by the key. Bit 4: the client is elsewhere. Bit 5: a
/// secondary answers news with it.
pub fn check(input: &[u8]) {
    let [first, message @ ..] = input else { return };
    let has = |bit: u8| first & (1 << bit) != 0;
    if has(5) {
        return news(message);
    }
    let mut message = message.to_vec();
    if has(3) {
        let Some(signed) = tsig::signed(&message) else { return };
        message = signed;
    }
    let World { snapshot, journal, policies } = &*WORLD;
    let place = usize::from(first >> 1 & 3);
    let policy = &policies[place];
    let address = if has(4) { IpAddr::from([198, 51, 100, 1]) } else { CLIENT.into() };
    let transport = if has(0) { Transport::Udp } else { Transport::Tcp };
    let client = Client { transport, address };
    let context = Context { snapshot, policy, limiter: None, now: NOW };
    let (mut scratch, mut out) = (Scratch::new(), vec![0; 65_535]);
    let room = if has(0) { usize::from(policy.udp_max) } else { out.len() };
    match answer(&message, &client, 0, &context, &mut scratch, &mut out[..room]) {
        Outcome::Drop => {}
        Outcome::Reply(length) => {
            let read = Message::from_vec(&out[..length]).expect("an answer that is read");
            assert_eq!(read.id.to_be_bytes(), message[..2], "the ID is another");
        }
        Outcome::Transfer => {
            let is_near = place == 1 || !has(4);
            assert!(transport == Transport::Tcp && is_near && place != 3, "it may not be fetched");
            let signature = signature(&message);
            assert!(signature.is_some() || place == 0, "it may be fetched with the key alone");
            let request = scratch.take_transfer().expect("what is wanted");
            assert_eq!(request.is_signed(), signature.is_some());
            give(&request, snapshot, journal, signature.as_ref());
        }
    }
    let (refused, others) = policy.transfers.refusals().take();
    assert!(refused.len() <= 1 && others == 0);
}

/// What the answers to a message are signed on from, if its signature is good.
fn signature(message: &[u8]) -> Option<SignedAnswers> {
    let mut records = PseudoRecords::default();
    records.read(message, &Header::read(message)?, None).ok()?;
    let tsig = records.tsig?;
    verify(message, &tsig, &key(), NOW.into()).ok()?;
    Some(SignedAnswers::new(&key(), &mac_of(message)?))
}

/// The signature itself: that of the same message signed again, which gives the same.
fn mac_of(message: &[u8]) -> Option<Mac> {
    tsig::sign_again(message)
}

/// Makes the messages, which must be those of a whole zone, or of steps that lead to it.
fn give(
    request: &TransferRequest,
    snapshot: &Snapshot,
    journal: &Journal,
    signature: Option<&SignedAnswers>,
) {
    let zone = snapshot.transferable(request.apex()).expect("one that may be fetched");
    let steps = request.since().and_then(|since| journal.since(&zone, since));
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut now = || u64::from(NOW);
    each_message(request, &zone, steps.as_deref(), &mut now, &mut |message| {
        messages.push(message.to_vec());
        ControlFlow::Continue(())
    })
    .expect("every message");
    let mut expected = 0_usize;
    let mut count = |_: &Name, _: &[u8]| {
        expected += 1;
        ControlFlow::Continue(())
    };
    let _: ControlFlow<()> = match &steps {
        None => zone.each_record(&mut count),
        Some(steps) => steps.iter().try_for_each(|step| {
            step.difference.removed.each(&mut count)?;
            step.difference.added.each(&mut count)
        }),
    };
    let soas = match steps.as_deref() {
        None => 2,
        Some([]) => 1,
        Some(steps) => 2 + 2 * steps.len(),
    };
    let mut answers = Vec::new();
    let mut verified = signature.cloned();
    for message in &messages {
        let read = Message::from_vec(message).expect("a message that is read");
        assert_eq!(read.response_code, ResponseCode::NoError);
        answers.extend(read.answers);
        if let Some(verified) = &mut verified {
            let mut records = PseudoRecords::default();
            let header = Header::read(message).expect("a header");
            records.read(message, &header, None).expect("records");
            assert_eq!(verified.next(message, records.tsig.as_ref(), NOW.into()), Ok(()));
        }
    }
    assert!(verified.is_none_or(|verified| verified.is_whole()));
    let serial = |place: Option<&hickory_proto::rr::Record>| match &place?.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    };
    assert_eq!(answers.iter().filter(|record| serial(Some(*record)).is_some()).count(), soas);
    assert_eq!(answers.len(), expected + soas);
    assert_eq!(serial(answers.first()), Some(zone.serial()));
    assert_eq!(serial(answers.last()), Some(zone.serial()));
}

/// A secondary's answer to news: read or not, and never taken for signed.
fn news(message: &[u8]) {
    static ASKED: LazyLock<Mac> = LazyLock::new(|| {
        let World { snapshot, .. } = &*WORLD;
        let apex = "peers.cluster.local".parse().expect("a name");
        let zone = snapshot.transferable(&apex).expect("a zone");
        let (_, mac) = rosterd::answer::notify_message(&zone, 7, Some(&key()), NOW.into());
        mac.expect("a signature")
    });
    if let Some((answer, _)) = notify_answer(message) {
        assert!(answer.verify(&key(), &ASKED, NOW.into()).is_err(), "nobody has signed it");
    }
}
