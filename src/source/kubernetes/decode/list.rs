//! A list, one page or whole, as it arrives.

use super::members::{Members, MembersError, Part};
use super::reason::{quoted, reason};
use crate::source::convert::{Object, Text};

/// Most octets of what stands around the items of a page, keys and metadata: with `continue`, the longest of them, it
/// is a few hundred.
pub(super) const AROUND_MAX: usize = 64 << 10;

/// What stands around the items of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source::kubernetes) struct ListMetadata {
    /// `metadata.resourceVersion`: the revision of the list, the same on all its pages.
    pub(in crate::source::kubernetes) revision: Option<Box<str>>,
    /// `metadata.continue`: how to ask for the next page; none on the last one.
    pub(in crate::source::kubernetes) next: Option<Box<str>>,
}

/// Takes a page apart while its octets arrive.
#[derive(Debug)]
pub(super) struct ListBody {
    members: Members,
    frame: Frame,
}

/// Why octets are no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::source::kubernetes) enum ListError {
    /// It is not JSON, or no list.
    #[error("{0}")]
    Malformed(String),
    /// An object is larger than [`super::OBJECT_MAX`].
    #[error("an object has more than {} octets", super::OBJECT_MAX)]
    ObjectTooLarge,
    /// It ends before it is complete.
    #[error("the list ends before it is complete")]
    Cut,
}

impl ListBody {
    /// Takes in the next octets and hands each item that they complete to `item`.
    ///
    /// Items count when [`ListBody::finish`] has shown that it is a list. After an error, the same is said again.
    pub(super) fn push(&mut self, octets: &[u8], item: &mut dyn FnMut(&[u8])) -> Result<(), ListError> {
        let ListBody { members, frame } = self;
        let pushed = members.push(octets, &mut |part| match part {
            Part::Item(octets) => {
                item(octets);
                Ok(())
            }
            Part::Member(key, value) => frame.member(key, value),
        });
        pushed.map_err(|error| match error {
            MembersError::Malformed(reason) => ListError::Malformed(reason),
            MembersError::ItemTooLarge => ListError::ObjectTooLarge,
        })
    }

    /// The metadata as far as it has arrived: API servers write it before the items.
    pub(super) fn metadata(&self) -> Option<&ListMetadata> {
        self.frame.metadata.as_ref()
    }

    /// The body has ended.
    pub(super) fn finish(mut self) -> Result<ListMetadata, ListError> {
        self.push(&[], &mut |_| ())?;
        if !self.members.is_complete() {
            return Err(ListError::Cut);
        }
        if !self.frame.is_list {
            return Err(ListError::Malformed("an object without kind, no list".to_owned()));
        }
        Ok(self.frame.metadata.unwrap_or_default())
    }
}

impl Default for ListBody {
    fn default() -> ListBody {
        ListBody { members: Members::new(Some("items"), AROUND_MAX), frame: Frame::default() }
    }
}

/// The members of a list, but for its items.
#[derive(Debug, Default)]
struct Frame {
    metadata: Option<ListMetadata>,
    /// Whether its kind has been read.
    is_list: bool,
}

impl Frame {
    fn member(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        let duplicate = match key {
            "metadata" => self.metadata.replace(read_metadata(value)?).is_some(),
            "kind" => std::mem::replace(&mut self.is_list, is_list(value)?),
            // "items: null" is what Go writes for a list that was never made.
            "items" if value == b"null" => false,
            "items" => return Err("`items` is no array".to_owned()),
            _ => {
                let value: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(value);
                value.map(|_| false).map_err(|error| format!("{}: {}", quoted(key), reason(&[], &error)))?
            }
        };
        if duplicate { Err(format!("{} stands twice", quoted(key))) } else { Ok(()) }
    }
}

/// Whether it is the kind of a list: an error otherwise. An empty object, or a `Status` that came as an answer, must
/// not be taken for a list without items.
fn is_list(kind: &[u8]) -> Result<bool, String> {
    let kind: Text<'_> = serde_json::from_slice(kind).map_err(|_| "`kind` is no string".to_owned())?;
    if kind.ends_with("List") { Ok(true) } else { Err(format!("the kind is {}, no list", quoted(&kind))) }
}

fn read_metadata(octets: &[u8]) -> Result<ListMetadata, String> {
    #[derive(Default, serde::Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Read<'a> {
        #[serde(borrow)]
        resource_version: Option<Text<'a>>,
        r#continue: Option<Text<'a>>,
    }
    let read: Option<Object<Read<'_>>> =
        serde_json::from_slice(octets).map_err(|error| format!("metadata: {}", reason(octets, &error)))?;
    let Some(Object(read)) = read else { return Ok(ListMetadata::default()) };
    let said = |text: Option<Text<'_>>| text.filter(|text| !text.is_empty()).map(Text::into_boxed);
    Ok(ListMetadata { revision: said(read.resource_version), next: said(read.r#continue) })
}
