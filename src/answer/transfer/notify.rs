//! The message that tells a secondary of a change, and what comes back (RFC 1996).

use crate::wire::{
    Class, Flags, HEADER_LEN, Header, Name, Opcode, QueryName, Question, Rcode, RecordType, Signing, TsigKey,
};
use crate::zone::TransferZone;
use std::sync::Arc;

/// A message to a secondary: this zone has changed. Signed by the key at `now`, Unix time in seconds, where there is one.
pub fn notify_message(zone: &TransferZone<'_>, id: u16, key: Option<&Arc<TsigKey>>, now: u64) -> Vec<u8> {
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
    if let Some(key) = key {
        let (mut signing, length) = (Signing::request(key, id), message.len());
        message.resize(length + signing.room(), 0);
        // There is a header and room.
        let signed = signing.sign(&mut message, length, now, None).unwrap_or(length);
        message.truncate(signed);
    }
    message
}

/// What answers such a message: its ID, the zone and the response code; nothing of what is none.
pub fn notify_answer(message: &[u8]) -> Option<(u16, Option<Name>, Rcode)> {
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
    Some((header.id, zone, header.flags.rcode()))
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
