//! A list, one page or whole, as it arrives.

/// What stands around the items of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source::kubernetes) struct ListMetadata {
    /// `metadata.resourceVersion`: the revision of the list, the same on all its pages.
    pub(in crate::source::kubernetes) revision: Option<Box<str>>,
    /// `metadata.continue`: how to ask for the next page; none on the last one.
    pub(in crate::source::kubernetes) next: Option<Box<str>>,
}

/// Takes a page apart while its octets arrive.
#[derive(Debug, Default)]
pub(in crate::source::kubernetes) struct ListBody {}

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
    pub(in crate::source::kubernetes) fn push(
        &mut self,
        octets: &[u8],
        item: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ListError> {
        let _ = (octets, item);
        Ok(())
    }

    /// The metadata as far as it has arrived: API servers write it before the items.
    pub(in crate::source::kubernetes) fn metadata(&self) -> Option<&ListMetadata> {
        None
    }

    /// The body has ended.
    pub(in crate::source::kubernetes) fn finish(self) -> Result<ListMetadata, ListError> {
        Ok(ListMetadata::default())
    }
}
