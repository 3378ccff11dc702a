//! Questions, and answers as they are compared: taken apart here and not by a library, so that octets that no library
//! shows are compared too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How a question is sent, and how much room its answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// UDP without EDNS: 512 octets.
    Plain,
    /// UDP with EDNS and this many octets.
    Udp(u16),
    Tcp,
}

/// A question of class IN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Absolute, in the text of master files; `\` stands before dots and stars that are not what they seem.
    pub(crate) name: String,
    pub(crate) qtype: u16,
    pub(crate) way: Way,
}

/// What is compared of an answer. Names are in lower case but in `letters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u8,
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    pub(crate) answers: BTreeSet<Record>,
    pub(crate) authorities: BTreeSet<Record>,
    pub(crate) additionals: BTreeSet<Record>,
    /// The records of the answer section as they were written.
    pub(crate) letters: BTreeSet<Record>,
    /// Whether a record stands there twice.
    pub(crate) repeats: bool,
    /// Octets of the message.
    pub(crate) length: usize,
}

/// A record, its data as text: names as such, the rest in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) owner: String,
    pub(crate) rtype: u16,
    pub(crate) ttl: u32,
    pub(crate) data: String,
}

pub(crate) const A: u16 = 1;
pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const SOA: u16 = 6;
pub(crate) const MX: u16 = 15;
pub(crate) const DNAME: u16 = 39;
pub(crate) const OPT: u16 = 41;
pub(crate) const SVCB: u16 = 64;
pub(crate) const HTTPS: u16 = 65;
pub(crate) const ANY: u16 = 255;

/// RFC 6672 2.2.
pub(crate) const YXDOMAIN: u8 = 6;

impl Question {
    /// The message, with an id.
    pub(crate) fn message(&self, id: u16) -> Vec<u8> {
        let edns = match self.way {
            Way::Plain => None,
            Way::Udp(size) => Some(size),
            Way::Tcp => Some(1232),
        };
        let mut message =
            [id.to_be_bytes(), [0, 0], [0, 1], [0, 0], [0, 0], [0, u8::from(edns.is_some())]].concat();
        let mut label = Vec::new();
        let mut octets = self.name.bytes();
        while let Some(octet) = octets.next() {
            match octet {
                b'\\' => label.push(octets.next().unwrap()),
                b'.' if label.is_empty() => {}
                b'.' => {
                    message.push(u8::try_from(label.len()).unwrap());
                    message.append(&mut label);
                }
                octet => label.push(octet),
            }
        }
        assert!(label.is_empty(), "{} is not absolute", self.name);
        message.push(0);
        message.extend([self.qtype.to_be_bytes(), [0, 1]].concat());
        if let Some(size) = edns {
            message.push(0);
            message.extend([OPT.to_be_bytes(), size.to_be_bytes(), [0, 0], [0, 0], [0, 0]].concat());
        }
        message
    }
}

impl Answer {
    /// Takes the answer to a question apart, as strictly as RFC 1035 4.1 is.
    pub(crate) fn read(octets: &[u8], question: &[u8]) -> Answer {
        let counts: Vec<u16> =
            octets[4..12].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let asked = 12..question.len() - if question[11] == 1 { 11 } else { 0 };
        assert_eq!(counts[0], 1, "one question");
        assert_eq!(octets[asked.clone()], question[asked.clone()], "the question as it was asked");
        let mut at = asked.end;
        let mut section = |count: u16| -> Vec<Record> {
            let records = (0..count).map(|_| record(octets, &mut at)).collect::<Vec<_>>();
            records.into_iter().filter(|record| record.rtype != OPT).collect()
        };
        let [answers, authorities, additionals] =
            [section(counts[1]), section(counts[2]), section(counts[3])];
        assert_eq!(at, octets.len(), "nothing behind the last record");
        let letters: BTreeSet<Record> = answers.iter().cloned().collect();
        let repeats = letters.len() < answers.len();
        let folded = |records: Vec<Record>| records.into_iter().map(Record::folded).collect::<BTreeSet<_>>();
        Answer {
            code: octets[3] & 15,
            authoritative: octets[2] & 4 > 0,
            truncated: octets[2] & 2 > 0,
            answers: folded(answers),
            authorities: folded(authorities),
            additionals: folded(additionals),
            letters,
            repeats,
            length: octets.len(),
        }
    }

    pub(crate) fn has(&self, rtype: u16) -> bool {
        self.answers.iter().any(|record| record.rtype == rtype)
    }

    /// The owner of the NS records in the authority section of a referral.
    pub(crate) fn cut(&self) -> Option<&str> {
        let mut cuts = self.authorities.iter().filter(|record| record.rtype == NS);
        cuts.next()
            .map(|record| &*record.owner)
            .filter(|_| !self.authorities.iter().any(|one| one.rtype == SOA))
    }
}

impl Record {
    fn folded(mut self) -> Record {
        self.owner.make_ascii_lowercase();
        self.data.make_ascii_lowercase();
        self
    }

    /// Whether the owner is a name or below it.
    pub(crate) fn is_below(&self, name: &str) -> bool {
        self.owner == name || self.owner.ends_with(&format!(".{name}"))
    }
}

fn record(octets: &[u8], at: &mut usize) -> Record {
    let owner = name(octets, at);
    let number = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
    let rtype = number(*at);
    let ttl = u32::from(number(*at + 4)) << 16 | u32::from(number(*at + 6));
    let length = usize::from(number(*at + 8));
    *at += 10;
    let end = *at + length;
    // Types whose names may be compressed (RFC 3597 4, and RFC 2782's, which some servers compress).
    let (before, names) = match rtype {
        2 | CNAME | 12 | DNAME => (0, 1),
        SOA | 17 => (0, 2),
        MX | 18 | 36 => (2, 1),
        33 => (6, 1),
        _ => (0, 0),
    };
    let mut data = String::new();
    let hex = |data: &mut String, octets: &[u8]| {
        for octet in octets {
            write!(data, "{octet:02x}").unwrap();
        }
    };
    hex(&mut data, &octets[*at..*at + before]);
    *at += before;
    for _ in 0..names {
        write!(data, " {}", name(octets, at)).unwrap();
    }
    hex(&mut data, &octets[*at..end]);
    *at = end;
    Record { owner, rtype, ttl, data }
}

fn name(octets: &[u8], at: &mut usize) -> String {
    let mut text = String::new();
    let (mut here, mut behind) = (*at, None);
    loop {
        let length = usize::from(octets[here]);
        if length >= 0xc0 {
            let to = (length & 0x3f) << 8 | usize::from(octets[here + 1]);
            behind.get_or_insert(here + 2);
            assert!(to < here, "a pointer backwards");
            here = to;
        } else if length == 0 {
            *at = behind.unwrap_or(here + 1);
            return if text.is_empty() { ".".to_owned() } else { text };
        } else {
            for &octet in &octets[here + 1..=here + length] {
                match octet {
                    b'.' | b'\\' => write!(text, "\\{}", char::from(octet)).unwrap(),
                    0x21..=0x7e => text.push(char::from(octet)),
                    _ => write!(text, "\\{octet:03}").unwrap(),
                }
            }
            text.push('.');
            here += length + 1;
        }
    }
}
