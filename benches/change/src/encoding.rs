//! Slices as an API server writes them: in Protocol Buffers, or in JSON for those who take nothing else.

use crate::world::Slice;
use std::fmt::Write;

/// How bodies are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

/// What events' objects begin with in JSON; the items of lists do without.
const KIND: &str = r#""kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","#;

/// Who wrote which fields: longer than most data, and nobody's.
const MANAGED_FIELDS: &str = r#"{"f:addressType":{},"f:endpoints":{},"f:metadata":{"f:annotations":{".":{},"f:endpoints.kubernetes.io/last-change-trigger-time":{}},"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:endpointslice.kubernetes.io/managed-by":{},"f:kubernetes.io/service-name":{},"f:service.kubernetes.io/headless":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"6f1d8c52-9f5e-4f0e-8a55-1c0ffee0ffee\"}":{}}},"f:ports":{}}"#;

/// RFC 3339 with seconds, as annotations have it.
const TIME: &str = "2026-11-22T12:00:00Z";

impl Encoding {
    pub fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/vnd.kubernetes.protobuf",
            Encoding::Json => "application/json",
        }
    }

    /// An item of a list, ready to stand in one.
    pub fn item(self, slice: &Slice, revision: u64) -> Vec<u8> {
        match self {
            Encoding::Json => json(slice, "", revision),
            Encoding::Protobuf => {
                let mut item = Vec::new();
                push(&mut item, 2, &protobuf(slice, revision));
                item
            }
        }
    }

    /// What stands before the items of a page, and behind them.
    pub fn page<T: AsRef<[u8]>>(self, revision: u64, next: Option<usize>, items: &[T]) -> Vec<u8> {
        let next = next.map(|next| next.to_string()).unwrap_or_default();
        let length: usize = items.iter().map(|item| item.as_ref().len() + 1).sum();
        let mut page = Vec::with_capacity(length + 300);
        match self {
            Encoding::Json => {
                let head = format!(
                    r#"{{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{{"resourceVersion":"{revision}","continue":"{next}"}},"items":["#
                );
                page.extend_from_slice(head.as_bytes());
                for (index, item) in items.iter().enumerate() {
                    page.extend_from_slice(if index > 0 { b"," } else { b"" });
                    page.extend_from_slice(item.as_ref());
                }
                page.extend_from_slice(b"]}");
            }
            Encoding::Protobuf => {
                let mut metadata = Vec::new();
                push(&mut metadata, 2, revision.to_string().as_bytes());
                push(&mut metadata, 3, next.as_bytes());
                let mut list = Vec::with_capacity(length + 100);
                push(&mut list, 1, &metadata);
                items.iter().for_each(|item| list.extend_from_slice(item.as_ref()));
                page = envelope("EndpointSliceList", &list);
            }
        }
        page
    }

    /// An event with the slice as it is now.
    pub fn event(self, slice: &Slice, revision: u64) -> Vec<u8> {
        match self {
            Encoding::Json => {
                let mut line = br#"{"type":"MODIFIED","object":"#.to_vec();
                line.extend(json(slice, KIND, revision));
                line.extend(b"}\n");
                line
            }
            Encoding::Protobuf => frame("MODIFIED", &envelope("EndpointSlice", &protobuf(slice, revision))),
        }
    }

    /// The event that says that a revision is too old.
    pub fn gone(self) -> Vec<u8> {
        match self {
            Encoding::Json => br#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}
"#
            .to_vec(),
            Encoding::Protobuf => {
                let mut status = Vec::new();
                push(&mut status, 4, b"Expired");
                // Field 6, a number: 410.
                status.extend_from_slice(&[0x30, 0x9a, 0x03]);
                frame("ERROR", &envelope("Status", &status))
            }
        }
    }
}

fn frame(event: &str, object: &[u8]) -> Vec<u8> {
    let (mut raw, mut body) = (Vec::new(), Vec::new());
    push(&mut raw, 1, object);
    push(&mut body, 1, event.as_bytes());
    push(&mut body, 2, &raw);
    [&u32::try_from(body.len()).unwrap_or_default().to_be_bytes()[..], &body].concat()
}

fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut about = Vec::new();
    push(&mut about, 1, if kind == "Status" { b"v1" } else { b"discovery.k8s.io/v1" });
    push(&mut about, 2, kind.as_bytes());
    let mut out = b"k8s\0".to_vec();
    push(&mut out, 1, &about);
    push(&mut out, 2, raw);
    push(&mut out, 3, b"");
    push(&mut out, 4, b"");
    out
}

/// The field numbers are those of the `generated.proto` files of `k8s.io/api` and `k8s.io/apimachinery`.
fn protobuf(slice: &Slice, revision: u64) -> Vec<u8> {
    let Slice { namespace, service, place, peers, .. } = slice;
    let mut metadata = Vec::with_capacity(1_400);
    push(&mut metadata, 1, format!("{service}-{place}").as_bytes());
    push(&mut metadata, 2, format!("{service}-").as_bytes());
    push(&mut metadata, 3, namespace.as_bytes());
    push(&mut metadata, 5, format!("6f1d8c52-9f5e-4f0e-8a55-1c0ffee0{place:04x}").as_bytes());
    push(&mut metadata, 6, revision.to_string().as_bytes());
    for (key, value) in [
        ("app", &**service),
        ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"),
        ("kubernetes.io/service-name", service),
        ("service.kubernetes.io/headless", ""),
    ] {
        push(&mut metadata, 11, &pair(key, value));
    }
    push(&mut metadata, 12, &pair("endpoints.kubernetes.io/last-change-trigger-time", TIME));
    let mut managed = Vec::new();
    push(&mut managed, 1, b"kube-controller-manager");
    push(&mut managed, 2, b"Update");
    push(&mut managed, 7, MANAGED_FIELDS.as_bytes());
    push(&mut metadata, 17, &managed);
    let mut out = Vec::with_capacity(1_600 + 170 * peers.len());
    push(&mut out, 1, &metadata);
    for address in peers {
        let [_, second, third, last] = address.octets();
        let mut reference = Vec::with_capacity(120);
        push(&mut reference, 1, b"Pod");
        push(&mut reference, 2, namespace.as_bytes());
        push(&mut reference, 3, format!("{service}-{second:02x}{third:02x}{last:02x}").as_bytes());
        push(
            &mut reference,
            4,
            format!("00000000-0000-4000-8000-0000{:08x}", u32::from(*address)).as_bytes(),
        );
        let mut endpoint = Vec::with_capacity(170);
        push(&mut endpoint, 1, address.to_string().as_bytes());
        push(&mut endpoint, 2, &[0x08, 1, 0x10, 1, 0x18, 0]);
        push(&mut endpoint, 4, &reference);
        push(&mut endpoint, 6, format!("node-{last:03}").as_bytes());
        push(&mut endpoint, 7, format!("zone-{}", last % 3).as_bytes());
        push(&mut out, 2, &endpoint);
    }
    let mut port = Vec::new();
    push(&mut port, 1, b"epmd");
    push(&mut port, 2, b"TCP");
    // Field 3, a number: 4369.
    port.extend_from_slice(&[0x18, 0x91, 0x22]);
    push(&mut out, 3, &port);
    push(&mut out, 4, b"IPv4");
    out
}

fn pair(key: &str, value: &str) -> Vec<u8> {
    let mut pair = Vec::new();
    push(&mut pair, 1, key.as_bytes());
    push(&mut pair, 2, value.as_bytes());
    pair
}

/// A field of octets.
fn push(out: &mut Vec<u8>, field: u64, octets: &[u8]) {
    for mut number in [field << 3 | 2, octets.len() as u64] {
        while number >= 0x80 {
            out.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        out.push(number.to_le_bytes()[0]);
    }
    out.extend_from_slice(octets);
}

fn json(slice: &Slice, head: &str, revision: u64) -> Vec<u8> {
    let Slice { namespace, service, place, peers, .. } = slice;
    let mut text = String::with_capacity(1_800 + 340 * peers.len());
    // Writing to a String does not fail.
    let _ = write!(
        text,
        r#"{{{head}"metadata":{{"name":"{service}-{place}","generateName":"{service}-","namespace":"{namespace}","uid":"6f1d8c52-9f5e-4f0e-8a55-1c0ffee0{place:04x}","resourceVersion":"{revision}","generation":7,"creationTimestamp":"{TIME}","labels":{{"app":"{service}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{service}","service.kubernetes.io/headless":""}},"annotations":{{"endpoints.kubernetes.io/last-change-trigger-time":"{TIME}"}},"managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"discovery.k8s.io/v1","time":"{TIME}","fieldsType":"FieldsV1","fieldsV1":{MANAGED_FIELDS}}}]}},"addressType":"IPv4","endpoints":["#
    );
    for (index, address) in peers.iter().enumerate() {
        let [_, second, third, last] = address.octets();
        let number = u32::from(*address);
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(
            text,
            r#"{comma}{{"addresses":["{address}"],"conditions":{{"ready":true,"serving":true,"terminating":false}},"targetRef":{{"kind":"Pod","namespace":"{namespace}","name":"{service}-{second:02x}{third:02x}{last:02x}","uid":"00000000-0000-4000-8000-0000{number:08x}"}},"nodeName":"node-{last:03}","zone":"zone-{}"}}"#,
            last % 3
        );
    }
    text.push_str(r#"],"ports":[{"name":"epmd","protocol":"TCP","port":4369}]}"#);
    text.into_bytes()
}
