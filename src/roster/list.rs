//! A list while it arrives: what it will change when it is complete.

use super::{EndpointObject, ObjectKey};
use std::collections::BTreeMap;

/// A list that is arriving: what differs from what is stored. Objects that do not differ are marked where they are.
#[derive(Debug, Default)]
pub(super) struct List {
    /// The last good version of each object; none of a stored one that was deleted while the list arrived.
    pub(super) changed: BTreeMap<ObjectKey, Option<Box<EndpointObject>>>,
    /// What does not parse as it is now.
    pub(super) broken: BTreeMap<ObjectKey, Box<EndpointObject>>,
}

impl List {
    /// The object is this, as stored or otherwise.
    pub(super) fn apply(&mut self, object: Box<EndpointObject>, unchanged: bool) {
        self.broken.remove(&object.key);
        if unchanged {
            self.changed.remove(&object.key);
        } else {
            self.changed.insert(object.key.clone(), Some(object));
        }
    }

    /// The object does not parse. Returns whether what is stored of it, if anything, is its last good version.
    pub(super) fn set_broken(&mut self, object: Box<EndpointObject>) -> bool {
        let was_deleted = matches!(self.changed.get(&object.key), Some(None));
        self.broken.insert(object.key.clone(), object);
        !was_deleted
    }

    /// The object is gone, one that is stored or one that came with this list.
    pub(super) fn delete(&mut self, key: ObjectKey, is_stored: bool) {
        self.broken.remove(&key);
        if is_stored {
            self.changed.insert(key, None);
        } else {
            self.changed.remove(&key);
        }
    }
}
