//! Protocol Buffers: the fields of a message, one after the other, without copies.
//!
//! "The encoding Kubernetes uses for Protobuf" (<https://kubernetes.io/docs/reference/using-api/api-concepts/>) costs the
//! API server a third of what JSON does. Field numbers are those of the `generated.proto` files of `k8s.io/api`.

use super::Text;

/// A message that is filled field by field.
///
/// Fields that it does not know are passed over. One that stands twice counts as the specification has it: "the last one
/// wins", messages are merged (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>).
pub(in crate::source) trait Message<'a>: Default {
    /// Takes a field in.
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed>;
}

/// Reads a message.
pub(in crate::source) fn read<'a, M: Message<'a>>(octets: &'a [u8]) -> Result<M, Malformed> {
    let mut message = M::default();
    merge(&mut message, octets)?;
    Ok(message)
}

fn merge<'a, M: Message<'a>>(message: &mut M, octets: &'a [u8]) -> Result<(), Malformed> {
    Fields(octets).try_for_each(|field| field.and_then(|(number, value)| message.field(number, value)))
}

/// Why octets are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::source) enum Malformed {
    /// A field goes on behind the end.
    #[error("a field of it is cut")]
    Cut,
    /// A number has more than 64 bits.
    #[error("a number of it is too large")]
    Number,
    /// No field has this tag.
    #[error("it has a field without number, or of an unknown wire type")]
    Tag,
    /// A field of another type than the one that Kubernetes publishes.
    #[error("field {0} of a message in it has another type")]
    Type(u32),
    /// "A string must always contain UTF-8 encoded text".
    #[error("field {0} of a message in it is no UTF-8")]
    Utf8(u32),
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Value<'a> {
    field: u32,
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Number(u64),
    Octets(&'a [u8]),
    /// Of four or eight octets: nothing that is read here.
    Fixed,
}

impl<'a> Value<'a> {
    /// A string.
    pub(in crate::source) fn text(self) -> Result<Text<'a>, Malformed> {
        let text = std::str::from_utf8(self.octets()?).map_err(|_| Malformed::Utf8(self.field))?;
        Ok(Text::from(text))
    }

    /// A string or a message as it stands.
    pub(in crate::source) fn octets(self) -> Result<&'a [u8], Malformed> {
        match self.kind {
            Kind::Octets(octets) => Ok(octets),
            _ => Err(Malformed::Type(self.field)),
        }
    }

    /// A message.
    pub(in crate::source) fn message<M: Message<'a>>(self) -> Result<M, Malformed> {
        read(self.octets()?)
    }

    /// A message that belongs to what was read of it before.
    pub(in crate::source) fn merge_into<M: Message<'a>>(self, message: &mut M) -> Result<(), Malformed> {
        merge(message, self.octets()?)
    }

    /// A `bool`.
    pub(in crate::source) fn boolean(self) -> Result<bool, Malformed> {
        Ok(self.number()? != 0)
    }

    /// An `int32`: "negative numbers are sign-extended" to 64 bits, and the upper half is dropped.
    #[expect(clippy::cast_possible_truncation, reason = "the upper half says nothing")]
    pub(in crate::source) fn int32(self) -> Result<i32, Malformed> {
        Ok(self.number()? as i32)
    }

    /// An `int64`, whose sign is the highest of 64 bits.
    pub(in crate::source) fn int64(self) -> Result<i64, Malformed> {
        Ok(self.number()?.cast_signed())
    }

    fn number(self) -> Result<u64, Malformed> {
        match self.kind {
            Kind::Number(number) => Ok(number),
            _ => Err(Malformed::Type(self.field)),
        }
    }
}

/// An entry of a map: "the message has a key field and a value field", both empty where they are left out.
#[derive(Debug, Default)]
pub(in crate::source) struct Entry<'a> {
    pub(in crate::source) key: Text<'a>,
    pub(in crate::source) value: Text<'a>,
}

impl<'a> Message<'a> for Entry<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.key = value.text()?,
            2 => self.value = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

/// The fields of a message, in their order. After an error, nothing.
#[derive(Debug, Clone)]
pub(in crate::source) struct Fields<'a>(pub(in crate::source) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let (field, wire_type) = tag(self.varint()?)?;
        let kind = match wire_type {
            WireType::Varint => Kind::Number(self.varint()?),
            WireType::Fixed(length) => self.take(length).map(|_| Kind::Fixed)?,
            WireType::Length => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Cut)?;
                Kind::Octets(self.take(length)?)
            }
        };
        Ok((field, Value { field, kind }))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut varint = Varint::default();
        while let [octet, rest @ ..] = self.0 {
            self.0 = rest;
            if let Some(number) = varint.push(*octet)? {
                return Ok(number);
            }
        }
        Err(Malformed::Cut)
    }
}

/// How the value of a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum WireType {
    /// A number.
    Varint,
    /// So many octets.
    Fixed(usize),
    /// A length, and so many octets.
    Length,
}

/// What a tag says: the field's number, and how its value is written.
pub(in crate::source) fn tag(tag: u64) -> Result<(u32, WireType), Malformed> {
    let wire_type = match tag & 7 {
        0 => WireType::Varint,
        1 => WireType::Fixed(8),
        2 => WireType::Length,
        5 => WireType::Fixed(4),
        _ => return Err(Malformed::Tag),
    };
    match u32::try_from(tag >> 3) {
        Ok(number @ 1..) => Ok((number, wire_type)),
        _ => Err(Malformed::Tag),
    }
}

/// A number while its octets arrive: seven bits in each, the lowest first, until one without the highest bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::source) struct Varint {
    number: u64,
    shift: u32,
}

impl Varint {
    /// Takes an octet in. Returns the number that it ends.
    pub(in crate::source) fn push(&mut self, octet: u8) -> Result<Option<u64>, Malformed> {
        let bits = u64::from(octet & 0x7f);
        // Ten octets hold 70 bits.
        if self.shift > 63 || (self.shift == 63 && bits > 1) {
            return Err(Malformed::Number);
        }
        self.number |= bits << self.shift;
        self.shift += 7;
        if octet & 0x80 != 0 {
            return Ok(None);
        }
        Ok(Some(std::mem::take(self).number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(mut number: u64) -> Vec<u8> {
        let mut octets = Vec::new();
        while number >= 0x80 {
            octets.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        octets.push(number.to_le_bytes()[0]);
        octets
    }

    #[derive(Debug, Default, PartialEq)]
    struct Read {
        number: Option<i32>,
        texts: Vec<String>,
        inner: Option<Box<Read>>,
    }

    impl<'a> Message<'a> for Read {
        fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
            match number {
                1 => self.number = Some(value.int32()?),
                2 => self.texts.push(value.text()?.to_string()),
                3 => value.merge_into(&mut **self.inner.get_or_insert_default())?,
                _ => {}
            }
            Ok(())
        }
    }

    #[test]
    fn fields_are_read_as_the_specification_shows() {
        // The examples of <https://protobuf.dev/programming-guides/encoding/>: 150, "testing", and a message of 150.
        let octets = b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01";
        let inner = Some(Box::new(Read { number: Some(150), ..Read::default() }));
        let expected = Read { number: Some(150), texts: vec!["testing".to_owned()], inner };
        assert_eq!(read(octets), Ok(expected));
        // The last number wins, messages are merged, and what nobody knows is passed over, whatever its wire type.
        let octets = b"\x08\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\x02\x08\x01\x1a\x03\x12\x01x\x20\x01\x29abcdefgh\x35abcd\x3a\x00";
        let inner = Some(Box::new(Read { number: Some(1), texts: vec!["x".to_owned()], inner: None }));
        assert_eq!(read(octets), Ok(Read { number: Some(-1), texts: Vec::new(), inner }));
    }

    #[test]
    fn what_is_no_message_says_why() {
        for (octets, expected) in [
            (&b"\x08"[..], Malformed::Cut),
            (b"\x12\x02x", Malformed::Cut),
            (b"\x29abc", Malformed::Cut),
            (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Malformed::Cut),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Malformed::Number),
            (b"\x00\x01", Malformed::Tag),
            (b"\x0b", Malformed::Tag),
            (b"\x0a\x00", Malformed::Type(1)),
            (b"\x10\x00", Malformed::Type(2)),
            (b"\x12\x01\xff", Malformed::Utf8(2)),
        ] {
            assert_eq!(read::<Read>(octets), Err(expected), "{octets:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written(number: u64) {
            prop_assert_eq!(Fields(&written(number)).varint(), Ok(number));
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read::<Read>(&octets);
        }
    }
}
