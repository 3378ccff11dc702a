//! The members of one JSON object, taken apart while its octets arrive.

use super::OBJECT_MAX;
use super::reason::quoted;
use super::value::{Extent, ValueEnd, is_white_space};

/// A piece of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A member: its key, and its value's octets, which nobody has judged.
    Member(&'a str, &'a [u8]),
    /// One item of the member whose items come alone; not judged either.
    Item(&'a [u8]),
}

/// Takes an object apart.
///
/// What lies whole within the octets of one `push` is handed out where it lies; of what does not, the part that has
/// arrived is kept.
#[derive(Debug)]
pub(super) struct Members {
    /// The member whose items are handed out one by one, where it is an array.
    itemised: Option<&'static str>,
    /// Most octets of all keys and values together, items not counted.
    limit: usize,
    at: At,
    end: ValueEnd,
    /// The part that has arrived of a key, value or item.
    held: Vec<u8>,
    key: String,
    /// How much of `limit` is left.
    left: usize,
    /// Whether the itemised member has been met.
    has_items: bool,
    failed: Option<MembersError>,
}

/// Why octets are no such object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MembersError {
    /// It is no JSON object; why, for people.
    Malformed(String),
    /// An item is larger than [`OBJECT_MAX`].
    ItemTooLarge,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Object,
    FirstKey,
    Key,
    Colon,
    BeforeValue,
    Value,
    BehindValue,
    NextKey,
    FirstItem,
    Item,
    BehindItem,
    NextItem,
    End,
}

impl Members {
    /// `limit` is the most octets that may stand around items.
    pub(super) fn new(itemised: Option<&'static str>, limit: usize) -> Members {
        Members {
            itemised,
            limit,
            at: At::Object,
            end: ValueEnd::default(),
            held: Vec::new(),
            key: String::new(),
            left: limit,
            has_items: false,
            failed: None,
        }
    }

    /// Whether the object is complete.
    pub(super) fn is_complete(&self) -> bool {
        self.at == At::End && self.failed.is_none()
    }

    /// Takes in the next octets and hands out the parts that they complete; an error of `part` ends it. After an
    /// error, the same is said again.
    pub(super) fn push(
        &mut self,
        octets: &[u8],
        part: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
    ) -> Result<(), MembersError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.take(octets, part).inspect_err(|error| {
            self.failed = Some(error.clone());
            self.held = Vec::new();
        })
    }

    fn take(
        &mut self,
        mut octets: &[u8],
        part: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
    ) -> Result<(), MembersError> {
        while let [first, behind @ ..] = octets {
            if matches!(self.at, At::Key | At::Value | At::Item) {
                octets = self.inside(octets, part)?;
            } else if is_white_space(*first) {
                octets = behind;
            } else {
                let (at, consumed) = self.between(*first).ok_or_else(|| self.unexpected(octets))?;
                self.at = at;
                octets = if consumed { behind } else { octets };
            }
        }
        Ok(())
    }

    /// Where an octet between values leads, and whether it is consumed there.
    fn between(&mut self, octet: u8) -> Option<(At, bool)> {
        Some(match (self.at, octet) {
            (At::Object, b'{') => (At::FirstKey, true),
            (At::FirstKey | At::BehindValue, b'}') => (At::End, true),
            (At::FirstKey | At::NextKey, b'"') => (At::Key, false),
            (At::Colon, b':') => (At::BeforeValue, true),
            (At::BeforeValue, _) if self.is_itemised() && begins_value(octet) => {
                if std::mem::replace(&mut self.has_items, true) {
                    return None;
                }
                if octet == b'[' { (At::FirstItem, true) } else { (At::Value, false) }
            }
            (At::FirstItem | At::BehindItem, b']') => (At::BehindValue, true),
            (At::BehindItem, b',') => (At::NextItem, true),
            (At::BehindValue, b',') => (At::NextKey, true),
            (At::BeforeValue, _) if begins_value(octet) => (At::Value, false),
            (At::FirstItem | At::NextItem, _) if begins_value(octet) => (At::Item, false),
            _ => return None,
        })
    }

    /// Within a key, a value or an item, whose next octets these are. Returns those behind it.
    fn inside<'o>(
        &mut self,
        octets: &'o [u8],
        part: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
    ) -> Result<&'o [u8], MembersError> {
        let extent = self.end.push(octets);
        let (here, behind) = match extent {
            Extent::Ends(end) => octets.split_at_checked(end).unwrap_or((octets, &[])),
            Extent::Continues => (octets, &[][..]),
            Extent::Mismatched => return Err(malformed(format!("{}: brackets do not match", self.place()))),
        };
        self.charge(here.len())?;
        if extent == Extent::Continues {
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
        self.at = match self.at {
            At::Key => {
                self.key =
                    serde_json::from_slice(whole).map_err(|_| malformed("a key is no string".into()))?;
                At::Colon
            }
            At::Item => {
                part(Part::Item(whole)).map_err(malformed)?;
                At::BehindItem
            }
            _ => {
                part(Part::Member(&self.key, whole)).map_err(malformed)?;
                At::BehindValue
            }
        };
        // The room is used again, by the next item that is cut.
        held.clear();
        self.held = held;
        Ok(behind)
    }

    /// Counts octets against the limits.
    fn charge(&mut self, octets: usize) -> Result<(), MembersError> {
        if self.at == At::Item {
            let fits = self.held.len().saturating_add(octets) <= OBJECT_MAX;
            return if fits { Ok(()) } else { Err(MembersError::ItemTooLarge) };
        }
        let left = self.left.checked_sub(octets);
        let too_much = || malformed(format!("more than {} octets stand around the items", self.limit));
        self.left = left.ok_or_else(too_much)?;
        Ok(())
    }

    fn is_itemised(&self) -> bool {
        self.itemised == Some(&*self.key)
    }

    fn place(&self) -> String {
        match self.at {
            At::Object | At::FirstKey | At::Key | At::Colon | At::NextKey | At::End => {
                "the object".to_owned()
            }
            _ => quoted(&self.key),
        }
    }

    fn unexpected(&self, octets: &[u8]) -> MembersError {
        let found = octets.get(..octets.len().min(QUOTED_OCTETS)).unwrap_or_default();
        let found = quoted(&String::from_utf8_lossy(found));
        malformed(match self.at {
            At::Object => format!("no JSON object: it begins with {found}"),
            At::End => format!("{found} stands behind the object"),
            At::BeforeValue if self.has_items && self.is_itemised() => {
                format!("{} stands twice", self.place())
            }
            _ => format!("{}: {found} stands where it cannot", self.place()),
        })
    }
}

/// How much of unexpected octets is quoted.
const QUOTED_OCTETS: usize = 24;

fn malformed(reason: String) -> MembersError {
    MembersError::Malformed(reason)
}

/// Whether an octet may begin a value, or rather does not belong between values.
fn begins_value(octet: u8) -> bool {
    !matches!(octet, b',' | b':' | b']' | b'}')
}
