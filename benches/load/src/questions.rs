//! The peers that are asked for, as `kubectl get endpointslices -A -o json` would print them, and the questions.

use std::fmt::Write;

/// Services of [`SMALL`] peers each; what is asked is spread over all of them.
const SERVICES: usize = 2000;

/// Peers of most services.
const SMALL: usize = 5;

/// Services of [`LARGE`] peers each.
const LARGE_SERVICES: usize = 50;

/// Peers of the large services.
const LARGE: usize = 30;

/// Questions prepared for each shape.
const QUESTIONS: usize = 4096;

/// What is asked, and what a right answer looks like.
pub struct Shape {
    pub label: &'static str,
    /// Messages; the id of each is its index.
    pub questions: Vec<Vec<u8>>,
    /// `None`: the datagram comes back unchanged.
    pub answer: Option<Expected>,
}

/// The header of a right answer.
#[derive(Clone, Copy)]
pub struct Expected {
    pub rcode: u8,
    pub answers: u16,
}

impl Shape {
    /// Whether the header is that of a right answer.
    pub fn is_right(&self, answer: &[u8]) -> bool {
        let Some(expected) = self.answer else { return true };
        // RFC 1035 4.1.1: QR is the first bit of the third octet, RCODE the last four of the fourth, TC not set.
        answer.len() >= 12
            && answer[2] & 0x82 == 0x80
            && answer[3] & 0x0f == expected.rcode
            && answer[6..8] == expected.answers.to_be_bytes()
    }
}

const A: u16 = 1;
const TXT: u16 = 16;
const SRV: u16 = 33;

/// The manifest's text.
pub fn manifest() -> String {
    let mut text = String::from(r#"{"apiVersion":"v1","kind":"List","items":["#);
    for service in 0..SERVICES + LARGE_SERVICES {
        if service > 0 {
            text.push(',');
        }
        let (name, peers) = if service < SERVICES { ("web", SMALL) } else { ("big", LARGE) };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"{{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",
"metadata":{{"name":"{name}{service}-x","namespace":"default","labels":{{"kubernetes.io/service-name":"{name}{service}"}}}},
"ports":[{{"name":"http","port":8080,"protocol":"TCP"}}],"endpoints":["#
        );
        for peer in 0..peers {
            let comma = if peer > 0 { "," } else { "" };
            let address = address(service, peer);
            let _ = write!(
                text,
                r#"{comma}{{"addresses":["{}"],"conditions":{{"ready":true}},"targetRef":{{"kind":"Pod","namespace":"default","name":"p","uid":"00000000-0000-4000-8000-{:012x}"}}}}"#,
                address.join("."),
                service * LARGE + peer
            );
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    text
}

fn address(service: usize, peer: usize) -> [String; 4] {
    [10, service / 250, service % 250, peer + 1].map(|octet| octet.to_string())
}

/// All shapes, the echo first.
pub fn shapes() -> Vec<Shape> {
    let svc = "svc.peers.cluster.local";
    let small = |index: usize| format!("web{}.default.{svc}", index % SERVICES);
    let large = |index: usize| format!("big{}.default.{svc}", SERVICES + index % LARGE_SERVICES);
    let pod = |index: usize| {
        let (service, peer) = (index % SERVICES, index / SERVICES % SMALL);
        format!("{}.default.pod.cluster.local", address(service, peer).join("-"))
    };
    let expect =
        |rcode, answers: usize| Some(Expected { rcode, answers: u16::try_from(answers).unwrap_or(0) });
    vec![
        shape("UDP echo", A, small, None),
        shape("A x 5", A, small, expect(0, SMALL)),
        shape("A x 30", A, large, expect(0, LARGE)),
        shape("A of a pod name", A, pod, expect(0, 1)),
        shape("SRV x 5", SRV, small, expect(0, SMALL)),
        shape("TXT x 5", TXT, small, expect(0, SMALL)),
        shape("NXDOMAIN", A, |index| format!("web{index}.absent.default.{svc}"), expect(3, 0)),
    ]
}

fn shape(label: &'static str, qtype: u16, name: impl Fn(usize) -> String, answer: Option<Expected>) -> Shape {
    // A fixed stride through all names, so that neighbours in time are not neighbours in memory.
    let questions = (0..QUESTIONS).map(|index| question(index, &name(index * 977), qtype)).collect();
    Shape { label, questions, answer }
}

/// A query with EDNS and a size of 1232, as resolvers send it.
pub fn question(id: usize, name: &str, qtype: u16) -> Vec<u8> {
    let mut query = Vec::with_capacity(80);
    query.extend_from_slice(&(id as u16).to_be_bytes());
    query.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}
