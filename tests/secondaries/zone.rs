//! Zones as clients see them: their serials, and all of their records, fetched by AXFR.

use crate::keys::Key;
use crate::rosterd::PATIENCE;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A whole zone at one moment.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) serial: u32,
    pub(crate) records: BTreeSet<String>,
}

/// A master file that is served beside the generated zones.
pub(crate) fn static_zone() -> String {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let path = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let path = folder.join("files.example.zone");
        let text = "$TTL 60\n@ SOA ns hostmaster 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n\
                    www CNAME @\n* TXT \"any\" \"one\"\nsub NS ns.sub\nns.sub A 10.0.0.1\n\
                    mail MX 10 www\n_x._tcp SRV 0 0 99 www\nAlso.Upper A 192.0.2.1\n";
        std::fs::write(&path, text).expect("a written zone");
        path
    });
    path.display().to_string()
}

pub(crate) fn query(zone: &str, rtype: RecordType) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(format!("{zone}.").parse::<Name>().unwrap(), rtype));
    message.to_vec().unwrap()
}

/// The serial that a server has of a zone, if it has that.
pub(crate) fn serial(server: SocketAddr, zone: &str) -> Option<u32> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a time");
    socket.send_to(&query(zone, RecordType::SOA), server).expect("a sent query");
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).ok()?;
    let message = Message::from_vec(&answer[..length]).ok()?;
    message.answers.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}

/// All records of a zone; an error is what the server said, or that it broke off. With a key, by `dig`, which verifies every
/// signature.
pub(crate) fn fetch(server: SocketAddr, zone: &str, key: Option<&Key>) -> Result<Contents, String> {
    match key {
        Some(key) => fetch_signed(server, zone, key),
        None => fetch_plain(server, zone),
    }
}

fn fetch_plain(server: SocketAddr, zone: &str) -> Result<Contents, String> {
    let records = transfer(server, &query(zone, RecordType::AXFR))?;
    whole(&records)
}

/// The records of a whole zone: its SOA first and last.
fn whole(records: &[Record]) -> Result<Contents, String> {
    let [first, records @ .., last] = records else { return Err("not a whole zone".to_owned()) };
    let serials = (serial_of(first), serial_of(last));
    let (Some(serial), Some(same)) = serials else { return Err("SOA is not first and last".to_owned()) };
    assert_eq!(serial, same, "two serials in one transfer");
    assert!(records.iter().all(|record| serial_of(record).is_none()), "a SOA between");
    Ok(Contents { serial, records: records.iter().map(in_words).collect() })
}

fn serial_of(record: &Record) -> Option<u32> {
    match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    }
}

fn in_words(record: &Record) -> String {
    format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data).to_lowercase()
}

/// How a request for what has changed was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Whole,
    Steps,
    Nothing,
}

/// What a secondary that has `older` comes to have by IXFR, and how.
pub(crate) fn fetch_since(
    server: SocketAddr,
    zone: &str,
    older: &Contents,
) -> Result<(Since, Contents), String> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    let name = || format!("{zone}.").parse::<Name>().unwrap();
    message.add_query(Query::query(name(), RecordType::IXFR));
    let soa = SOA::new(name(), name(), older.serial, 1, 1, 1, 1);
    message.add_authority(Record::from_rdata(name(), 0, RData::SOA(soa)));
    let all = transfer(server, &message.to_vec().unwrap())?;
    match &*all {
        [one] => {
            let records = older.records.clone();
            assert_eq!(serial_of(one), Some(older.serial), "nothing to tell of another serial");
            Ok((Since::Nothing, Contents { serial: older.serial, records }))
        }
        [_, second, ..] if serial_of(second).is_none() => Ok((Since::Whole, whole(&all)?)),
        [first, records @ .., last] => {
            assert!(serial_of(first) == serial_of(last) && serial_of(first).is_some());
            let mut reached = Contents { serial: older.serial, records: older.records.clone() };
            let mut adding = true;
            for record in records {
                let line = in_words(record);
                match serial_of(record) {
                    Some(serial) => {
                        adding = !adding;
                        assert!(adding || serial == reached.serial, "a step from {serial}");
                        reached.serial = serial;
                    }
                    None if adding => assert!(reached.records.insert(line), "it was there"),
                    None => assert!(reached.records.remove(&line), "{line} was not there"),
                }
            }
            assert_eq!(Some(reached.serial), serial_of(first));
            Ok((Since::Steps, reached))
        }
        [] => Err("nothing".to_owned()),
    }
}

/// All records of the answer to a transfer's request, in order.
fn transfer(server: SocketAddr, query: &[u8]) -> Result<Vec<Record>, String> {
    let mut stream = TcpStream::connect(server).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let frame = [&u16::try_from(query.len()).unwrap().to_be_bytes(), query].concat();
    stream.write_all(&frame).map_err(|error| error.to_string())?;
    let mut records: Vec<Record> = Vec::new();
    let (mut last, mut seen) = (None, 0);
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).map_err(|error| error.to_string())?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message).map_err(|error| error.to_string())?;
        let message = Message::from_vec(&message).map_err(|error| error.to_string())?;
        if message.response_code != ResponseCode::NoError {
            return Err(format!("{:?}", message.response_code));
        }
        records.extend(message.answers.iter().cloned());
        // The end is the SOA that was the first: the second time in whole zones, the third in steps, each of which begins
        // with an older one.
        last = last.or_else(|| records.first().and_then(serial_of));
        seen += message.answers.iter().filter(|record| serial_of(record) == last).count();
        let in_steps = matches!(&*records, [_, second, ..] if serial_of(second).is_some_and(|serial| Some(serial) != last));
        // RFC 1995 2: a single SOA is all there is, where the request had a SOA in its authority section.
        let is_single = records.len() == 1 && query.get(8..10) == Some(&[0, 1]);
        if is_single || (seen == 2 && !in_steps) || seen == 3 {
            return Ok(records);
        }
    }
}

fn fetch_signed(server: SocketAddr, zone: &str, key: &Key) -> Result<Contents, String> {
    let key = format!("{}:{}:{}", key.algorithm, key.name, key.secret);
    let dig = Command::new("dig")
        .args(["+noall", "+answer", "+comments", "+nocookie", "-y", &key, "-p", &server.port().to_string()])
        .args([&format!("@{}", server.ip()), zone, "AXFR"])
        .output()
        .expect("dig (Debian: bind9-dnsutils)");
    let text = String::from_utf8_lossy(&dig.stdout).into_owned();
    if text.contains("failed") || text.contains("Couldn't verify") {
        return Err(if text.contains("; Transfer failed.") { "NotAuth ".to_owned() + &text } else { text });
    }
    // The same records as without a signature; that they are signed by the key is what dig has seen to.
    let mut contents = Contents { serial: 0, records: BTreeSet::new() };
    for line in text.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty()) {
        let mut fields = line.split_whitespace();
        let (Some(owner), Some(ttl), Some(_), Some(rtype)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let data: Vec<&str> = fields.collect();
        if rtype == "SOA" {
            contents.serial = data[2].parse().expect("a serial");
        } else if rtype != "TSIG" {
            contents.records.insert(plain(owner, ttl, rtype, &data.join(" ")));
        }
    }
    Ok(contents)
}

/// A record in the words of the other way to fetch it.
fn plain(owner: &str, ttl: &str, rtype: &str, data: &str) -> String {
    let data = if rtype == "TXT" { data.replace("\" \"", "").replace('"', "") } else { data.to_owned() };
    format!("{owner} {ttl} {rtype} {data}").to_lowercase()
}
