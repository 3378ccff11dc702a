//! The message that tells a secondary of a change, and what comes back (RFC 1996).

use crate::wire::{
    Class, Flags, HEADER_LEN, Header, Mac, Name, Opcode, PseudoRecords, QueryName, Question, Rcode,
    RecordType, SignedAnswers, Signing, Tsig, TsigFault, TsigKey,
};
use crate::zone::TransferZone;
use std::sync::Arc;

/// A message to a secondary: this zone has changed. Signed by the key at `now`, Unix time in seconds, where there is one;
/// then with its signature, that of the answer goes on from.
pub fn notify_message(
    zone: &TransferZone<'_>,
    id: u16,
    key: Option<&Arc<TsigKey>>,
    now: u64,
) -> (Vec<u8>, Option<Mac>) {
    let apex = zone.apex().as_wire();
    // RFC 1996 3.7: the new SOA may be in the answer section, for the secondary to see at once whether it has that.
    let header = Header {
        id,
        flags: Flags::of(Opcode::NOTIFY) | Flags::AA,
        questions: 1,
        answers: 1,
        authorities: 0,
        additionals: 0,
    };
    let mut message = header.to_octets().to_vec();
    message.extend_from_slice(apex);
    for field in [RecordType::SOA.0, Class::IN.0] {
        message.extend_from_slice(&field.to_be_bytes());
    }
    // A pointer to the question's name, right behind the header.
    message.extend_from_slice(&[0xc0, 12]);
    message.extend_from_slice(&zone.soa());
    let mut mac = None;
    if let Some(key) = key {
        let (mut signing, length) = (Signing::request(key, id), message.len());
        message.resize(length + signing.room(), 0);
        // There is a header and room.
        let signed = signing.sign(&mut message, length, now, None).unwrap_or(length);
        message.truncate(signed);
        mac = signing.mac().copied();
    }
    (message, mac)
}

/// What answers such a message.
#[derive(Debug, Clone, Copy)]
pub struct NotifyAnswer<'a> {
    /// Its ID.
    pub id: u16,
    /// The response code.
    pub rcode: Rcode,
    /// The signature, if there is one.
    pub tsig: Option<Tsig<'a>>,
    message: &'a [u8],
}

impl NotifyAnswer<'_> {
    /// Whether it is signed as the answer to a message with this signature by this key must be. `now` is Unix time in
    /// seconds.
    pub fn verify(&self, key: &Arc<TsigKey>, mac: &Mac, now: u64) -> Result<(), TsigFault> {
        SignedAnswers::new(key, mac).next(self.message, self.tsig.as_ref(), now)
    }
}

/// Reads an answer to such a message, and the zone that it is about if it says so; nothing of what is none.
pub fn notify_answer(message: &[u8]) -> Option<(NotifyAnswer<'_>, Option<Name>)> {
    let header = Header::read(message)?;
    if !header.flags.contains(Flags::QR) || header.flags.opcode() != Opcode::NOTIFY {
        return None;
    }
    let mut name = QueryName::new();
    // RFC 1996 3.8: the question is repeated; an error may leave it out.
    let zone = (header.questions == 1 && message.len() > HEADER_LEN)
        .then(|| Question::read(message, &mut name).ok())
        .flatten()
        .and_then(|_| Some(Name::split_from(name.as_wire())?.0));
    let mut records = PseudoRecords::default();
    // What cannot be read has no signature.
    let tsig = records.read(message, &header, None).ok().and(records.tsig);
    Some((NotifyAnswer { id: header.id, rcode: header.flags.rcode(), tsig, message }, zone))
}

/// Where who is told of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// The address.
    pub address: std::net::SocketAddr,
    /// The key that messages to it are signed with.
    pub key: Option<Arc<TsigKey>>,
    /// Apexes; empty: all zones.
    pub zones: Vec<Name>,
}
