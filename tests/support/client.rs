//! A client of the server: one question over UDP or TCP, the answer decoded by hickory-proto, which shares no code with
//! the server's own codecs.

use crate::rosterd::PATIENCE;
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

/// What carries a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// Asks one question; `udp_size` adds EDNS with that size.
pub(crate) fn ask(
    server: SocketAddr,
    transport: Transport,
    name: &str,
    record_type: &str,
    udp_size: Option<u16>,
) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    let name = Name::from_ascii(name).expect("a domain name");
    message.add_query(Query::query(name, record_type.parse::<RecordType>().expect("a record type")));
    if let Some(size) = udp_size {
        let mut edns = Edns::new();
        edns.set_max_payload(size);
        message.set_edns(edns);
    }
    let question = message.to_vec().expect("an encodable question");
    let answer = match transport {
        Transport::Udp => exchange_udp(server, &question),
        Transport::Tcp => exchange_tcp(server, &question),
    };
    let answer = Message::from_vec(&answer).expect("a decodable answer");
    assert_eq!(answer.metadata.id, message.metadata.id, "the answer to another question");
    assert_eq!(answer.queries, message.queries, "the question is echoed");
    answer
}

fn exchange_udp(server: SocketAddr, question: &[u8]) -> Vec<u8> {
    let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local).expect("a UDP socket");
    socket.connect(server).expect("a connected socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.send(question).expect("a sent question");
    let mut answer = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut answer).expect("an answer");
    answer.truncate(length);
    answer
}

fn exchange_tcp(server: SocketAddr, question: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut framed = u16::try_from(question.len()).expect("a short question").to_be_bytes().to_vec();
    framed.extend_from_slice(question);
    stream.write_all(&framed).expect("a sent question");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer's length");
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).expect("a whole answer");
    answer
}

/// INFO-CODE and text of the extended errors (RFC 8914) of an answer.
pub(crate) fn explanations(answer: &Message) -> Vec<(u16, String)> {
    let options = answer.edns.iter().flat_map(|edns| &edns.options().options);
    options
        .filter(|(code, _)| *code == EdnsCode::Unknown(15))
        .map(|(_, option)| {
            let octets = Vec::<u8>::try_from(option).expect("an option's octets");
            let (code, text) = octets.split_first_chunk().expect("a code");
            (u16::from_be_bytes(*code), String::from_utf8_lossy(text).into_owned())
        })
        .collect()
}

/// The serial that a zone's SOA record has.
pub(crate) fn serial(server: SocketAddr, zone: &str) -> u32 {
    let answer = ask(server, Transport::Udp, zone, "SOA", None);
    let [record] = answer.answers.as_slice() else { panic!("{answer}") };
    let RData::SOA(soa) = &record.data else { panic!("{record}") };
    soa.serial
}

/// The data of records in presentation form, sorted. An SOA's serial is written `SERIAL`: it differs from run to run.
pub(crate) fn data<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<String> {
    let mut data: Vec<String> = records.into_iter().map(|record| presentation(&record.data)).collect();
    data.sort();
    data
}

/// In presentation form, without quotes.
pub(crate) fn presentation(data: &RData) -> String {
    match data {
        RData::A(address) => address.0.to_string(),
        RData::AAAA(address) => address.0.to_string(),
        RData::NS(name) => name.0.to_ascii(),
        RData::PTR(name) => name.0.to_ascii(),
        RData::SRV(srv) => {
            format!("{} {} {} {}", srv.priority, srv.weight, srv.port, srv.target.to_ascii())
        }
        RData::TXT(txt) => {
            let strings: Vec<_> = txt.txt_data.iter().map(|text| String::from_utf8_lossy(text)).collect();
            strings.join("\" \"")
        }
        RData::SOA(soa) => format!(
            "{} {} SERIAL {} {} {} {}",
            soa.mname.to_ascii(),
            soa.rname.to_ascii(),
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        other => format!("{other:?}"),
    }
}
