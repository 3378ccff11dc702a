//! The parameters of service bindings (RFC 9460): `alpn="h2,h3" port=443`.

use crate::wire::RecordType;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;

/// Names of keys (RFC 9460 14.3.2, RFC 9461 5, RFC 9540 4).
const KEYS: [(&str, u16); 9] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6HINT),
    ("dohpath", 7),
    ("ohttp", 8),
];

/// Parameters while they are read.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<u16, Vec<u8>>);

impl Parameters {
    /// Adds one by its key and its value, which is decoded but for what lists add to that.
    pub(super) fn add(&mut self, name: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        let text = String::from_utf8_lossy(name).into_owned();
        let key = key(&text).ok_or_else(|| format!("no such parameter: {text:?}"))?;
        // RFC 9460 2.1: a key that is written keyNNNNN has its value in wire form.
        let wire = match value {
            Some(value) if text.starts_with("key") => value.to_vec(),
            _ => wire(key, value.unwrap_or(&[])).ok_or_else(|| format!("not a value of {text}"))?,
        };
        // RFC 9460 2.1: no key stands twice.
        if self.0.insert(key, wire).is_some() {
            return Err(format!("{text} stands twice"));
        }
        Ok(())
    }

    /// The wire form: in ascending order of keys (RFC 9460 2.2).
    pub(super) fn into_wire(self) -> Result<Vec<u8>, String> {
        let mut octets = Vec::new();
        for (key, value) in self.0 {
            let length = u16::try_from(value.len()).map_err(|_| format!("{} is too long", name_of(key)))?;
            octets.extend_from_slice(&key.to_be_bytes());
            octets.extend_from_slice(&length.to_be_bytes());
            octets.extend_from_slice(&value);
        }
        check(&octets).map(|()| octets)
    }
}

/// Whether these are parameters as they must be, or what is wrong with them.
pub(super) fn check(octets: &[u8]) -> Result<(), String> {
    let mut last = None;
    let mut present = Vec::new();
    let mut end = 0;
    for (key, value) in split(octets) {
        if last.is_some_and(|last| last >= key) {
            return Err(format!("{} is not in ascending order", name_of(key)));
        }
        if !is_value(key, value) {
            return Err(format!("not a value of {}", name_of(key)));
        }
        last = Some(key);
        present.push((key, value));
        end += 4 + value.len();
    }
    if end != octets.len() || present.iter().any(|(key, _)| *key == u16::MAX) {
        return Err("parameters that end too soon, or the reserved key65535".to_owned());
    }
    // In ascending order, by now.
    let has = |wanted: u16| present.binary_search_by_key(&wanted, |(key, _)| *key).is_ok();
    // RFC 9460 7.1.1: "no-default-alpn" needs "alpn" beside it.
    if has(NO_DEFAULT_ALPN) && !has(ALPN) {
        return Err("no-default-alpn needs alpn".to_owned());
    }
    // RFC 9460 8: keys that are mandatory are there.
    let mandatory = present.iter().find(|(key, _)| *key == MANDATORY).map_or(&[][..], |(_, value)| value);
    match pairs(mandatory).find(|key| !has(*key)) {
        Some(missing) => Err(format!("{} is mandatory and not there", name_of(missing))),
        None => Ok(()),
    }
}

/// Writes parameters as a master file has them, each behind a space.
pub(in crate::zone) fn add_text(text: &mut String, octets: &[u8]) {
    for (key, value) in split(octets) {
        text.push(' ');
        text.push_str(&name_of(key));
        let written = value_text(key, value);
        if !written.is_empty() {
            // Whatever a quoted string cannot hold as it is, is escaped once more (RFC 1035 5.1).
            text.push_str("=\"");
            super::text::add_escaped(text, &written);
            text.push('"');
        }
    }
}

fn split(octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (&[k0, k1, l0, l1], behind) = rest.split_first_chunk::<4>()?;
        let (value, next) = behind.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        rest = next;
        Some((u16::from_be_bytes([k0, k1]), value))
    })
}

fn key(text: &str) -> Option<u16> {
    if let Some((_, key)) = KEYS.iter().find(|(name, _)| *name == text) {
        return Some(*key);
    }
    let digits = text.strip_prefix("key")?;
    let plain =
        digits.bytes().all(|octet| octet.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok().filter(|key| *key != u16::MAX) } else { None }
}

fn name_of(key: u16) -> String {
    let known = KEYS.iter().find(|(_, number)| *number == key);
    known.map_or_else(|| format!("key{key}"), |(name, _)| (*name).to_owned())
}

/// The wire form of a value; `None` where it is none of this key.
fn wire(key: u16, value: &[u8]) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(value).ok();
    match key {
        MANDATORY => {
            let mut keys = text()?.split(',').map(self::key).collect::<Option<Vec<u16>>>()?;
            keys.sort_unstable();
            Some(keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        ALPN => {
            let mut octets = Vec::new();
            for id in comma_separated(value) {
                octets.push(u8::try_from(id.len()).ok()?);
                octets.extend_from_slice(&id);
            }
            Some(octets)
        }
        PORT => Some(super::text::number::<u16>(value)?.to_be_bytes().to_vec()),
        IPV4HINT => addresses::<Ipv4Addr, 4>(text()?, Ipv4Addr::octets),
        IPV6HINT => addresses::<Ipv6Addr, 16>(text()?, Ipv6Addr::octets),
        ECH => super::text::base64(value),
        _ => Some(value.to_vec()),
    }
}

fn addresses<A: std::str::FromStr, const N: usize>(
    text: &str,
    octets: impl Fn(&A) -> [u8; N],
) -> Option<Vec<u8>> {
    let mut wire = Vec::new();
    for address in text.split(',') {
        wire.extend_from_slice(&octets(&address.parse().ok()?));
    }
    Some(wire)
}

/// RFC 9460 A.1: a list whose elements have `\,` for a comma and `\\` for a backslash.
fn comma_separated(value: &[u8]) -> Vec<Vec<u8>> {
    let mut list = vec![Vec::new()];
    let mut octets = value.iter();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b',' => {
                list.push(Vec::new());
                continue;
            }
            b'\\' => octets.next().unwrap_or(octet),
            _ => octet,
        };
        if let Some(last) = list.last_mut() {
            last.push(*octet);
        }
    }
    list
}

/// Whether a value in wire form is one of this key.
fn is_value(key: u16, value: &[u8]) -> bool {
    match key {
        MANDATORY => {
            let keys: Vec<u16> = pairs(value).collect();
            // RFC 9460 8: in ascending order, without repetition and without "mandatory" itself.
            let ascending = keys.iter().zip(keys.iter().skip(1)).all(|(one, next)| one < next);
            !keys.is_empty() && value.len().is_multiple_of(2) && ascending && !keys.contains(&MANDATORY)
        }
        ALPN => {
            let mut rest = value;
            while let Some((length, behind)) = rest.split_first() {
                match behind.split_at_checked(usize::from(*length)) {
                    Some((id, next)) if !id.is_empty() => rest = next,
                    _ => return false,
                }
            }
            !value.is_empty()
        }
        NO_DEFAULT_ALPN | 8 => value.is_empty(),
        PORT => value.len() == 2,
        IPV4HINT => !value.is_empty() && value.len().is_multiple_of(4),
        IPV6HINT => !value.is_empty() && value.len().is_multiple_of(16),
        ECH => !value.is_empty(),
        _ => true,
    }
}

fn pairs(value: &[u8]) -> impl Iterator<Item = u16> {
    value.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair))
}

fn value_text(key: u16, value: &[u8]) -> Vec<u8> {
    let joined = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join(",").into_bytes();
    match key {
        MANDATORY => joined(&mut pairs(value).map(name_of)),
        ALPN => {
            let mut text = Vec::new();
            let mut rest = value;
            while let Some((length, behind)) = rest.split_first() {
                let Some((id, next)) = behind.split_at_checked(usize::from(*length)) else { break };
                if !text.is_empty() {
                    text.push(b',');
                }
                for octet in id {
                    if matches!(octet, b',' | b'\\') {
                        text.push(b'\\');
                    }
                    text.push(*octet);
                }
                rest = next;
            }
            text
        }
        PORT => joined(&mut pairs(value).map(|port| port.to_string())),
        IPV4HINT => joined(&mut value.as_chunks::<4>().0.iter().map(|a| Ipv4Addr::from(*a).to_string())),
        IPV6HINT => joined(&mut value.as_chunks::<16>().0.iter().map(|a| Ipv6Addr::from(*a).to_string())),
        ECH => {
            let mut text = String::new();
            super::text::add_base64(&mut text, value);
            text.into_bytes()
        }
        _ => value.to_vec(),
    }
}

/// The owner of a service binding stands for its target where that is the root and the binding is no alias.
///
/// RFC 9460 2.5.2: "For ServiceMode SVCB RRs, if TargetName has the value ".", then the owner name of this record MUST
/// be used as the effective TargetName."
pub(in crate::zone) fn target_is_owner(rtype: RecordType, rdata: &[u8]) -> bool {
    matches!(rtype, RecordType::SVCB | RecordType::HTTPS)
        && rdata.get(2) == Some(&0)
        && rdata.get(..2).is_some_and(|priority| priority != [0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, Option<&str>)]) -> Result<Vec<u8>, String> {
        let mut read = Parameters::default();
        for (name, value) in parameters {
            read.add(name.as_bytes(), value.map(str::as_bytes))?;
        }
        read.into_wire()
    }

    /// The vectors of RFC 9460 D.2 and D.3, as far as they concern parameters.
    #[test]
    fn parameters_are_sorted_and_encoded() {
        for (parameters, wire) in [
            (&[("port", Some("53"))][..], &b"\0\x03\0\x02\0\x35"[..]),
            (&[("key667", Some("hello"))], b"\x02\x9b\0\x05hello"),
            (&[("ipv6hint", Some("2001:db8::1"))], b"\0\x06\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"),
            (
                &[
                    ("alpn", Some("h2,h3-19")),
                    ("mandatory", Some("ipv4hint,alpn")),
                    ("ipv4hint", Some("192.0.2.1")),
                ],
                b"\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01",
            ),
            (&[("alpn", Some("f\\\\oo\\,bar,h2"))], b"\0\x01\0\x0c\x08f\\oo,bar\x02h2"),
            (&[("alpn", Some("h2")), ("no-default-alpn", None)], b"\0\x01\0\x03\x02h2\0\x02\0\0"),
            (&[("ech", Some("AQID"))], b"\0\x05\0\x03\x01\x02\x03"),
            (&[("key3", Some("\0\x35"))], b"\0\x03\0\x02\0\x35"),
        ] {
            assert_eq!(read(parameters).as_deref(), Ok(wire), "{parameters:?}");
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        for (parameters, error) in [
            (&[("nothing", Some("1"))][..], "no such parameter: \"nothing\""),
            (&[("key65535", Some("1"))], "no such parameter: \"key65535\""),
            (&[("key01", Some("1"))], "no such parameter: \"key01\""),
            (&[("port", Some("65536"))], "not a value of port"),
            (&[("port", None)], "not a value of port"),
            (&[("alpn", Some(""))], "not a value of alpn"),
            (&[("alpn", Some("h2,,h3"))], "not a value of alpn"),
            (&[("ipv4hint", Some("::1"))], "not a value of ipv4hint"),
            (&[("mandatory", Some("mandatory"))], "not a value of mandatory"),
            (&[("mandatory", Some("port,port")), ("port", Some("1"))], "not a value of mandatory"),
            (&[("mandatory", Some("port"))], "port is mandatory and not there"),
            (&[("no-default-alpn", None)], "no-default-alpn needs alpn"),
            (&[("no-default-alpn", Some("x")), ("alpn", Some("h2"))], "not a value of no-default-alpn"),
            (&[("port", Some("1")), ("key3", Some("\0\x01"))], "key3 stands twice"),
            (&[("ech", Some("?"))], "not a value of ech"),
        ] {
            assert_eq!(read(parameters), Err(error.to_owned()), "{parameters:?}");
        }
    }

    #[test]
    fn a_value_is_written_as_it_is_read() {
        let wire = read(&[
            ("mandatory", Some("alpn,key667")),
            ("alpn", Some("f\\\\oo\\,bar,h2")),
            ("no-default-alpn", None),
            ("port", Some("443")),
            ("ipv4hint", Some("192.0.2.1,192.0.2.2")),
            ("key667", Some("a\"b")),
        ]);
        let mut text = String::new();
        add_text(&mut text, &wire.unwrap());
        assert_eq!(
            text,
            " mandatory=\"alpn,key667\" alpn=\"f\\\\\\\\oo\\\\,bar,h2\" no-default-alpn port=\"443\" \
             ipv4hint=\"192.0.2.1,192.0.2.2\" key667=\"a\\\"b\""
        );
    }
}
