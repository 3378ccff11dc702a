//! Objects whose values may be of any type: what can be said of one that does not parse.

use crate::source::convert::Text;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The fields of an object. Of a key that stands twice, the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields<'a>(BTreeMap<Text<'a>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The fields of an object up to where it cannot be read: none of what is no object.
    pub(super) fn up_to_fault(octets: &'a [u8]) -> Fields<'a> {
        let mut fields = Fields::default();
        // Whatever stops it, what was read before is read.
        let _ = fields.read(octets);
        fields
    }

    /// A field that is an object. It counts as a whole: half of it could say something else.
    pub(super) fn object(&self, key: &str) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        fields.read(self.0.get(key)?.get().as_bytes()).ok()?;
        Some(fields)
    }

    /// A field that is a text.
    pub(super) fn text(&self, key: &str) -> Option<Text<'a>> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    /// A field that is a small number.
    pub(super) fn number(&self, key: &str) -> Option<u16> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    /// Whether a field is there, not null, and no text.
    pub(super) fn is_no_text(&self, key: &str) -> bool {
        self.text(key).is_none() && self.0.get(key).is_some_and(|value| value.get() != "null")
    }

    /// The fields that are texts, sorted by key.
    pub(super) fn into_texts(self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> {
        self.0.into_iter().filter_map(|(key, value)| Some((key, serde_json::from_str(value.get()).ok()?)))
    }

    fn read(&mut self, octets: &'a [u8]) -> serde_json::Result<()> {
        self.deserialize(&mut serde_json::Deserializer::from_slice(octets))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Fields<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            self.0.insert(key, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_fault_is_read_and_what_is_half_is_not() {
        let octets = br#"{"a": {"b": "x", "c": 7, "d": null, "b": "y"}, "e": {"f": "\ud800", "g": 70000}, "h": {"i": 1, "j": tru} }"#;
        let fields = Fields::up_to_fault(octets);
        let a = fields.object("a").unwrap();
        assert_eq!(a.text("b").as_deref(), Some("y"));
        assert_eq!((a.text("c"), a.number("c"), a.is_no_text("c")), (None, Some(7), true));
        assert_eq!((a.text("d"), a.is_no_text("d"), a.is_no_text("nothing")), (None, false, false));
        let texts: Vec<_> =
            a.into_texts().map(|(key, value)| (key.into_boxed(), value.into_boxed())).collect();
        assert_eq!(texts, [("b".into(), "y".into())]);
        let e = fields.object("e").unwrap();
        assert_eq!((e.text("f"), e.is_no_text("f"), e.number("g")), (None, true, None));
        assert!(fields.object("h").is_none());
        assert!(Fields::up_to_fault(b"[1]").object("a").is_none());
        assert!(Fields::up_to_fault(b"\xff{}").object("a").is_none());
    }
}
