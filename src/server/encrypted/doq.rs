//! Messages of DNS over QUIC (RFC 9250 4.2): one query to a stream, with two octets of length before it.

use crate::wire::{HEADER_LEN, Header, PseudoRecords};
use quinn::VarInt;

/// Octets of a stream with the largest query.
pub(super) const STREAM_MAX: usize = 2 + u16::MAX as usize;

/// Error codes (RFC 9250 8.4).
pub(super) const NO_ERROR: VarInt = VarInt::from_u32(0);
pub(super) const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
pub(super) const REQUEST_CANCELLED: VarInt = VarInt::from_u32(3);
pub(super) const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);
pub(super) const UNSPECIFIED_ERROR: VarInt = VarInt::from_u32(5);

/// Whether what a client sent on a stream, up to its end, is one query. Where it is not, RFC 9250 4.3.3 wants the connection
/// closed: a message that is missing, not whole or followed by another, one with an id, or with the edns-tcp-keepalive option.
pub(super) fn is_query(stream: &[u8]) -> bool {
    let Some((&[high, low], message)) = stream.split_first_chunk::<2>() else { return false };
    if message.len() != usize::from(u16::from_be_bytes([high, low])) || message.len() < HEADER_LEN {
        return false;
    }
    // RFC 9250 4.2.1: "the DNS Message ID MUST be set to 0".
    message.starts_with(&[0, 0]) && !has_tcp_keepalive(message)
}

/// RFC 9250 5.5.2: "Clients and servers MUST NOT send the edns-tcp-keepalive EDNS(0) Option".
fn has_tcp_keepalive(message: &[u8]) -> bool {
    let Some(header) = Header::read(message) else { return false };
    let mut records = PseudoRecords::default();
    // What is wrong with a message otherwise, its answer says.
    let _ = records.read(message, &header, None);
    records.edns.is_some_and(|edns| edns.options.tcp_keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_one_whole_query_without_id() {
        let query = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        let with_opt = |options: &[u8]| {
            let mut message = query.to_vec();
            message[11] = 1;
            let length = u8::try_from(options.len()).unwrap();
            message.extend([&b"\0\0\x29\x04\xd0\0\0\0\0\0"[..], &[length], options].concat());
            message
        };
        let framed =
            |message: &[u8]| [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat();
        let with_id = [b"\0\x01", &query[2..]].concat();
        for (stream, is) in [
            (framed(query), true),
            (framed(&with_opt(b"")), true),
            (framed(&with_opt(b"\0\x0c\0\x02\0\0")), true),
            (framed(&with_opt(b"\0\x0b\0\0")), false),
            (framed(&with_opt(b"\0\x0c\0\x09\0\0")), true),
            (framed(&with_id), false),
            (framed(b""), false),
            (framed(&query[..11]), false),
            ([framed(query), framed(query)].concat(), false),
            ([&framed(query)[..], b"\0"].concat(), false),
            (framed(query)[..20].to_vec(), false),
            (vec![], false),
            (vec![0], false),
        ] {
            assert_eq!(is_query(&stream), is, "{stream:?}");
        }
    }
}
