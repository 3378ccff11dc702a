//! Whether two servers answer the same: different answers are no comparable work.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// What a message says, whatever the order of its RRs and the compression of its names.
#[derive(Debug, PartialEq, Eq)]
pub struct Content {
    pub rcode: u8,
    pub authoritative: bool,
    pub truncated: bool,
    pub answer: Vec<Record>,
    pub authority: Vec<Record>,
    /// Without OPT.
    pub additional: Vec<Record>,
}

/// Owner, type and data. No TTL: caches count it down.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    owner: Vec<u8>,
    kind: u16,
    data: Vec<u8>,
}

const NS: u16 = 2;
const SOA: u16 = 6;
const SRV: u16 = 33;
const OPT: u16 = 41;

/// Asks once, by UDP.
pub fn ask(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    socket.send(question)?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

/// Reads a message with one question.
pub fn read(message: &[u8]) -> Option<Content> {
    let header = message.get(..12)?;
    let count = |at: usize| Some(u16::from_be_bytes([*header.get(at)?, *header.get(at + 1)?]));
    let mut at = 12;
    for _ in 0..count(4)? {
        at = name(message, at)?.1 + 4;
    }
    let mut sections = [6, 8, 10].map(|at| (count(at).unwrap_or(0), Vec::new()));
    for (count, records) in &mut sections {
        for _ in 0..*count {
            let (owner, end) = name(message, at)?;
            let fixed = message.get(end..end + 10)?;
            let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
            let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
            at = end + 10;
            let data = data(message, at, length, kind)?;
            at += length;
            if kind != OPT {
                records.push(Record { owner, kind, data });
            }
        }
        records.sort();
    }
    let [answer, authority, additional] = sections.map(|(_, records)| records);
    Some(Content {
        rcode: header[3] & 0x0f,
        authoritative: header[2] & 4 != 0,
        truncated: header[2] & 2 != 0,
        answer,
        authority,
        additional,
    })
}

/// RDATA with its names written out, and without the serial, which each server has from its own start.
fn data(message: &[u8], at: usize, length: usize, kind: u16) -> Option<Vec<u8>> {
    let raw = message.get(at..at + length)?;
    Some(match kind {
        NS => name(message, at)?.0,
        SRV => [raw.get(..6)?, &name(message, at + 6)?.0].concat(),
        SOA => {
            let (primary, end) = name(message, at)?;
            let (mailbox, end) = name(message, end)?;
            [&primary, &mailbox, message.get(end + 4..end + 20)?].concat()
        }
        _ => raw.to_vec(),
    })
}

/// The name at `at` in lower case, and where what follows it begins.
fn name(message: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut name = Vec::new();
    let mut end = None;
    // No name has more labels, and no sound chain more pointers.
    for _ in 0..256 {
        let length = *message.get(at)?;
        match length {
            0 => return Some((name, end.unwrap_or(at + 1))),
            1..=63 => {
                name.extend(message.get(at..=at + usize::from(length))?.to_ascii_lowercase());
                at += 1 + usize::from(length);
            }
            192.. => {
                end.get_or_insert(at + 2);
                at = usize::from(u16::from_be_bytes([length & 0x3f, *message.get(at + 1)?]));
            }
            _ => return None,
        }
    }
    None
}

/// What differs, in a word or two each, where something does.
pub fn difference(ours: &Content, theirs: &Content) -> Vec<&'static str> {
    [
        (ours.rcode != theirs.rcode, "RCODE"),
        (ours.authoritative != theirs.authoritative, "AA"),
        (ours.truncated != theirs.truncated, "TC"),
        (ours.answer != theirs.answer, "answer section"),
        (ours.authority.len() < theirs.authority.len(), "more authority"),
        (ours.authority.len() > theirs.authority.len(), "less authority"),
        (ours.authority.len() == theirs.authority.len() && ours.authority != theirs.authority, "authority"),
        (ours.additional.len() < theirs.additional.len(), "more additional"),
        (ours.additional.len() > theirs.additional.len(), "less additional"),
        (
            ours.additional.len() == theirs.additional.len() && ours.additional != theirs.additional,
            "additional",
        ),
    ]
    .into_iter()
    .filter_map(|(differs, what)| differs.then_some(what))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response to `a. A` with these RRs in its answer section.
    fn message(records: &[&[u8]]) -> Vec<u8> {
        let mut message = vec![0, 1, 0x84, 0, 0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0];
        message.extend(b"\x01a\0\0\x01\0\x01");
        message.extend(records.concat());
        message
    }

    #[test]
    fn order_case_compression_and_ttl_make_no_difference() {
        let one = read(&message(&[
            b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x01",
            b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\0\x02",
            b"\xc0\x0c\0\x02\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0c",
        ]))
        .unwrap();
        let other = read(&message(&[
            b"\x01A\0\0\x02\0\x01\0\0\0\x03\0\x05\x01b\x01a\0",
            b"\x01A\0\0\x01\0\x01\0\0\0\x03\0\x04\x0a\0\0\x02",
            b"\x01A\0\0\x01\0\x01\0\0\0\x03\0\x04\x0a\0\0\x01",
        ]))
        .unwrap();
        assert_eq!(difference(&one, &other), Vec::<&str>::new());
    }

    #[test]
    fn what_differs_is_said_and_what_is_broken_is_not_read() {
        let [one, other] = [1, 2].map(|address| {
            read(&message(&[&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, address]])).unwrap()
        });
        assert_eq!(difference(&one, &other), ["answer section"]);
        assert_eq!(read(&message(&[b"\xc0\x13\0\x01"])), None);
        let mut endless = message(&[b"\xc0\x13\0\x01\0\x01\0\0\0\x05\0\0"]);
        endless[7] = 1;
        assert_eq!(read(&endless), None);
    }
}
