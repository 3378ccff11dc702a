//! The labels `rosterd.io/…` by which a team sets its own set.

use super::label::is_basename;
use super::notice::Problem;
use super::selector::label;
use super::{Include, Mode, TTL_MAX};

/// The label that names the set of an object's Service.
pub(super) const SET: &str = "rosterd.io/set";
/// A label for selectors, by which the shipped settings know what to serve. It sets nothing.
const PUBLISH: &str = "rosterd.io/publish";
/// What all of them begin with.
const PREFIX: &str = "rosterd.io/";
const BASENAME: &str = "rosterd.io/basename";
const MODE: &str = "rosterd.io/mode";
const INCLUDE: &str = "rosterd.io/include";
const TTL: &str = "rosterd.io/ttl";

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
        let ours = |key: &str| [SET, BASENAME, MODE, INCLUDE, TTL, PUBLISH].contains(&key);
        let unknown = labels.iter().find(|(key, _)| key.starts_with(PREFIX) && !ours(key));
        problems.extend(unknown.map(|(key, _)| Problem::NoSuchLabel(key.clone())));
        let mut wrong = |key: &'static str, value: &str| {
            problems.push(Problem::LabelValue { label: key, value: value.into() });
        };
        Overrides {
            basename: read(labels, BASENAME, |text| is_basename(text).then(|| text.into()), &mut wrong),
            mode: read(labels, MODE, |text| word(Mode::WORDS, text), &mut wrong),
            include: read(labels, INCLUDE, |text| word(Include::WORDS, text), &mut wrong),
            ttl: read(labels, TTL, ttl, &mut wrong),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Overrides::default()
    }
}

/// What a label's value must be.
pub(super) fn wanted(label: &str) -> &'static str {
    match label {
        MODE => "ip, dns, hostname or peer",
        INCLUDE => "ready, serving or all",
        TTL => "a number of seconds up to 2147483647",
        BASENAME => "what may stand before the @ of node names",
        _ => "a lower-case RFC 1123 label",
    }
}

/// The value of a label; `wrong` is called with one that is none.
fn read<T>(
    labels: &[(Box<str>, Box<str>)],
    key: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
    wrong: &mut impl FnMut(&'static str, &str),
) -> Option<T> {
    let text = label(labels, key)?;
    let value = parse(text);
    if value.is_none() {
        wrong(key, text);
    }
    value
}

/// The value that a word stands for.
fn word<T: Copy>(words: &[(&str, T)], text: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}

fn ttl(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|ttl| digits && *ttl <= TTL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_values_count_and_wrong_ones_are_problems() {
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

    #[test]
    fn labels_that_this_server_does_not_know_are_a_problem() {
        let labels = |key: &str| [(key.into(), "my_app".into())];
        for (key, problem) in [
            ("rosterd.io/basname", Some(Problem::NoSuchLabel("rosterd.io/basname".into()))),
            ("rosterd.io/set", None),
            ("rosterd.io/publish", None),
            ("app.rosterd.io/basname", None),
        ] {
            let mut problems = Vec::new();
            Overrides::read(&labels(key), &mut problems);
            assert_eq!(problems, Vec::from_iter(problem), "{key}");
        }
    }

    #[test]
    fn the_words_for_people_are_those_that_are_read() {
        for (label, words) in [
            (MODE, Mode::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()),
            (INCLUDE, Include::WORDS.iter().map(|(word, _)| *word).collect()),
        ] {
            assert_eq!(wanted(label).replace(" or ", ", ").split(", ").collect::<Vec<_>>(), words);
        }
        assert!(wanted(TTL).ends_with(&TTL_MAX.to_string()));
    }
}
