//! Resource versions.
//!
//! They are etcd's revisions in decimal digits, and comparable as such (<https://kep.k8s.io/5504>); what is not a number
//! can be resumed from all the same, and is compared with nothing.

use std::fmt;

/// A `resourceVersion` that a watch can be resumed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Revision {
    Number(u64),
    Opaque(Box<str>),
}

impl Revision {
    /// None where the text is no place in the history: "0" and "" stand for any revision, also for old ones.
    pub(super) fn parse(text: &str) -> Option<Revision> {
        match text {
            "" | "0" => None,
            _ => match text.parse::<u64>() {
                Ok(number) if number.to_string() == text => Some(Revision::Number(number)),
                _ => Some(Revision::Opaque(text.into())),
            },
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Revision::Number(number) => Some(*number),
            Revision::Opaque(_) => None,
        }
    }

    /// The two numbers, if this one is the lower; not where one of them is none.
    pub(super) fn is_before(&self, known: Option<&Revision>) -> Option<(u64, u64)> {
        let (this, known) = (self.number()?, known?.number()?);
        (this < known).then_some((this, known))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revision::Number(number) => number.fmt(formatter),
            Revision::Opaque(text) => text.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_and_everything_else_is_kept_to_the_letter() {
        for (text, expected) in [
            ("1", Some(Revision::Number(1))),
            ("18446744073709551615", Some(Revision::Number(u64::MAX))),
            ("18446744073709551616", Some(Revision::Opaque("18446744073709551616".into()))),
            ("007", Some(Revision::Opaque("007".into()))),
            ("+7", Some(Revision::Opaque("+7".into()))),
            ("a b", Some(Revision::Opaque("a b".into()))),
            ("0", None),
            ("", None),
        ] {
            let parsed = Revision::parse(text);
            assert_eq!(parsed, expected, "{text}");
            assert!(parsed.is_none_or(|revision| revision.to_string() == text));
        }
        let [low, high, opaque] = ["7", "9", "x"].map(|text| Revision::parse(text).unwrap());
        assert_eq!(low.is_before(Some(&high)), Some((7, 9)));
        for (this, known) in [(&high, Some(&low)), (&low, Some(&low)), (&low, None)] {
            assert_eq!(this.is_before(known), None);
        }
        assert_eq!((opaque.is_before(Some(&high)), low.is_before(Some(&opaque))), (None, None));
    }
}
