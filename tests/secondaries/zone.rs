//! Zones as clients see them: their serials, and all of their records, fetched by AXFR.

use crate::keys::Key;
use crate::rosterd::PATIENCE;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
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

fn query(zone: &str, rtype: RecordType) -> Vec<u8> {
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
    let mut stream = TcpStream::connect(server).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let query = query(zone, RecordType::AXFR);
    let frame = [&u16::try_from(query.len()).unwrap().to_be_bytes(), &query[..]].concat();
    stream.write_all(&frame).map_err(|error| error.to_string())?;
    let (mut soas, mut contents) = (0, Contents { serial: 0, records: BTreeSet::new() });
    while soas < 2 {
        let mut length = [0; 2];
        stream.read_exact(&mut length).map_err(|error| error.to_string())?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message).map_err(|error| error.to_string())?;
        let message = Message::from_vec(&message).map_err(|error| error.to_string())?;
        if message.response_code != ResponseCode::NoError {
            return Err(format!("{:?}", message.response_code));
        }
        for record in &message.answers {
            if let RData::SOA(soa) = &record.data {
                soas += 1;
                assert!(soas == 1 || contents.serial == soa.serial, "two serials in one transfer");
                contents.serial = soa.serial;
                continue;
            }
            assert_eq!(soas, 1, "a record outside of the SOAs");
            contents.records.insert(
                format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data)
                    .to_lowercase(),
            );
        }
    }
    Ok(contents)
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
