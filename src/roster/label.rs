//! Texts that become labels of names, and the labels `rosterd.io/…` by which a team sets its own set.

use super::notice::Problem;
use super::selector::label;
use super::{Include, Mode};

/// The label that names the set of an object's Service.
pub(super) const SET: &str = "rosterd.io/set";
const BASENAME: &str = "rosterd.io/basename";
const MODE: &str = "rosterd.io/mode";
const INCLUDE: &str = "rosterd.io/include";
const TTL: &str = "rosterd.io/ttl";

/// Longest label of a name, in octets (RFC 1035 2.3.4).
const DNS_LABEL_MAX: usize = 63;

/// RFC 2181 8: "a TTL value is an unsigned number, with a minimum value of 0, and a maximum value of 2147483647".
const TTL_MAX: u32 = 2_147_483_647;

/// What an object's labels set for its set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) basename: Option<Box<str>>,
    pub(super) mode: Option<Mode>,
    pub(super) include: Option<Include>,
    pub(super) ttl: Option<u32>,
}

impl Overrides {
    /// Reads an object's labels; values that make no sense are none, and a problem each.
    pub(super) fn read(labels: &[(Box<str>, Box<str>)], problems: &mut Vec<Problem>) -> Overrides {
        let mut value = |key: &'static str, is_valid: &dyn Fn(&str) -> bool| {
            let value = label(labels, key)?;
            if is_valid(value) {
                return Some(value);
            }
            problems.push(Problem::LabelValue { label: key, value: value.into() });
            None
        };
        Overrides {
            basename: value(BASENAME, &is_basename).map(Into::into),
            mode: value(MODE, &|text| mode(text).is_some()).and_then(mode),
            include: value(INCLUDE, &|text| include(text).is_some()).and_then(include),
            ttl: value(TTL, &|text| ttl(text).is_some()).and_then(ttl),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }
}

fn mode(text: &str) -> Option<Mode> {
    match text {
        "ip" => Some(Mode::Ip),
        "dns" => Some(Mode::Dns),
        "hostname" => Some(Mode::Hostname),
        "peer" => Some(Mode::Peer),
        _ => None,
    }
}

fn include(text: &str) -> Option<Include> {
    match text {
        "ready" => Some(Include::Ready),
        "serving" => Some(Include::Serving),
        "all" => Some(Include::All),
        _ => None,
    }
}

fn ttl(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|ttl| digits && *ttl <= TTL_MAX)
}

/// Whether a text is a lower-case RFC 1123 label: what Kubernetes takes for namespaces, Services and hostnames.
pub fn is_dns_label(text: &str) -> bool {
    let letter = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let octets = text.as_bytes();
    octets.len() <= DNS_LABEL_MAX
        && octets.first().is_some_and(letter)
        && octets.last().is_some_and(letter)
        && octets.iter().all(|octet| letter(octet) || *octet == b'-')
}

/// Whether a text can stand before the `@` of a node name: `^[0-9A-Za-z_-]+$` in Erlang's `net_kernel`.
pub fn is_basename(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lower_case_rfc_1123() {
        let longest = "x".repeat(63);
        for text in ["a", "0", "a-0", "10-0-0-1", &longest] {
            assert!(is_dns_label(text), "{text}");
        }
        let longer = "x".repeat(64);
        for text in ["", "-", "-a", "a-", "A", "a.b", "a_b", "é", &longer] {
            assert!(!is_dns_label(text), "{text}");
        }
    }

    #[test]
    fn basenames_are_erlangs() {
        for text in ["a", "my_app-1", "-", "MyApp"] {
            assert!(is_basename(text), "{text}");
        }
        for text in ["", "a@b", "a.b", "a b", "é"] {
            assert!(!is_basename(text), "{text}");
        }
    }

    #[test]
    fn valid_values_count_and_wrong_ones_are_told() {
        let labels = |values: [&str; 4]| -> Vec<(Box<str>, Box<str>)> {
            [BASENAME, INCLUDE, MODE, TTL].into_iter().map(Into::into).zip(values.map(Into::into)).collect()
        };
        let mut problems = Vec::new();
        let read = Overrides::read(&labels(["my_app", "serving", "peer", "2147483647"]), &mut problems);
        let basename = Some("my_app".into());
        let expected = Overrides {
            basename,
            mode: Some(Mode::Peer),
            include: Some(Include::Serving),
            ttl: Some(TTL_MAX),
        };
        assert_eq!((read, problems.len()), (expected, 0));
        for values in [["", "Ready", "IP", "2147483648"], ["a b", "", "", "+5"], ["a@b", "none", "pods", ""]]
        {
            problems.clear();
            assert!(Overrides::read(&labels(values), &mut problems).is_empty(), "{values:?}");
            assert_eq!(problems.len(), 4, "{values:?}");
        }
    }
}
