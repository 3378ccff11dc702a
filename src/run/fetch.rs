//! A zone of another server, fetched whole (AXFR).

use super::transfers::{KeyError, key_of_file};
use crate::wire::{Header, Name, PseudoRecords, SignedAnswers, Signing, TsigFault};
use crate::zone::record_text;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{self, RData};
use hickory_proto::serialize::binary::{BinEncodable as _, BinEncoder, NameEncoding};
use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most records of a zone: a hundred times what a large cluster has.
const RECORDS_MAX: usize = 50_000_000;

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
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).map_err(system)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(system)?;
    let length = u16::try_from(query.len()).map_err(|_| no_zone("the request is too long"))?;
    stream.write_all(&[&length.to_be_bytes(), &query[..]].concat()).map_err(system)?;
    let mut soa: Option<(u32, String)> = None;
    let mut records = BTreeSet::new();
    loop {
        let octets = message(&mut stream).map_err(system)?;
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
        if records.len() > RECORDS_MAX {
            return Err(no_zone("it has too many records"));
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

fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// The response code as it is known by its name.
fn rcode(message: &[u8]) -> String {
    Header::read(message).map_or_else(String::new, |header| header.flags.rcode().to_string())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
