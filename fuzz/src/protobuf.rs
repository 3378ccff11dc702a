//! Any octets as the body of a list or a watch of the Kubernetes API in Protocol Buffers, in pieces of any size: what comes
//! out does not depend on where it was cut. And the same slice in both encodings: it is read as one.
//!
//! The first octet says what is read of which kind, the second how large the pieces are.

use arbitrary::{Result, Unstructured};
use rosterd::roster::ObjectKind;
use rosterd::source::kubernetes::bodies::{self, Encoding::Json, Encoding::Protobuf};
use std::fmt::Write as _;

/// Reads an input.
pub fn check(input: &[u8]) {
    let [how, size, body @ ..] = input else { return };
    let kind = [ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod][usize::from(how >> 2) % 3];
    let pieces = || body.chunks(usize::from(*size).max(1));
    match how & 3 {
        0 => {
            let list = bodies::list(Protobuf, kind, [body]);
            assert_eq!(list, bodies::list(Protobuf, kind, pieces()));
            // An item has a tag and a length at least; two words stand behind the items.
            assert!(list.len() <= body.len() / 2 + 2);
        }
        1 => {
            let watch = bodies::watch(Protobuf, kind, [body]);
            assert_eq!(watch, bodies::watch(Protobuf, kind, pieces()));
            // Each event has its length before it, in four octets.
            assert!(watch.len() <= body.len() / 4);
        }
        2 => drop(bodies::object(Protobuf, kind, body)),
        _ => {
            // What is missing of the input is empty.
            let Ok(Slice { protobuf, json }) = slice(&mut Unstructured::new(body)) else { return };
            let read = bodies::object(Protobuf, ObjectKind::EndpointSlice, &protobuf);
            assert_eq!(read, bodies::object(Json, ObjectKind::EndpointSlice, json.as_bytes()), "{json}");
        }
    }
}

/// An `EndpointSlice` in both encodings.
struct Slice {
    protobuf: Vec<u8>,
    json: String,
}

const NAMES: [&str; 4] = ["web", "db", "a.b", "no label"];
const ADDRESSES: [&str; 6] = ["10.0.0.1", "10.0.0.2", "fd00::1", "::ffff:10.0.0.1", "010.0.0.1", "none"];
const UIDS: [&str; 4] = [
    "00000000-0000-4000-8000-00000000000a",
    "00000000-0000-4000-8000-00000000000A",
    "00000000-0000-4000-8000-0000000000-a",
    "pod-1",
];
const TYPES: [&str; 4] = ["IPv4", "IPv6", "FQDN", "what"];

/// The numbers of fields are those of the `generated.proto` files of `k8s.io/api` and `k8s.io/apimachinery`.
fn slice(from: &mut Unstructured<'_>) -> Result<Slice> {
    let mut metadata = Fields::default();
    metadata.text(1, "name", from.choose(&NAMES)?);
    if from.arbitrary()? {
        metadata.text(3, "namespace", from.choose(&NAMES)?);
    }
    metadata.text(6, "resourceVersion", &from.arbitrary::<u16>()?.to_string());
    if from.arbitrary()? {
        let service = from.choose(&NAMES)?;
        let mut label = Vec::new();
        push(&mut label, 1, b"kubernetes.io/service-name");
        push(&mut label, 2, service.as_bytes());
        push(&mut metadata.protobuf, 11, &label);
        metadata.json("labels", &format!("{{\"kubernetes.io/service-name\":\"{service}\"}}"));
    }
    let mut slice = Fields::default();
    slice.message(1, "metadata", &metadata);
    let mut endpoints = Vec::new();
    for _ in 0..from.int_in_range(0..=3)? {
        endpoints.push(endpoint(from)?);
    }
    slice.messages(2, "endpoints", &endpoints);
    let mut ports = Vec::new();
    for _ in 0..from.int_in_range(0..=2)? {
        let mut port = Fields::default();
        port.text(1, "name", from.choose(&["", "http", "a.b"])?);
        port.text(2, "protocol", from.choose(&["TCP", "UDP", "SCTP", "QUIC"])?);
        let number: u16 = from.arbitrary()?;
        port.number(3, "port", number.into());
        ports.push(port);
    }
    slice.messages(3, "ports", &ports);
    slice.text(4, "addressType", from.choose(&TYPES)?);
    Ok(Slice { json: format!("{{{}}}", slice.json), protobuf: slice.protobuf })
}

fn endpoint(from: &mut Unstructured<'_>) -> Result<Fields> {
    let mut endpoint = Fields::default();
    let mut addresses = Vec::new();
    for _ in 0..from.int_in_range(0..=2)? {
        let address = *from.choose(&ADDRESSES)?;
        push(&mut endpoint.protobuf, 1, address.as_bytes());
        addresses.push(format!("\"{address}\""));
    }
    endpoint.json("addresses", &format!("[{}]", addresses.join(",")));
    let mut conditions = Fields::default();
    for (number, name) in [(1, "ready"), (2, "serving"), (3, "terminating")] {
        if let Some(is) = from.arbitrary::<Option<bool>>()? {
            push_tag(&mut conditions.protobuf, number, 0);
            conditions.protobuf.push(is.into());
            conditions.json(name, if is { "true" } else { "false" });
        }
    }
    endpoint.message(2, "conditions", &conditions);
    if from.arbitrary()? {
        endpoint.text(3, "hostname", from.choose(&["", "web-0", "10-0-0-9", "No Name"])?);
    }
    if from.arbitrary()? {
        let mut target = Fields::default();
        target.text(2, "namespace", from.choose(&["", "web", "db"])?);
        target.text(4, "uid", from.choose(&UIDS)?);
        endpoint.message(4, "targetRef", &target);
    }
    Ok(endpoint)
}

/// The fields of a message in both encodings.
#[derive(Default)]
struct Fields {
    protobuf: Vec<u8>,
    json: String,
}

impl Fields {
    fn json(&mut self, name: &str, value: &str) {
        let comma = if self.json.is_empty() { "" } else { "," };
        write!(self.json, "{comma}\"{name}\":{value}").expect("memory");
    }

    /// `text` needs no escapes.
    fn text(&mut self, number: u64, name: &str, text: &str) {
        push(&mut self.protobuf, number, text.as_bytes());
        self.json(name, &format!("\"{text}\""));
    }

    fn number(&mut self, field: u64, name: &str, number: u64) {
        push_tag(&mut self.protobuf, field, 0);
        push_number(&mut self.protobuf, number);
        self.json(name, &number.to_string());
    }

    fn message(&mut self, number: u64, name: &str, message: &Fields) {
        push(&mut self.protobuf, number, &message.protobuf);
        self.json(name, &format!("{{{}}}", message.json));
    }

    fn messages(&mut self, number: u64, name: &str, messages: &[Fields]) {
        for message in messages {
            push(&mut self.protobuf, number, &message.protobuf);
        }
        let all: Vec<String> = messages.iter().map(|message| format!("{{{}}}", message.json)).collect();
        self.json(name, &format!("[{}]", all.join(",")));
    }
}

/// A field of octets.
fn push(out: &mut Vec<u8>, field: u64, octets: &[u8]) {
    push_tag(out, field, 2);
    push_number(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

fn push_tag(out: &mut Vec<u8>, field: u64, wire_type: u64) {
    push_number(out, field << 3 | wire_type);
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
