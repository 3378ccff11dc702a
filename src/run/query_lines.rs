//! The lines of the query log, on a thread of their own.

use super::one_line::OneLine;
use crate::answer::Fate;
use crate::server::QueryLine;
use crate::wire::{HEADER_LEN, Name, RecordType};
use std::sync::mpsc::Receiver;

/// Writes lines until nobody has any more. Without a thread to do it there are none, and it is said.
pub(super) fn write(lines: Receiver<QueryLine>) -> Option<()> {
    let writing = std::thread::Builder::new().name("query log".to_owned()).spawn(move || {
        for line in lines {
            let Parts { name, record_type, class } = Parts::of(&line.query);
            let protocol = line.client.transport.as_str();
            // In the text form, a field that is none is left out.
            let answered = line.size.is_some();
            let rcode = answered.then_some(line.told.rcode);
            // Another line tells how that went.
            let is_transfer = line.told.fate == Fate::Answered
                && matches!(record_type, RecordType::AXFR | RecordType::IXFR);
            let what = match (answered, is_transfer) {
                (true, _) => "query",
                (false, true) => "query for a transfer",
                (false, false) => "query without an answer",
            };
            tracing::info!(
                target: "rosterd::queries",
                client = %line.client.address,
                protocol,
                name = %OneLine(name),
                r#type = %record_type,
                class = class,
                rcode,
                size = line.size,
                truncated = line.told.truncated.then_some(true),
                "{what}"
            );
        }
    });
    if let Err(error) = &writing {
        tracing::warn!("no query has a line: the system gives no thread for them: {error}");
    }
    writing.ok().map(drop)
}

/// What a query asks.
struct Parts {
    name: String,
    record_type: RecordType,
    class: u16,
}

impl Parts {
    /// What can be read of it.
    fn of(query: &[u8]) -> Parts {
        let question = query.get(HEADER_LEN..).and_then(Name::split_from);
        let number = |octets: &[u8], at: usize| {
            let octets = octets.get(at..at + 2).and_then(|octets| octets.try_into().ok());
            octets.map(u16::from_be_bytes).unwrap_or_default()
        };
        match question {
            Some((name, rest)) => Parts {
                name: name.to_string(),
                record_type: RecordType(number(rest, 0)),
                class: number(rest, 2),
            },
            None => Parts { name: "(no name)".to_owned(), record_type: RecordType(0), class: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_and_escaped() {
        let query = b"............\x05Ab \n.\x03com\0\0\x21\0\x01and more";
        let Parts { name, record_type, class } = Parts::of(query);
        assert_eq!((name.as_str(), record_type, class), ("ab\\032\\010\\..com.", RecordType::SRV, 1));
        for length in 0..27 {
            let Parts { name, record_type, .. } = Parts::of(&query[..length]);
            let whole = length >= 23;
            assert_eq!((name == "(no name)", record_type.0 == 33), (!whole, length >= 25), "{length}");
        }
    }
}
