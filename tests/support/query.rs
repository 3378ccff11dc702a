//! Queries octet by octet: what a library would refuse to build.

use std::iter;

/// A query to be: one question, and an OPT record where something is said about EDNS.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    pub(crate) name: Vec<u8>,
    pub(crate) qtype: u16,
    pub(crate) class: u16,
    pub(crate) edns: Option<OptRecord>,
}

/// The OPT record of a query.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptRecord {
    pub(crate) udp_size: u16,
    pub(crate) version: u8,
    pub(crate) flags: u16,
    pub(crate) options: Vec<u8>,
}

impl Query {
    /// A question of class IN without EDNS or any flag.
    pub(crate) fn new(name: &str, qtype: u16) -> Query {
        Query { id: 0x1234, flags: 0, name: wire(name), qtype, class: 1, edns: None }
    }

    /// The same with EDNS of version 0.
    pub(crate) fn edns(self, udp_size: u16) -> Query {
        let edns = self.edns.unwrap_or_default();
        Query { edns: Some(OptRecord { udp_size, ..edns }), ..self }
    }

    /// The same with an option more.
    pub(crate) fn option(self, code: u16, data: &[u8]) -> Query {
        let mut edns = self.edns.unwrap_or(OptRecord { udp_size: 1232, ..OptRecord::default() });
        edns.options.extend_from_slice(&code.to_be_bytes());
        edns.options.extend_from_slice(&u16::try_from(data.len()).expect("a short option").to_be_bytes());
        edns.options.extend_from_slice(data);
        Query { edns: Some(edns), ..self }
    }

    /// On the wire.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let counts = [1, 0, 0, u16::from(self.edns.is_some())];
        let head = [self.id, self.flags].into_iter().chain(counts).flat_map(u16::to_be_bytes);
        let question = [self.qtype, self.class].into_iter().flat_map(u16::to_be_bytes);
        let mut octets: Vec<u8> = head.chain(self.name.iter().copied()).chain(question).collect();
        if let Some(edns) = &self.edns {
            let length = u16::try_from(edns.options.len()).expect("options that fit");
            octets.extend([0, 0, 41]);
            octets.extend(edns.udp_size.to_be_bytes());
            octets.extend([0, edns.version]);
            octets.extend(edns.flags.to_be_bytes());
            octets.extend(length.to_be_bytes());
            octets.extend(&edns.options);
        }
        octets
    }
}

/// A name on the wire.
pub(crate) fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let octets =
        labels.flat_map(|label| iter::once(u8::try_from(label.len()).expect("a label")).chain(label.bytes()));
    octets.chain([0]).collect()
}
