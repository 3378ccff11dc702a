//! Words out of a fixed list.

use super::Invalid;
use crate::config::suggest::nearest;
use crate::config::{Access, DnstapMessage, LogFormat, LogLevel, Pods, Transport};
use crate::roster::{Family, Include, Mode, ObjectKind, Prefer, Protocol, RecordTypes, SrvHost, WhenEmpty};

/// A type whose values are words.
pub(in crate::config) trait Choice: Copy + PartialEq + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];
}

/// Reads a word.
pub(in crate::config) fn choose<T: Choice>(text: &str) -> Result<T, Invalid> {
    if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let allowed: Vec<&'static str> = T::WORDS.iter().map(|(word, _)| *word).collect();
    let meant = nearest(text, allowed.iter().copied());
    Err(Invalid::Choice { allowed, meant })
}

/// The word of a value.
pub(in crate::config) fn choice_text<T: Choice>(value: T) -> &'static str {
    T::WORDS.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}

impl Choice for Pods {
    const WORDS: &'static [(&'static str, Pods)] =
        &[("verified", Pods::Verified), ("insecure", Pods::Insecure), ("disabled", Pods::Disabled)];
}

impl Choice for Access {
    const WORDS: &'static [(&'static str, Access)] = &[("allow", Access::Allow), ("deny", Access::Deny)];
}

impl Choice for Transport {
    const WORDS: &'static [(&'static str, Transport)] = &[
        ("udp", Transport::Udp),
        ("tcp", Transport::Tcp),
        ("tls", Transport::Tls),
        ("https", Transport::Https),
        ("quic", Transport::Quic),
    ];
}

impl Choice for DnstapMessage {
    const WORDS: &'static [(&'static str, DnstapMessage)] =
        &[("auth_query", DnstapMessage::AuthQuery), ("auth_response", DnstapMessage::AuthResponse)];
}

impl Choice for LogFormat {
    const WORDS: &'static [(&'static str, LogFormat)] =
        &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
}

impl Choice for LogLevel {
    const WORDS: &'static [(&'static str, LogLevel)] = LogLevel::WORDS;
}

/// The resources of the Kubernetes API, as its paths spell them.
impl Choice for ObjectKind {
    const WORDS: &'static [(&'static str, ObjectKind)] = &[
        ("endpointslices", ObjectKind::EndpointSlice),
        ("endpoints", ObjectKind::Endpoints),
        ("pods", ObjectKind::Pod),
    ];
}

impl Choice for Mode {
    const WORDS: &'static [(&'static str, Mode)] = Mode::WORDS;
}

impl Choice for Include {
    const WORDS: &'static [(&'static str, Include)] = Include::WORDS;
}

impl Choice for WhenEmpty {
    const WORDS: &'static [(&'static str, WhenEmpty)] = WhenEmpty::WORDS;
}

impl Choice for SrvHost {
    const WORDS: &'static [(&'static str, SrvHost)] = SrvHost::WORDS;
}

impl Choice for Family {
    const WORDS: &'static [(&'static str, Family)] = Family::WORDS;
}

impl Choice for Prefer {
    const WORDS: &'static [(&'static str, Prefer)] = Prefer::WORDS;
}

impl Choice for Protocol {
    const WORDS: &'static [(&'static str, Protocol)] = Protocol::WORDS;
}

/// One element of `records`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum RecordType {
    A,
    Aaaa,
    Srv,
    Txt,
}

impl Choice for RecordType {
    const WORDS: &'static [(&'static str, RecordType)] = &[
        ("A", RecordType::A),
        ("AAAA", RecordType::Aaaa),
        ("SRV", RecordType::Srv),
        ("TXT", RecordType::Txt),
    ];
}

/// The switches that a list of types stands for.
pub(in crate::config) fn record_types(list: &[RecordType]) -> RecordTypes {
    RecordTypes {
        a: list.contains(&RecordType::A),
        aaaa: list.contains(&RecordType::Aaaa),
        srv: list.contains(&RecordType::Srv),
        txt: list.contains(&RecordType::Txt),
    }
}

/// The words that switches stand for.
pub(in crate::config) fn record_list(types: RecordTypes) -> Vec<&'static str> {
    let on = |kind: RecordType| match kind {
        RecordType::A => types.a,
        RecordType::Aaaa => types.aaaa,
        RecordType::Srv => types.srv,
        RecordType::Txt => types.txt,
    };
    RecordType::WORDS.iter().filter(|(_, kind)| on(*kind)).map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_exact_and_near_ones_are_named() {
        assert_eq!(choose("hostname"), Ok(Mode::Hostname));
        assert_eq!(
            choose::<Mode>("IP").unwrap_err().to_string(),
            "must be \"ip\", \"dns\", \"hostname\" or \"peer\"; did you mean \"ip\"?"
        );
        assert_eq!(choose::<Prefer>("yes").unwrap_err().to_string(), "must be \"ipv4\" or \"ipv6\"");
        assert!(choose::<Mode>(" ip").is_err());
    }

    #[test]
    fn record_types_are_lists_of_words() {
        let types = record_types(&[RecordType::Txt, RecordType::A]);
        assert_eq!(record_list(types), ["A", "TXT"]);
        assert_eq!(record_list(RecordTypes::ALL), ["A", "AAAA", "SRV", "TXT"]);
    }
}
