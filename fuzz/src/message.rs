//! Answers taken apart, strictly: everything that a decoder might forgive is a failure here.

/// A message that is as it should be.
#[derive(Debug)]
pub struct Message {
    /// The second and third word of the header.
    pub id: u16,
    /// The flags with opcode and response code.
    pub flags: u16,
    /// The question section, octet by octet.
    pub question: Vec<u8>,
    /// Answers, authorities, additionals.
    pub sections: [Vec<Record>; 3],
}

/// A resource record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The owner without compression, in lower case.
    pub owner: Vec<u8>,
    /// TYPE.
    pub rtype: u16,
    /// CLASS.
    pub class: u16,
    /// TTL.
    pub ttl: u32,
    /// RDATA as it stands.
    pub rdata: Vec<u8>,
}

/// Type OPT (RFC 6891 6.1.1).
pub const OPT: u16 = 41;

/// Octets of a header (RFC 1035 4.1.1).
const HEADER: usize = 12;

impl Message {
    /// Reads a whole message. Panics with what is wrong with it.
    pub fn read(octets: &[u8]) -> Message {
        assert!(octets.len() >= HEADER, "{} octets are no message", octets.len());
        let word = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        let mut at = HEADER;
        assert!(word(4) <= 1, "{} questions", word(4));
        if word(4) == 1 {
            at = name(octets, at, true).1 + 4;
        }
        let question = octets[HEADER..at].to_vec();
        let sections = [6, 8, 10].map(|count| {
            let mut records = Vec::new();
            for _ in 0..word(count) {
                let (owner, end) = name(octets, at, false);
                let length = usize::from(word(end + 8));
                let rdata = octets[end + 10..end + 10 + length].to_vec();
                at = end + 10 + length;
                let ttl = u32::from(word(end + 4)) << 16 | u32::from(word(end + 6));
                records.push(Record { owner, rtype: word(end), class: word(end + 2), ttl, rdata });
            }
            records
        });
        assert_eq!(at, octets.len(), "octets behind the last record, or counts too small");
        Message { id: word(0), flags: word(2), question, sections }
    }

    /// RCODE with its upper bits from the OPT record.
    pub fn rcode(&self) -> u16 {
        let upper = self.opt().map_or(0, |opt| opt.ttl >> 24);
        u16::try_from(upper << 4).expect("twelve bits") | self.flags & 0x0f
    }

    /// The OPT record; there is at most one.
    pub fn opt(&self) -> Option<&Record> {
        let mut found = self.sections[2].iter().filter(|record| record.rtype == OPT);
        let opt = found.next();
        assert!(found.next().is_none(), "two OPT records");
        opt
    }

    /// Codes and data of the EDNS options.
    pub fn options(&self) -> Vec<(u16, Vec<u8>)> {
        let Some(opt) = self.opt() else { return Vec::new() };
        let mut options = Vec::new();
        let mut rest = opt.rdata.as_slice();
        while !rest.is_empty() {
            let (head, following) = rest.split_first_chunk::<4>().expect("the head of an option");
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (data, following) = following.split_at(length);
            options.push((u16::from_be_bytes([head[0], head[1]]), data.to_vec()));
            rest = following;
        }
        options
    }
}

/// The name at `at` in lower case, and where it ends. Pointers lead back to what has been written before the name.
fn name(octets: &[u8], at: usize, plain: bool) -> (Vec<u8>, usize) {
    let mut name = Vec::new();
    let (mut from, mut limit, mut end) = (at, at, None);
    loop {
        let length = usize::from(octets[from]);
        match length >> 6 {
            0 => {
                name.extend(octets[from..=from + length].iter().map(u8::to_ascii_lowercase));
                assert!(name.len() <= 255, "a name of more than 255 octets");
                from += 1 + length;
                if length == 0 {
                    return (name, end.unwrap_or(from));
                }
            }
            3 => {
                assert!(!plain, "a compressed question");
                end.get_or_insert(from + 2);
                from = (length & 0x3f) << 8 | usize::from(octets[from + 1]);
                assert!((HEADER..limit).contains(&from), "a pointer from {limit} to {from}");
                limit = from;
            }
            _ => panic!("a label of type {}", length >> 6),
        }
    }
}
