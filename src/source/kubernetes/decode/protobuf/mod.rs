//! Protocol Buffers: objects in an envelope that says of which kind they are
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/>, "Kubernetes Protobuf encoding").

mod event;
mod list;
mod object;

pub(super) use event::{Frames, watch_event};
pub(super) use list::List;
pub(super) use object::decode;
pub(in crate::source::kubernetes) use object::refused;

use crate::source::convert::Text;
use crate::source::convert::protobuf::{Malformed, Message, Value, read};

/// "A four byte magic number prefix: `0x6b, 0x38, 0x73, 0x00` (`"k8s\0"`)".
const MAGIC: &[u8; 4] = b"k8s\0";

/// `k8s.io.apimachinery.pkg.runtime.Unknown`, which stands behind it.
#[derive(Debug, Default)]
struct Envelope<'a> {
    about: About<'a>,
    /// The object.
    raw: &'a [u8],
}

/// `k8s.io.apimachinery.pkg.runtime.TypeMeta`.
#[derive(Debug, Default)]
struct About<'a> {
    api_version: Text<'a>,
    kind: Text<'a>,
}

/// The numbers of the envelope's fields.
const ABOUT: u32 = 1;
const RAW: u32 = 2;
const CONTENT_ENCODING: u32 = 3;

impl<'a> Envelope<'a> {
    fn open(octets: &'a [u8]) -> Result<Envelope<'a>, String> {
        let octets = octets.strip_prefix(MAGIC).ok_or("it does not begin with \"k8s\\0\"")?;
        read(octets).map_err(|error| error.to_string())
    }
}

impl<'a> Message<'a> for Envelope<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            ABOUT => value.merge_into(&mut self.about)?,
            RAW => self.raw = value.octets()?,
            // None has been defined.
            CONTENT_ENCODING if !value.octets()?.is_empty() => return Err(Malformed::Type(number)),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Message<'a> for About<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            1 => self.api_version = value.text()?,
            2 => self.kind = value.text()?,
            _ => {}
        }
        Ok(())
    }
}
