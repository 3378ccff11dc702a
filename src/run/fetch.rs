//! A zone of another server, fetched whole (AXFR).

use super::transfers::{KeyError, key_of_file};
use crate::wire::{Header, Name, PseudoRecords, SignedAnswers, Signing, TsigFault};
use crate::zone::record_text;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{self, RData};
use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder, NameEncoding};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a server may take, whatever it sends.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How long it may be silent.
    silence: Duration,
    /// How long all of it may take.
    time: Duration,
    /// How many records it may send, repeated ones too.
    records: usize,
}

const LIMITS: Limits = Limits {
    silence: Duration::from_secs(10),
    // Twice what this server gives a transfer unless it is set otherwise.
    time: Duration::from_secs(10 * 60),
    // Three times what a million pods have.
    records: 10_000_000,
};

/// A zone as a server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedZone {
    /// The serial of its SOA.
    pub serial: u32,
    /// Its SOA, as a line of a master file.
    pub soa: String,
    /// All other records, so too.
    pub records: BTreeSet<String>,
}

/// Why a zone is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file of the key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server is not there, or went away.
    #[error("cannot fetch from {server}: {error}")]
    System {
        /// The server.
        server: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// It says no.
    #[error("{server} answers {rcode}{}", reason(.rcode))]
    Denied {
        /// The server.
        server: SocketAddr,
        /// The response code.
        rcode: String,
    },
    /// What it sends is no zone.
    #[error("what {server} sends is no zone: {why}")]
    NoZone {
        /// The server.
        server: SocketAddr,
        /// What is wrong with it.
        why: String,
    },
    /// It is not signed as it should be.
    #[error("what {server} sends is not signed by the key: {fault}")]
    Forged {
        /// The server.
        server: SocketAddr,
        /// What is wrong with the signature.
        fault: TsigFault,
    },
}

/// What a response code says of the request.
fn reason(rcode: &str) -> &'static str {
    match rcode {
        "REFUSED" => ": it has no such zone, or does not give it to this address or without a key",
        "NOTAUTH" => ": it has no such zone, or takes the key for no good one: its name, secret or time",
        "SERVFAIL" => ": it has the zone, and not all of it",
        _ => "",
    }
}

/// Fetches a zone; with the file of a key, signed by that.
pub fn fetch(server: SocketAddr, apex: &Name, key: Option<&Path>) -> Result<FetchedZone, FetchError> {
    fetch_within(server, apex, key, LIMITS)
}

fn fetch_within(
    server: SocketAddr,
    apex: &Name,
    key: Option<&Path>,
    limits: Limits,
) -> Result<FetchedZone, FetchError> {
    let until = Instant::now() + limits.time;
    let system = |error| FetchError::System { server, error };
    let no_zone = |why: &str| FetchError::NoZone { server, why: why.to_owned() };
    let key = key.map(key_of_file).transpose()?;
    let mut query = Message::new(0, MessageType::Query, OpCode::Query);
    let zone = rr::Name::from_ascii(apex.to_string()).map_err(|error| no_zone(&error.to_string()))?;
    query.add_query(Query::query(zone, rr::RecordType::AXFR));
    let mut query = query.to_vec().map_err(|error| no_zone(&error.to_string()))?;
    let mut answers = None;
    if let Some(key) = key {
        let (mut signing, length) = (Signing::request(&key, 0), query.len());
        query.resize(length + signing.room(), 0);
        let signed = signing.sign(&mut query, length, now(), None);
        query.truncate(signed.ok_or_else(|| no_zone("the request is too long"))?);
        answers = signing.mac().map(|mac| SignedAnswers::new(&key, mac));
    }
    let mut stream = TcpStream::connect_timeout(&server, limits.silence).map_err(system)?;
    stream.set_read_timeout(Some(limits.silence)).map_err(system)?;
    let length = u16::try_from(query.len()).map_err(|_| no_zone("the request is too long"))?;
    stream.write_all(&[&length.to_be_bytes(), &query[..]].concat()).map_err(system)?;
    let mut soa: Option<(u32, String)> = None;
    let (mut records, mut received) = (BTreeSet::new(), 0);
    loop {
        let octets = message(&mut stream, until).map_err(system)?;
        let read = Message::from_vec(&octets).map_err(|error| no_zone(&error.to_string()))?;
        if read.response_code != ResponseCode::NoError {
            return Err(FetchError::Denied { server, rcode: rcode(&octets) });
        }
        if let Some(answers) = &mut answers {
            let mut pseudo = PseudoRecords::default();
            let header = Header::read(&octets).ok_or_else(|| no_zone("a message without header"))?;
            pseudo.read(&octets, &header, None).map_err(|error| no_zone(&error.to_string()))?;
            let checked = answers.next(&octets, pseudo.tsig.as_ref(), now());
            checked.map_err(|fault| FetchError::Forged { server, fault })?;
        }
        if read.answers.is_empty() {
            return Err(no_zone("a message without records"));
        }
        received += read.answers.len();
        if received > limits.records {
            return Err(no_zone("it has too many records"));
        }
        for record in &read.answers {
            let line = line(record).map_err(|why| no_zone(&why))?;
            match (&record.data, &soa) {
                (RData::SOA(own), None) => soa = Some((own.serial, line)),
                (_, None) => return Err(no_zone("it does not begin with an SOA")),
                (RData::SOA(own), Some((serial, soa))) => {
                    if own.serial != *serial {
                        return Err(no_zone("it is of two serials"));
                    }
                    if answers.as_ref().is_some_and(|answers| !answers.is_whole()) {
                        return Err(FetchError::Forged { server, fault: TsigFault::BadSignature });
                    }
                    return Ok(FetchedZone { serial: *serial, soa: soa.clone(), records });
                }
                (_, Some(_)) => {
                    records.insert(line);
                }
            }
        }
    }
}

/// A record as a line of a master file.
fn line(record: &rr::Record) -> Result<String, String> {
    let owner: Name = record.name.to_ascii().parse().map_err(|error| format!("{}: {error}", record.name))?;
    let rtype = crate::wire::RecordType(record.record_type().into());
    let mut data = Vec::new();
    let mut encoder = BinEncoder::new(&mut data);
    // Data that stand alone have nothing to point at.
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.data.emit(&mut encoder).map_err(|error| format!("{owner} {rtype}: {error}"))?;
    Ok(format!("{owner}\t{}\tIN\t{rtype}\t{}", record.ttl, record_text(rtype, &data)))
}

fn message(stream: &mut TcpStream, until: Instant) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    fill(stream, &mut length, until)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    fill(stream, &mut message, until)?;
    Ok(message)
}

/// Reads as much as there is room for, though it comes an octet at a time, but not for ever.
fn fill(stream: &mut TcpStream, mut room: &mut [u8], until: Instant) -> io::Result<()> {
    while !room.is_empty() {
        if Instant::now() > until {
            return Err(io::Error::new(ErrorKind::TimedOut, "it takes too long"));
        }
        match stream.read(room) {
            Ok(0) => {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    "it ends the connection within the zone",
                ));
            }
            Ok(read) => room = room.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::new(ErrorKind::TimedOut, "it says nothing"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The response code as it is known by its name.
fn rcode(message: &[u8]) -> String {
    Header::read(message).map_or_else(String::new, |header| header.flags.rcode().to_string())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What comes of a server that sends messages with these answers, the last of them for ever, or octets.
    fn fetched(
        limits: Limits,
        mut send: impl FnMut(&mut TcpStream) -> io::Result<()> + Send + 'static,
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let hostile = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while send(&mut stream).is_ok() {}
        });
        let error = fetch_within(server, &"example.".parse().unwrap(), None, limits).unwrap_err();
        hostile.join().unwrap();
        error.to_string().replace(&server.to_string(), "SERVER")
    }

    fn framed(lines: &[(&str, RData)]) -> Vec<u8> {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        for (owner, data) in lines {
            message.add_answer(rr::Record::from_rdata(rr::Name::from_ascii(owner).unwrap(), 5, data.clone()));
        }
        let octets = message.to_vec().unwrap();
        [&u16::try_from(octets.len()).unwrap().to_be_bytes(), &octets[..]].concat()
    }

    fn soa() -> RData {
        let name = rr::Name::from_ascii("ns.example.").unwrap();
        RData::SOA(rr::rdata::SOA::new(name.clone(), name, 1, 1, 1, 1, 1))
    }

    #[test]
    fn what_a_hostile_server_sends_comes_to_an_end() {
        let limits =
            Limits { silence: Duration::from_millis(200), time: Duration::from_secs(60), records: 1000 };
        let address = RData::A(rr::rdata::A::new(192, 0, 2, 1));
        let (first, more) = (framed(&[("example.", soa())]), framed(&[("a.example.", address.clone())]));
        let (mut begun, zone) = (false, [first.clone(), more.clone()]);
        // One record, again and again.
        let endless = move |stream: &mut TcpStream| {
            let [first, more] = &zone;
            let octets = if std::mem::replace(&mut begun, true) { more } else { first };
            stream.write_all(octets)
        };
        assert_eq!(fetched(limits, endless), "what SERVER sends is no zone: it has too many records");
        let wrong_start = move |stream: &mut TcpStream| stream.write_all(&more);
        assert_eq!(
            fetched(limits, wrong_start),
            "what SERVER sends is no zone: it does not begin with an SOA"
        );
        let empty = |stream: &mut TcpStream| stream.write_all(&framed(&[]));
        assert_eq!(fetched(limits, empty), "what SERVER sends is no zone: a message without records");
        // An octet from time to time, of a message that is never whole.
        let hurried = Limits { time: Duration::from_millis(300), silence: Duration::from_secs(60), ..limits };
        let dripping = |stream: &mut TcpStream| {
            std::thread::park_timeout(Duration::from_millis(10));
            stream.write_all(&[0xff])
        };
        assert_eq!(fetched(hurried, dripping), "cannot fetch from SERVER: it takes too long");
        let ended = |_: &mut TcpStream| Err(io::Error::other("enough"));
        let error = fetched(limits, ended);
        assert!(error.starts_with("cannot fetch from SERVER: "), "{error}");
        let garbage = |stream: &mut TcpStream| stream.write_all(b"\0\x0c\x1b[31m garbage");
        let error = fetched(limits, garbage);
        assert!(error.starts_with("what SERVER sends is no zone: "), "{error}");
    }
}
