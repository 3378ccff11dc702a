//! Texts and shapes as JSON has them, read strictly and without copies.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// A text of an object: a piece of the octets that it was read from, unless they hold escapes. (serde borrows a plain
/// `Cow` only where it stands alone in a field, never in an `Option` or a list.)
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text for those who keep it.
    pub(in crate::source) fn into_boxed(self) -> Box<str> {
        match self.0 {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into_boxed_str(),
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Text<'a> {
        Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Text<'a> {
    fn from(text: &'a String) -> Text<'a> {
        Text(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// A struct that is written as an object. serde's derived code takes an array of the fields for one, too, which no
/// Kubernetes type is.
#[derive(Debug)]
pub(in crate::source) struct Object<T>(pub(in crate::source) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// An object, or `null` for an empty one.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let object: Option<Object<T>> = Deserialize::deserialize(deserializer)?;
    Ok(object.map(|object| object.0).unwrap_or_default())
}

/// A list of objects, or `null` for an empty one.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Vec<Object<T>> = nullable(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// A value, or `null` for an empty one.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let value: Option<T> = Deserialize::deserialize(deserializer)?;
    Ok(value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_copied_only_where_they_hold_escapes() {
        let texts: Option<Vec<Text<'_>>> = serde_json::from_str(r#"["plain – text", "a\"b\u00e9"]"#).unwrap();
        let [plain, escaped] = texts.unwrap().try_into().unwrap();
        assert!(matches!(&plain.0, Cow::Borrowed("plain – text")), "{plain:?}");
        assert!(matches!(&escaped.0, Cow::Owned(text) if text == "a\"bé"), "{escaped:?}");
        assert!(serde_json::from_str::<Text<'_>>("5").is_err());
    }

    #[test]
    fn objects_are_written_as_objects() {
        #[derive(Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(default)]
        struct Fields {
            one: u8,
            #[serde(deserialize_with = "nullable")]
            list: Vec<u8>,
        }
        let read = |text: &str| serde_json::from_str::<Object<Fields>>(text).map(|object| object.0);
        assert_eq!(read(r#"{"one": 1, "list": null}"#).unwrap(), Fields { one: 1, list: vec![] });
        assert_eq!(read(r#"{"list": [2], "other": {}}"#).unwrap(), Fields { one: 0, list: vec![2] });
        for wrong in ["[1, [2]]", "null", "7", r#"{"one": 1, "one": 1}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
