//! Kubernetes label selectors: which objects a topology picks.
//!
//! The grammar is the one that `kubectl -l` accepts: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`,
//! `a>1`, `a<1`, joined by commas; all must hold. Knows nothing of topologies or objects.

use super::selector_parser::parse;
use std::fmt;
use std::str::FromStr;

/// A label selector: requirements that must all hold. Without any it matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// Sorted by key, equal keys in the text's order.
    requirements: Box<[Requirement]>,
}

/// What one label must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The label's key, valid by Kubernetes' rules.
    pub(super) key: Box<str>,
    /// What must hold for it.
    pub(super) condition: Condition,
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Present, with one of these values: `=`, `==` and `in`. Sorted, unique, never empty.
    In(Box<[Box<str>]>),
    /// Absent, or with none of these values: `!=` and `notin`. Sorted, unique, never empty.
    NotIn(Box<[Box<str>]>),
    /// Present.
    Exists,
    /// Absent.
    NotExists,
    /// Present, and a whole number above this one.
    GreaterThan(i64),
    /// Present, and a whole number below this one.
    LessThan(i64),
}

/// Why a text is not a label selector. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Something else stands where the grammar wants a certain word or sign.
    #[error("{found} at character {position}, expected {expected}")]
    Unexpected {
        /// Where.
        position: usize,
        /// What stands there, quoted, or `the end`.
        found: Box<str>,
        /// What could stand there.
        expected: &'static str,
    },
    /// A label key that Kubernetes does not accept.
    #[error("the label key `{key}` at character {position}: {problem}")]
    Key {
        /// Where it begins.
        position: usize,
        /// The key.
        key: Box<str>,
        /// What is wrong with it.
        problem: LabelProblem,
    },
    /// A label value that Kubernetes does not accept.
    #[error("the label value `{value}` at character {position}: {problem}")]
    Value {
        /// Where it begins.
        position: usize,
        /// The value.
        value: Box<str>,
        /// What is wrong with it.
        problem: LabelProblem,
    },
    /// `>` and `<` compare whole numbers of 64 bits.
    #[error("`{value}` at character {position} is not a whole number")]
    NotANumber {
        /// Where it begins.
        position: usize,
        /// The value.
        value: Box<str>,
    },
}

/// What is wrong with a label key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelProblem {
    /// The name part of a key is empty.
    #[error("it has no name")]
    EmptyName,
    /// Above 63 characters.
    #[error("it has {0} characters, the limit is 63")]
    TooLong(usize),
    /// Characters that do not belong there.
    #[error("it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends")]
    Characters,
    /// More than one `/`.
    #[error("it has more than one `/`")]
    Slashes,
    /// The part of a key before `/` is not a DNS subdomain.
    #[error("the part before `/` must be a lower-case DNS name of at most 253 characters")]
    Prefix,
}

impl Selector {
    /// The selector that matches every object.
    pub fn everything() -> Selector {
        Selector::default()
    }

    /// Whether all requirements hold for `labels`, which are sorted by key with unique keys.
    pub fn matches(&self, labels: &[(Box<str>, Box<str>)]) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(label(labels, &requirement.key)))
    }
}

/// The value of the label `key` in `labels`, which are sorted by key.
pub(super) fn label<'a>(labels: &'a [(Box<str>, Box<str>)], key: &str) -> Option<&'a str> {
    let found = labels.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
    labels.get(found).map(|(_, value)| &**value)
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let among = |values: &[Box<str>], value: &str| values.iter().any(|one| **one == *value);
        let number = |value: Option<&str>| value.and_then(|text| text.parse::<i64>().ok());
        match &self.condition {
            Condition::In(values) => value.is_some_and(|value| among(values, value)),
            // Kubernetes matches objects without the label too: "all resources without the key".
            Condition::NotIn(values) => value.is_none_or(|value| !among(values, value)),
            Condition::Exists => value.is_some(),
            Condition::NotExists => value.is_none(),
            Condition::GreaterThan(limit) => number(value).is_some_and(|number| number > *limit),
            Condition::LessThan(limit) => number(value).is_some_and(|number| number < *limit),
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Selector, SelectorError> {
        let mut requirements = parse(text)?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Selector { requirements: requirements.into() })
    }
}

/// A text that parses back to this selector.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.condition {
            Condition::In(values) => match &**values {
                [value] => write!(f, "{key}={value}"),
                values => write!(f, "{key} in ({})", values.join(",")),
            },
            Condition::NotIn(values) => match &**values {
                [value] => write!(f, "{key}!={value}"),
                values => write!(f, "{key} notin ({})", values.join(",")),
            },
            Condition::Exists => f.write_str(key),
            Condition::NotExists => write!(f, "!{key}"),
            Condition::GreaterThan(limit) => write!(f, "{key}>{limit}"),
            Condition::LessThan(limit) => write!(f, "{key}<{limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(text: &str) -> Vec<(Box<str>, Box<str>)> {
        let mut labels: Vec<_> = text
            .split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        labels.sort();
        labels
    }

    #[test]
    fn objects_match_as_with_kubectl() {
        // Selector, labels that match, labels that do not.
        for (selector, matching, other) in [
            ("", &["", "a=b"][..], &[][..]),
            (" \t\r\n", &["", "a=b"], &[]),
            ("a=b", &["a=b", "a=b c=d"], &["", "a=c", "b=a"]),
            ("a==b", &["a=b"], &["a=c"]),
            ("a = b", &["a=b"], &["a=c"]),
            ("a=", &["a="], &["", "a=b"]),
            ("a=,c", &["a= c=1"], &["a=b c=1", "a="]),
            ("a!=b", &["", "a=c", "a="], &["a=b"]),
            ("a!=", &["", "a=b"], &["a="]),
            ("a in (b,c)", &["a=b", "a=c"], &["", "a=d"]),
            ("a in(b)", &["a=b"], &["a=d"]),
            ("a in ()", &["a="], &["", "a=b"]),
            ("a in (,b)", &["a=", "a=b"], &["a=c"]),
            ("a in (b,,c,)", &["a=", "a=b", "a=c"], &["a=d"]),
            ("a notin (b,c)", &["", "a=d"], &["a=b", "a=c"]),
            ("a", &["a=", "a=b"], &["", "b=a"]),
            ("!a", &["", "b=a"], &["a=", "a=b"]),
            ("! a", &[""], &["a="]),
            ("a,!b,c!=d", &["a=1", "a=1 c=e"], &["a=1 b=1", "a=1 c=d", "c=e"]),
            ("a>1", &["a=2", "a=10"], &["", "a=1", "a=0", "a=x"]),
            ("a<1", &["a=0"], &["", "a=1", "a=x"]),
            ("a>1,a<4", &["a=2", "a=3"], &["a=1", "a=4"]),
            // `in` and `notin` are words only where an operator stands.
            ("in in (in,notin)", &["in=in", "in=notin"], &["in=a"]),
            ("notin", &["notin=x"], &[""]),
            ("a=in", &["a=in"], &["a=b"]),
            ("example.com/a_B.c-d=X_y.z-1", &["example.com/a_B.c-d=X_y.z-1"], &["a_B.c-d=X_y.z-1"]),
        ] {
            let parsed: Selector = selector.parse().unwrap_or_else(|error| panic!("{selector}: {error}"));
            for text in matching {
                assert!(parsed.matches(&labels(text)), "{selector} should match {text}");
            }
            for text in other {
                assert!(!parsed.matches(&labels(text)), "{selector} should not match {text}");
            }
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{selector}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let long = "x".repeat(64);
        let prefix = format!("{}/a", "p.".repeat(126) + "pp");
        for (text, error) in [
            ("a,", "the end at character 3, expected a label key or `!` after `,`"),
            (",a", "`,` at character 1, expected a label key or `!`"),
            ("a b", "`b` at character 3, expected an operator, `,` or the end"),
            ("a=b c", "`c` at character 5, expected `,` or the end"),
            ("a==(b)", "`(` at character 4, expected a label value"),
            ("a===b", "`=` at character 4, expected a label value"),
            ("a in b", "`b` at character 6, expected `(`"),
            ("a in (b c)", "`c` at character 9, expected `,` or `)`"),
            ("a in (b", "the end at character 8, expected `,` or `)`"),
            ("a in (b,=)", "`=` at character 9, expected a label value, `,` or `)`"),
            ("!a=b", "`=` at character 3, expected `,` or the end"),
            ("!", "the end at character 2, expected a label key"),
            ("!!a", "`!` at character 2, expected a label key"),
            ("a > 1 < 2", "`<` at character 7, expected `,` or the end"),
            ("a>b", "`b` at character 3 is not a whole number"),
            ("a>", "`` at character 3 is not a whole number"),
            ("a>99999999999999999999", "`99999999999999999999` at character 3 is not a whole number"),
            (
                "/a",
                "the label key `/a` at character 1: the part before `/` must be a lower-case DNS name of at most 253 characters",
            ),
            (
                "A.b/a",
                "the label key `A.b/a` at character 1: the part before `/` must be a lower-case DNS name of at most 253 characters",
            ),
            ("a/", "the label key `a/` at character 1: it has no name"),
            ("a/b/c", "the label key `a/b/c` at character 1: it has more than one `/`"),
            (
                "-a",
                "the label key `-a` at character 1: it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ),
            (
                "ü,a,é=b",
                "the label key `ü` at character 1: it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ),
            (
                "a=é,ü",
                "the label value `é` at character 3: it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ),
            (
                "a=b-",
                "the label value `b-` at character 3: it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ),
            (
                "a in (b,-c)",
                "the label value `-c` at character 9: it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            ),
            (&long, &format!("the label key `{long}` at character 1: it has 64 characters, the limit is 63")),
            (
                &format!("a={long}"),
                &format!("the label value `{long}` at character 3: it has 64 characters, the limit is 63"),
            ),
            (
                &prefix,
                &format!(
                    "the label key `{prefix}` at character 1: the part before `/` must be a lower-case DNS name of at most 253 characters"
                ),
            ),
        ] {
            let found = text.parse::<Selector>().expect_err(text);
            assert_eq!(found.to_string(), *error, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_rule_are_one_selector() {
        for (one, other) in
            [("a=b", "a==b"), ("a=b", "a in (b)"), ("a!=b", "a notin (b,b)"), ("a,b", "b , a")]
        {
            assert_eq!(one.parse::<Selector>(), other.parse::<Selector>(), "{one} and {other}");
        }
    }

    fn condition() -> impl Strategy<Value = String> {
        let key = "([a-z][a-z0-9]{0,5}(\\.[a-z]{1,3})?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,4}[A-Za-z0-9])?";
        let value = "([A-Za-z0-9]([-A-Za-z0-9_.]{0,4}[A-Za-z0-9])?)?";
        let values = prop::collection::vec(value, 0..4).prop_map(|values| values.join(" , "));
        (key, value, values, any::<u32>(), 0..9).prop_map(|(key, value, values, number, operator)| {
            match operator {
                0 => format!("{key}={value}"),
                1 => format!("{key} == {value}"),
                2 => format!("{key}!={value}"),
                3 => format!("{key} in ({values})"),
                4 => format!("{key} notin ( {values} )"),
                5 => key,
                6 => format!("!{key}"),
                7 => format!("{key}>{number}"),
                _ => format!("{key} < {number}"),
            }
        })
    }

    proptest! {
        #[test]
        fn the_text_of_a_selector_parses_back(conditions in prop::collection::vec(condition(), 0..5)) {
            let text = conditions.join(",");
            let selector: Selector = text.parse().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
        }

        #[test]
        fn any_text_is_a_selector_or_an_error_within_it(text in "[-a-z/.,!=<>() é]{0,20}") {
            match text.parse::<Selector>() {
                Ok(selector) => prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector)),
                Err(
                    SelectorError::Unexpected { position, .. }
                    | SelectorError::Key { position, .. }
                    | SelectorError::Value { position, .. }
                    | SelectorError::NotANumber { position, .. },
                ) => prop_assert!((1..=text.chars().count() + 1).contains(&position)),
            }
        }
    }
}
