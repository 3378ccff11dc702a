//! A composed YAML node, and Kubernetes' types read from it.
//!
//! A plain scalar keeps its text, so that a label written `version: 1.10` stays `1.10`; what it means is decided by the
//! type that is read from it.

use super::error::Position;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A node and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) position: Position,
    pub(super) value: Value<'a>,
}

/// What a node is. Nesting is bounded by the composer, so walking one may recurse.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<(Scalar<'a>, Node<'a>)>),
}

/// A scalar. `plain` is one without quotes or `!!str`, which may mean a number, a truth value or nothing.
#[derive(Debug, Clone)]
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) plain: bool,
}

/// Why a node does not give a value, and which node.
#[derive(Debug)]
pub(super) struct NodeError {
    pub(super) position: Option<Position>,
    pub(super) message: String,
}

impl<'a> Node<'a> {
    /// The value of a key, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
            }
            Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    /// Whether this is `null`, `~` or nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// The kind of node, in a reader's words.
    pub(super) fn what(&self) -> &'static str {
        match self.value {
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a sequence",
            Value::Mapping(_) => "a mapping",
        }
    }

    fn mismatch(&self, expected: &dyn de::Expected) -> NodeError {
        let found = match &self.value {
            Value::Scalar(scalar) => scalar.unexpected(),
            Value::Sequence(_) => Unexpected::Seq,
            Value::Mapping(_) => Unexpected::Map,
        };
        de::Error::invalid_type(found, expected)
    }

    fn visit_number<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, NodeError> {
        let Value::Scalar(Scalar { text, plain: true }) = &self.value else {
            return Err(self.mismatch(&visitor));
        };
        if let Ok(number) = text.parse::<i64>() {
            visitor.visit_i64(number)
        } else if let Ok(number) = text.parse::<u64>() {
            visitor.visit_u64(number)
        } else {
            Err(self.mismatch(&visitor))
        }
    }

    fn at(&self, error: NodeError) -> NodeError {
        NodeError { position: error.position.or(Some(self.position)), ..error }
    }
}

impl Scalar<'_> {
    /// YAML 1.2 10.3.2, the core schema: `null | Null | NULL | ~`, and nothing.
    pub(super) fn is_null(&self) -> bool {
        self.plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// Truth values of YAML 1.1, as kubectl reads them.
    fn truth(&self) -> Option<bool> {
        let is = |words: &[&str]| words.iter().any(|word| self.text.eq_ignore_ascii_case(word));
        match self.plain {
            true if is(&["true", "yes", "on"]) => Some(true),
            true if is(&["false", "no", "off"]) => Some(false),
            _ => None,
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        if self.is_null() { Unexpected::Other("null") } else { Unexpected::Str(&self.text) }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

impl de::Error for NodeError {
    fn custom<T: fmt::Display>(message: T) -> NodeError {
        NodeError { position: None, message: message.to_string() }
    }
}

/// Reads integers of every width alike: the visitor checks the range.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
            self.visit_number(visitor).map_err(|error| self.at(error))
        }
    )*};
}

impl<'de> Deserializer<'de> for &Node<'_> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match &self.value {
            Value::Mapping(_) => self.deserialize_map(visitor),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Scalar(scalar) if scalar.is_null() => visitor.visit_unit().map_err(|error| self.at(error)),
            Value::Scalar(Scalar { text, plain }) => {
                let result = match text.parse::<i64>() {
                    Ok(number) if *plain => visitor.visit_i64(number),
                    _ if *plain && matches!(&**text, "true" | "false") => visitor.visit_bool(text == "true"),
                    _ => visitor.visit_str(text),
                };
                result.map_err(|error| self.at(error))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let truth = match &self.value {
            Value::Scalar(scalar) => scalar.truth(),
            Value::Sequence(_) | Value::Mapping(_) => None,
        };
        let result = truth.map_or_else(|| Err(self.mismatch(&visitor)), Ok);
        result.and_then(|truth| visitor.visit_bool(truth)).map_err(|error| self.at(error))
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let number = match &self.value {
            Value::Scalar(Scalar { text, plain: true }) => text.parse::<f64>().ok(),
            _ => None,
        };
        let result = number.map_or_else(|| Err(self.mismatch(&visitor)), Ok);
        result.and_then(|number| visitor.visit_f64(number)).map_err(|error| self.at(error))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let result = match &self.value {
            Value::Scalar(scalar) if !scalar.is_null() => visitor.visit_str(&scalar.text),
            _ => Err(self.mismatch(&visitor)),
        };
        result.map_err(|error| self.at(error))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        if self.is_null() { visitor.visit_unit() } else { Err(self.at(self.mismatch(&visitor))) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        visitor.visit_newtype_struct(self).map_err(|error| self.at(error))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let result = match &self.value {
            Value::Sequence(items) => visitor.visit_seq(Items(items.iter())),
            _ => Err(self.mismatch(&visitor)),
        };
        result.map_err(|error| self.at(error))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let result = match &self.value {
            Value::Mapping(entries) => visitor.visit_map(Entries { rest: entries.iter(), value: None }),
            _ => Err(self.mismatch(&visitor)),
        };
        result.map_err(|error| self.at(error))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        // No type of the Kubernetes API is more than a name where it is an enumeration.
        let result = match &self.value {
            Value::Scalar(scalar) => {
                visitor.visit_enum(de::value::StrDeserializer::<NodeError>::new(&scalar.text))
            }
            _ => Err(self.mismatch(&visitor)),
        };
        result.map_err(|error| self.at(error))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        visitor.visit_unit()
    }
}

struct Items<'n, 'a>(std::slice::Iter<'n, Node<'a>>);

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = NodeError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, NodeError> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'n, 'a> {
    rest: std::slice::Iter<'n, (Scalar<'a>, Node<'a>)>,
    value: Option<&'n Node<'a>>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = NodeError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NodeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        let key = seed.deserialize(de::value::StrDeserializer::<NodeError>::new(&key.text));
        key.map(Some).map_err(|error| value.at(error))
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NodeError> {
        let value =
            self.value.take().ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        seed.deserialize(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn scalar(text: &str, plain: bool) -> Node<'_> {
        let value = Value::Scalar(Scalar { text: text.into(), plain });
        Node { position: Position { line: 3, column: 7 }, value }
    }

    #[test]
    fn scalars_mean_what_is_read_from_them() {
        for (text, plain, expected) in [
            ("1.10", true, Some("1.10")),
            ("true", true, Some("true")),
            ("null", false, Some("null")),
            ("null", true, None),
            ("", true, None),
        ] {
            let read = String::deserialize(&scalar(text, plain)).ok();
            assert_eq!(read.as_deref(), expected, "{text:?} {plain}");
        }
        for (text, plain, expected) in [
            ("True", true, Some(true)),
            ("yes", true, Some(true)),
            ("off", true, Some(false)),
            ("true", false, None),
            ("1", true, None),
        ] {
            assert_eq!(bool::deserialize(&scalar(text, plain)).ok(), expected, "{text:?} {plain}");
        }
        for (text, plain, expected) in
            [("4369", true, Some(4369)), ("-1", true, Some(-1)), ("4369", false, None), ("1e3", true, None)]
        {
            assert_eq!(i32::deserialize(&scalar(text, plain)).ok(), expected, "{text:?} {plain}");
        }
    }

    #[test]
    fn errors_say_where_the_innermost_node_stands() {
        let inner = scalar("maybe", true);
        let outer = Node {
            position: Position { line: 1, column: 1 },
            value: Value::Mapping(vec![(Scalar { text: "ready".into(), plain: true }, inner)]),
        };
        let error = std::collections::BTreeMap::<String, bool>::deserialize(&outer).unwrap_err();
        assert_eq!(error.position, Some(Position { line: 3, column: 7 }));
        assert_eq!(error.message, "invalid type: string \"maybe\", expected a boolean");
    }
}
