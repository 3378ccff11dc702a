//! Zones as master files (RFC 1035 5): what `rosterd zone` prints and other servers can load.

use super::master::fields::{self, Field};
use super::master::{location, svcb, text};
use super::rr;
use super::snapshot::{Snapshot, Zone};
use super::walk::Stop;
use crate::wire::{Name, RecordType};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

impl Snapshot {
    /// The served zones with their master-file texts: those made from peers, with fewer labels first, then those of files.
    pub fn master_files(&self) -> impl Iterator<Item = (&Name, String)> {
        self.zones.iter().rev().chain(self.statics.iter()).map(|zone| (&zone.origin, self.master_file(zone)))
    }

    fn master_file(&self, zone: &Zone) -> String {
        let mut text = String::new();
        let _: ControlFlow<()> = self.walk(zone, None, &mut |owner, stop| {
            match stop {
                Stop::Rrset(rtype, octets) => add_records(&mut text, owner, rtype, octets),
                Stop::Refused => push(
                    &mut text,
                    format_args!("; {owner} is refused: an object that belongs to it never parsed\n"),
                ),
                Stop::Empty => push(&mut text, format_args!("; {owner} exists without records\n")),
            }
            ControlFlow::Continue(())
        });
        text
    }
}

fn add_records(text: &mut String, owner: &Name, rtype: RecordType, octets: &[u8]) {
    for (ttl, rdata) in records(octets, rtype) {
        push(text, format_args!("{owner}\t{ttl}\tIN\t{rtype}\t{rdata}\n"));
    }
}

/// TTL and rdata text of each RR of a concatenation.
pub(super) fn records(octets: &[u8], rtype: RecordType) -> Vec<(u32, String)> {
    rr::each(octets).map(|(ttl, octets)| (ttl, rdata(rtype, octets))).collect()
}

/// The data of a record as master files have them; those of no known form, or that are not of their type, in the generic
/// form (RFC 3597 5). Names in them are not compressed.
pub fn record_text(rtype: RecordType, data: &[u8]) -> String {
    rdata(rtype, data)
}

/// The text of data.
pub(super) fn rdata(rtype: RecordType, octets: &[u8]) -> String {
    let mut text = String::new();
    add_rdata(&mut text, rtype, octets);
    text
}

/// Adds the fields of the data one by one; what is of no known form, in the generic one (RFC 3597 5).
fn add_rdata(text: &mut String, rtype: RecordType, rdata: &[u8]) {
    if fields::fields(rtype).is_none() || !fields::is_of_type(rtype, rdata) {
        push(text, format_args!("\\# {} ", rdata.len()));
        text::add_hex(text, rdata);
        return;
    }
    for (index, (field, octets)) in fields::split(rtype, rdata).enumerate() {
        // Parameters bring their own spaces, since there may be none.
        if index > 0 && field != Field::Parameters {
            text.push(' ');
        }
        add_field(text, field, octets);
    }
}

fn add_field(text: &mut String, field: Field, octets: &[u8]) {
    let number = octets.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    match field {
        Field::Name => {
            // Letters as they were written, since a name in data keeps them.
            let mut rest = octets;
            while let Some((&length @ 1.., behind)) = rest.split_first() {
                let (label, next) = behind.split_at_checked(usize::from(length)).unwrap_or_default();
                add_label(text, label);
                text.push('.');
                rest = next;
            }
            if octets.len() == 1 {
                text.push('.');
            }
        }
        Field::U8 | Field::U16 | Field::U32 | Field::Time => push(text, number),
        Field::Ipv4 => push(text, Ipv4Addr::from(octets.first_chunk().copied().unwrap_or_default())),
        Field::Ipv6 => push(text, Ipv6Addr::from(octets.first_chunk().copied().unwrap_or_default())),
        Field::String | Field::Text => {
            let string = if field == Field::String { octets.get(1..).unwrap_or(&[]) } else { octets };
            add_string(text, string);
        }
        Field::Strings => {
            let mut rest = octets;
            while let Some((&length, behind)) = rest.split_first() {
                let (string, next) = behind.split_at_checked(usize::from(length)).unwrap_or_default();
                add_string(text, string);
                text.push_str(if next.is_empty() { "" } else { " " });
                rest = next;
            }
        }
        Field::Tag => push(text, String::from_utf8_lossy(octets.get(1..).unwrap_or(&[]))),
        Field::Hex => text::add_hex(text, octets),
        Field::Base64 => text::add_base64(text, octets),
        Field::Eui(_) => {
            let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            text.push_str(&pairs.join("-"));
        }
        Field::Location => location::add_text(text, octets),
        Field::Parameters => svcb::add_text(text, octets),
    }
}

fn add_label(text: &mut String, label: &[u8]) {
    for &octet in label {
        match octet {
            b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                push(text, format_args!("\\{}", char::from(octet)));
            }
            0x21..=0x7e => text.push(char::from(octet)),
            _ => push(text, format_args!("\\{octet:03}")),
        }
    }
}

fn add_string(text: &mut String, string: &[u8]) {
    text.push('"');
    text::add_escaped(text, string);
    text.push('"');
}

fn push(text: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{value}");
}
