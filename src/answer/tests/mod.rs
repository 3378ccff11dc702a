//! Every message that leaves is decoded by a second parser; what is served is made by the real zone.

mod access;
mod cases;
mod chaos;
mod cookies;
mod failures;
mod hostile;
mod options;
mod short;
mod sizes;
mod static_zones;
mod world;

use super::{Client, Context, Outcome, Policy, Scratch, Transport, answer};
use crate::wire::RecordType;
use crate::zone::Snapshot;
use hickory_proto::op::Message;
use std::net::{IpAddr, Ipv4Addr};

/// Where tests ask from.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// When tests ask: Unix time in seconds.
const NOW: u32 = 1_700_000_000;

/// RD, as stub resolvers send it.
const RD: u16 = 0x0100;

/// A query to be.
#[derive(Debug, Clone)]
struct Query {
    name: Vec<u8>,
    qtype: u16,
    class: u16,
    flags: u16,
    /// UDP size, TTL and options of the OPT record.
    edns: Option<(u16, u32, Vec<u8>)>,
}

impl Query {
    fn new(name: &str, qtype: RecordType) -> Query {
        let mut wire = Vec::new();
        for label in name.split('.').filter(|label| !label.is_empty()) {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend_from_slice(label.as_bytes());
        }
        wire.push(0);
        Query { name: wire, qtype: qtype.0, class: 1, flags: RD, edns: None }
    }

    fn edns(self, udp_size: u16) -> Query {
        Query { edns: Some((udp_size, 0, Vec::new())), ..self }
    }

    /// The same with an option more.
    fn option(self, code: u16, data: &[u8]) -> Query {
        let (udp_size, ttl, mut options) = self.edns.unwrap_or((1232, 0, Vec::new()));
        options.extend_from_slice(&code.to_be_bytes());
        options.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        options.extend_from_slice(data);
        Query { edns: Some((udp_size, ttl, options)), ..self }
    }

    fn octets(&self) -> Vec<u8> {
        let mut octets = vec![0x12, 0x34];
        octets.extend_from_slice(&self.flags.to_be_bytes());
        octets.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, u8::from(self.edns.is_some())]);
        octets.extend_from_slice(&self.name);
        octets.extend_from_slice(&self.qtype.to_be_bytes());
        octets.extend_from_slice(&self.class.to_be_bytes());
        if let Some((udp_size, ttl, options)) = &self.edns {
            octets.extend_from_slice(&[0, 0, 41]);
            octets.extend_from_slice(&udp_size.to_be_bytes());
            octets.extend_from_slice(&ttl.to_be_bytes());
            octets.extend_from_slice(&u16::try_from(options.len()).unwrap().to_be_bytes());
            octets.extend_from_slice(options);
        }
        octets
    }
}

/// The answer's octets; nothing where the query was dropped.
fn answer_into(
    query: &[u8],
    transport: Transport,
    rotation: u32,
    snapshot: &Snapshot,
    out: &mut [u8],
) -> Option<Vec<u8>> {
    let policy = Policy::default();
    let context = Context { snapshot, policy: &policy, limiter: None, now: NOW };
    answer_in(&context, query, &Client { transport, address: ADDRESS }, rotation, out)
}

fn answer_in(
    context: &Context<'_>,
    query: &[u8],
    client: &Client,
    rotation: u32,
    out: &mut [u8],
) -> Option<Vec<u8>> {
    match answer(query, client, rotation, context, &mut Scratch::new(), out) {
        Outcome::Reply(length) => Some(out[..length].to_vec()),
        Outcome::Drop | Outcome::Transfer => None,
    }
}

/// The answer by other settings than the default ones.
fn ask_by(policy: &Policy, query: &Query, transport: Transport, snapshot: &Snapshot) -> Message {
    let context = Context { snapshot, policy, limiter: None, now: NOW };
    let client = Client { transport, address: ADDRESS };
    decode(&answer_in(&context, &query.octets(), &client, 0, &mut vec![0; 65535]).expect("an answer"))
}

fn octets_of(query: &Query, transport: Transport, rotation: u32, snapshot: &Snapshot) -> Vec<u8> {
    answer_into(&query.octets(), transport, rotation, snapshot, &mut vec![0xa5; 65535]).expect("an answer")
}

fn ask(query: &Query, transport: Transport, snapshot: &Snapshot) -> Message {
    decode(&octets_of(query, transport, 0, snapshot))
}

fn decode(octets: &[u8]) -> Message {
    Message::from_vec(octets).unwrap_or_else(|error| panic!("{error}: {}", octets.escape_ascii()))
}

/// The data of all options of an answer with this code.
fn options(message: &Message, code: u16) -> Vec<Vec<u8>> {
    let options = message.edns.iter().flat_map(|edns| &edns.options().options);
    options
        .filter(|(found, _)| u16::from(*found) == code)
        .map(|(_, option)| Vec::<u8>::try_from(option).unwrap())
        .collect()
}

/// INFO-CODEs and texts of the extended errors of an answer.
fn explanations(message: &Message) -> Vec<(u16, String)> {
    let errors = options(message, 15).into_iter();
    errors
        .map(|data| {
            let text = String::from_utf8(data[2..].to_vec()).unwrap();
            (u16::from_be_bytes([data[0], data[1]]), text)
        })
        .collect()
}
