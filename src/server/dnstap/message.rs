//! A query and its answer as protocol buffers of `dnstap.proto`.

use super::Seen;
use crate::answer::Transport;
use std::net::IpAddr;

/// Which messages the collector is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Messages {
    /// `AUTH_QUERY`.
    pub(crate) queries: bool,
    /// `AUTH_RESPONSE`.
    pub(crate) responses: bool,
}

/// Who says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The server's name; left out where empty.
    pub(crate) identity: String,
    /// The program and its version; left out where empty.
    pub(crate) version: String,
}

/// `Dnstap` frames of a query and its answer, one for each message that is wanted and that there is.
pub(super) fn frames(seen: &Seen, messages: Messages, identity: &Identity) -> impl Iterator<Item = Vec<u8>> {
    let query = messages.queries.then_some((AUTH_QUERY, &*seen.query));
    let response = seen.response.as_deref().filter(|_| messages.responses);
    let wanted = query.into_iter().chain(response.map(|response| (AUTH_RESPONSE, response)));
    wanted.map(move |(kind, octets)| {
        let mut frame = Fields::default();
        frame.octets(1, identity.identity.as_bytes());
        frame.octets(2, identity.version.as_bytes());
        frame.octets(14, &message(seen, kind, octets).0);
        // Dnstap.Type MESSAGE.
        frame.number(15, 1);
        frame.0
    })
}

/// Message.Type.
const AUTH_QUERY: u64 = 1;
const AUTH_RESPONSE: u64 = 2;

/// `Message`. "query_time" is that of the answer as well: a batch is answered at once.
fn message(seen: &Seen, kind: u64, octets: &[u8]) -> Fields {
    let (seconds, nanoseconds) = (seen.at.as_secs(), seen.at.subsec_nanos());
    let mut fields = Fields::default();
    fields.number(1, kind);
    // SocketFamily INET and INET6; SocketProtocol UDP, TCP, DOT, DOH and DOQ.
    fields.number(2, if seen.client.address.is_ipv4() { 1 } else { 2 });
    let protocol = match seen.client.transport {
        Transport::Udp => 1,
        Transport::Tcp => 2,
        Transport::Tls => 3,
        Transport::Https => 4,
        Transport::Quic => 7,
    };
    fields.number(3, protocol);
    match seen.client.address {
        IpAddr::V4(address) => fields.octets(4, &address.octets()),
        IpAddr::V6(address) => fields.octets(4, &address.octets()),
    }
    fields.number(8, seconds);
    fields.fixed(9, nanoseconds);
    if kind == AUTH_QUERY {
        fields.octets(10, octets);
    } else {
        fields.number(12, seconds);
        fields.fixed(13, nanoseconds);
        fields.octets(14, octets);
    }
    fields
}

/// Fields of a message. Protocol Buffers, "Encoding": a key is "(field_number << 3) | wire_type", a varint.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    /// "0 VARINT".
    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    /// "5 I32".
    fn fixed(&mut self, field: u64, value: u32) {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    /// "2 LEN"; nothing where there is nothing.
    fn octets(&mut self, field: u64, value: &[u8]) {
        if !value.is_empty() {
            self.varint(field << 3 | 2);
            self.varint(value.len() as u64);
            self.0.extend(value);
        }
    }

    /// Seven bits an octet, the lowest first; "the most significant bit" says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push((value & 0x7f) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Client;
    use proptest::prelude::*;
    use prost::Message as _;
    use std::time::Duration;

    /// What a decoder of its own makes of it.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Dnstap {
        #[prost(bytes, optional, tag = "1")]
        identity: Option<Vec<u8>>,
        #[prost(bytes, optional, tag = "2")]
        version: Option<Vec<u8>>,
        #[prost(message, optional, tag = "14")]
        message: Option<Message>,
        #[prost(int32, tag = "15")]
        r#type: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Message {
        #[prost(int32, tag = "1")]
        r#type: i32,
        #[prost(int32, optional, tag = "2")]
        family: Option<i32>,
        #[prost(int32, optional, tag = "3")]
        protocol: Option<i32>,
        #[prost(bytes, optional, tag = "4")]
        query_address: Option<Vec<u8>>,
        #[prost(uint64, optional, tag = "8")]
        query_seconds: Option<u64>,
        #[prost(fixed32, optional, tag = "9")]
        query_nanoseconds: Option<u32>,
        #[prost(bytes, optional, tag = "10")]
        query: Option<Vec<u8>>,
        #[prost(uint64, optional, tag = "12")]
        response_seconds: Option<u64>,
        #[prost(fixed32, optional, tag = "13")]
        response_nanoseconds: Option<u32>,
        #[prost(bytes, optional, tag = "14")]
        response: Option<Vec<u8>>,
    }

    proptest! {
        #[test]
        fn another_decoder_reads_what_was_written(
            tcp: bool,
            address: IpAddr,
            (seconds, nanoseconds) in (0_u64..1 << 40, 0_u32..1_000_000_000),
            query in prop::collection::vec(any::<u8>(), 12..300),
            response in prop::option::of(prop::collection::vec(any::<u8>(), 12..3000)),
            (identity, version) in ("[a-z]{0,200}", "[a-z]{0,3}"),
            (queries, responses) in any::<(bool, bool)>(),
        ) {
            let transport = if tcp { Transport::Tcp } else { Transport::Udp };
            let seen = Seen {
                client: Client { transport, address },
                at: Duration::new(seconds, nanoseconds),
                query: query.clone().into(),
                response: response.clone().map(Into::into),
            };
            let identity = Identity { identity, version };
            let filled = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            let common = Message {
                family: Some(if address.is_ipv4() { 1 } else { 2 }),
                protocol: Some(if tcp { 2 } else { 1 }),
                query_address: Some(octets),
                query_seconds: Some(seconds),
                query_nanoseconds: Some(nanoseconds),
                ..Message::default()
            };
            let asked = Message { r#type: 1, query: Some(query), ..common.clone() };
            let answered = response.map(|response| Message {
                r#type: 2,
                response_seconds: Some(seconds),
                response_nanoseconds: Some(nanoseconds),
                response: Some(response),
                ..common
            });
            let wanted = [Some(asked).filter(|_| queries), answered.filter(|_| responses)];
            let expected: Vec<Dnstap> = wanted.into_iter().flatten().map(|message| Dnstap {
                identity: filled(&identity.identity),
                version: filled(&identity.version),
                message: Some(message),
                r#type: 1,
            }).collect();
            let written = frames(&seen, Messages { queries, responses }, &identity);
            let read: Vec<Dnstap> = written.map(|frame| Dnstap::decode(&*frame).unwrap()).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
