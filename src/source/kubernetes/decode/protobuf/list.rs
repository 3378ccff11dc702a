//! A list, one page or whole, as it arrives.

use super::super::OBJECT_MAX;
use super::super::list::{AROUND_MAX, ListError, ListMetadata};
use super::super::reason::quoted;
use super::{ABOUT, About, CONTENT_ENCODING, MAGIC, RAW};
use crate::source::convert::Text;
use crate::source::convert::protobuf::{Malformed, Message, Value, Varint, WireType, read, tag};

/// The numbers of a list's fields.
const METADATA: u32 = 1;
const ITEMS: u32 = 2;

/// No field has this number: a value that nobody reads.
const UNKNOWN: u32 = 0;

/// Takes a list apart while its octets arrive.
///
/// What lies whole within the octets of one `push` is handed out where it lies; of what does not, the part that has
/// arrived is kept.
#[derive(Debug)]
pub(in super::super) struct List {
    at: At,
    varint: Varint,
    /// How many octets of the list are left, within it.
    inside: Option<u64>,
    /// The part that has arrived of what is awaited whole.
    held: Vec<u8>,
    /// How many octets may still stand around items.
    left: usize,
    /// Whether the kind of a list has been read.
    named: bool,
    /// Whether the list itself has been met.
    met: bool,
    metadata: Option<ListMetadata>,
    failed: Option<ListError>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Magic,
    Tag,
    /// A number that nobody reads.
    Number,
    /// The length of a field.
    Length(u32),
    /// The value of a field, so many octets.
    Value(u32, usize),
}

impl Default for List {
    fn default() -> List {
        List {
            at: At::Magic,
            varint: Varint::default(),
            inside: None,
            held: Vec::new(),
            left: AROUND_MAX,
            named: false,
            met: false,
            metadata: None,
            failed: None,
        }
    }
}

impl List {
    pub(in super::super) fn push(
        &mut self,
        octets: &[u8],
        item: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ListError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.take(octets, item).inspect_err(|error| {
            self.failed = Some(error.clone());
            self.held = Vec::new();
        })
    }

    pub(in super::super) fn metadata(&self) -> Option<&ListMetadata> {
        self.metadata.as_ref()
    }

    pub(in super::super) fn finish(mut self) -> Result<ListMetadata, ListError> {
        self.push(&[], &mut |_| ())?;
        if !self.is_between() || self.inside.is_some() || !self.met {
            return Err(ListError::Cut);
        }
        if !self.named {
            return Err(malformed("an object without kind, no list"));
        }
        Ok(self.metadata.unwrap_or_default())
    }

    fn take(&mut self, mut octets: &[u8], item: &mut dyn FnMut(&[u8])) -> Result<(), ListError> {
        loop {
            if self.is_between() && self.inside == Some(0) {
                self.inside = None;
            }
            // A value without octets ends where it begins.
            let is_empty = matches!(self.at, At::Value(_, 0));
            let [first, behind @ ..] = octets else {
                if is_empty {
                    self.value(octets, 0, item)?;
                    continue;
                }
                return Ok(());
            };
            match self.at {
                At::Magic => octets = self.value(octets, MAGIC.len(), item)?,
                At::Value(_, length) => octets = self.value(octets, length, item)?,
                At::Tag | At::Number | At::Length(_) => {
                    octets = behind;
                    self.count(1)?;
                    if let Some(number) = self.varint.push(*first).map_err(unreadable)? {
                        self.behind_number(number)?;
                    }
                }
            }
        }
    }

    /// Whether what has arrived ends with a field.
    fn is_between(&self) -> bool {
        self.at == At::Tag && self.varint == Varint::default()
    }

    /// Behind a tag, a number or a length.
    fn behind_number(&mut self, number: u64) -> Result<(), ListError> {
        self.at = match self.at {
            At::Length(RAW) if self.inside.is_none() => {
                if std::mem::replace(&mut self.met, true) {
                    return Err(malformed("there are two lists in it"));
                }
                self.inside = Some(number);
                At::Tag
            }
            At::Length(field) => {
                let is_item = self.inside.is_some() && field == ITEMS;
                let length = usize::try_from(number).unwrap_or(usize::MAX);
                if is_item && length > OBJECT_MAX {
                    return Err(ListError::ObjectTooLarge);
                }
                if !is_item {
                    self.charge(length)?;
                }
                At::Value(field, length)
            }
            At::Number => {
                self.charge(0)?;
                At::Tag
            }
            _ => match tag(number).map_err(unreadable)? {
                (_, WireType::Varint) => At::Number,
                (field, WireType::Length) => At::Length(field),
                (_, WireType::Fixed(length)) => {
                    self.charge(length)?;
                    At::Value(UNKNOWN, length)
                }
            },
        };
        Ok(())
    }

    /// Within a value, whose next octets these are. Returns those behind it.
    fn value<'o>(
        &mut self,
        octets: &'o [u8],
        length: usize,
        item: &mut dyn FnMut(&[u8]),
    ) -> Result<&'o [u8], ListError> {
        let missing = length.saturating_sub(self.held.len());
        let (here, behind) = octets.split_at_checked(missing).unwrap_or((octets, &[]));
        self.count(here.len())?;
        if here.len() < missing {
            self.held.extend_from_slice(here);
            return Ok(behind);
        }
        let mut held = std::mem::take(&mut self.held);
        let whole = if held.is_empty() {
            here
        } else {
            held.extend_from_slice(here);
            &held
        };
        match (self.at, self.inside) {
            (At::Magic, _) if whole != MAGIC => {
                let found = quoted(&String::from_utf8_lossy(whole));
                return Err(ListError::Malformed(format!(
                    "no Protobuf of Kubernetes: it begins with {found}"
                )));
            }
            (At::Value(METADATA, _), Some(_)) => {
                let metadata: Metadata<'_> = read(whole).map_err(unreadable)?;
                let said = |text: Text<'_>| Some(text.into_boxed()).filter(|text| !text.is_empty());
                let (revision, next) = (said(metadata.revision), said(metadata.next));
                if self.metadata.replace(ListMetadata { revision, next }).is_some() {
                    return Err(malformed("its metadata stands twice"));
                }
            }
            (At::Value(ITEMS, _), Some(_)) => item(whole),
            (At::Value(ABOUT, _), None) => {
                let about: About<'_> = read(whole).map_err(unreadable)?;
                // A `Status` that came as an answer must not be taken for a list without items.
                if !about.kind.ends_with("List") {
                    return Err(ListError::Malformed(format!(
                        "the kind is {}, no list",
                        quoted(&about.kind)
                    )));
                }
                self.named = true;
            }
            (At::Value(CONTENT_ENCODING, 1..), None) => return Err(malformed("it is encoded otherwise")),
            _ => {}
        }
        // The room is used again, by the next item that is cut.
        held.clear();
        self.held = held;
        self.at = At::Tag;
        Ok(behind)
    }

    /// Counts octets of the list, which ends with the last of them.
    fn count(&mut self, octets: usize) -> Result<(), ListError> {
        if let Some(left) = &mut self.inside {
            let octets = u64::try_from(octets).unwrap_or(u64::MAX);
            *left = left.checked_sub(octets).ok_or_else(|| malformed("a field goes on behind the list"))?;
        }
        Ok(())
    }

    /// Counts a field around the items against the limit.
    fn charge(&mut self, octets: usize) -> Result<(), ListError> {
        // A tag, and a length or a number.
        let left = self.left.checked_sub(octets.saturating_add(2));
        let too_much =
            || ListError::Malformed(format!("more than {AROUND_MAX} octets stand around the items"));
        self.left = left.ok_or_else(too_much)?;
        Ok(())
    }
}

/// `k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta`.
#[derive(Default)]
struct Metadata<'a> {
    revision: Text<'a>,
    next: Text<'a>,
}

impl<'a> Message<'a> for Metadata<'a> {
    fn field(&mut self, number: u32, value: Value<'a>) -> Result<(), Malformed> {
        match number {
            2 => self.revision = value.text()?,
            3 => self.next = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

fn malformed(what: &str) -> ListError {
    ListError::Malformed(what.to_owned())
}

fn unreadable(error: Malformed) -> ListError {
    ListError::Malformed(error.to_string())
}
