//! What is odd in objects, said once: objects that do not parse until they change, names that cannot be read every few
//! minutes, values that were left out once per kind.

use super::troubles::REPEAT;
use crate::roster::ObjectKey;
use crate::source::notice::Notices;
use crate::source::{Notice, Oddity};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// What one watch has met.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    /// Objects that do not parse, each with its revision and the list that named it last.
    broken: BTreeMap<ObjectKey, (Option<u64>, u64)>,
    lists: u64,
    nameless: Option<Instant>,
    said: BTreeSet<Oddity>,
    /// What decoding has counted since it was last said.
    pub(super) notices: Notices,
}

impl Oddities {
    /// An object that does not parse. Returns whether that is worth a line.
    pub(super) fn broken(&mut self, key: &ObjectKey, revision: Option<u64>) -> bool {
        let known = self.broken.insert(key.clone(), (revision, self.lists));
        known.is_none_or(|(known, _)| known != revision)
    }

    /// An object that parses, or is gone. Returns whether it did not parse before.
    pub(super) fn sound(&mut self, key: &ObjectKey) -> bool {
        self.broken.remove(key).is_some()
    }

    /// An object without a name that can be read. Returns whether that is worth a line.
    pub(super) fn nameless(&mut self, now: Instant) -> bool {
        let due = self.nameless.is_none_or(|said| now.duration_since(said) >= REPEAT);
        if due {
            self.nameless = Some(now);
        }
        due
    }

    /// A full list begins.
    pub(super) fn list_begins(&mut self) {
        self.lists += 1;
    }

    /// A full list is complete: what it did not name is gone.
    pub(super) fn list_ends(&mut self) {
        self.broken.retain(|_, (_, list)| *list == self.lists);
    }

    /// What decoding has counted, of kinds that were not said before.
    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        let notices = std::mem::take(&mut self.notices).into_vec();
        notices.into_iter().filter(|notice| self.said.insert(notice.oddity)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::ObjectKind;
    use std::time::Duration;

    fn key(name: &str) -> ObjectKey {
        ObjectKey { namespace: "default".into(), name: name.into(), kind: ObjectKind::EndpointSlice }
    }

    #[test]
    fn an_object_that_does_not_parse_is_said_until_it_changes() {
        let mut oddities = Oddities::default();
        assert!(oddities.broken(&key("a"), Some(1)));
        assert!(!oddities.broken(&key("a"), Some(1)));
        assert!(oddities.broken(&key("b"), Some(1)));
        assert!(oddities.broken(&key("a"), Some(2)));
        assert!(oddities.sound(&key("a")));
        assert!(!oddities.sound(&key("a")));
        assert!(oddities.broken(&key("a"), Some(2)));

        oddities.list_begins();
        assert!(!oddities.broken(&key("a"), Some(2)));
        oddities.list_ends();
        assert!(!oddities.broken(&key("a"), Some(2)));
        assert!(!oddities.sound(&key("b")), "the list did not name it");
    }

    #[tokio::test(start_paused = true)]
    async fn names_that_cannot_be_read_are_said_every_five_minutes() {
        let mut oddities = Oddities::default();
        let start = Instant::now();
        for (seconds, said) in [(0, true), (1, false), (299, false), (300, true), (301, false)] {
            assert_eq!(oddities.nameless(start + Duration::from_secs(seconds)), said, "at {seconds} s");
        }
    }

    #[test]
    fn each_kind_of_oddity_is_said_once() {
        let mut oddities = Oddities::default();
        oddities.notices.count(Oddity::Address, || "a".to_owned());
        oddities.notices.count(Oddity::Address, || "b".to_owned());
        let notice = |oddity, count, example: &str| Notice { oddity, count, example: example.to_owned() };
        assert_eq!(oddities.take_notices(), [notice(Oddity::Address, 2, "a")]);
        oddities.notices.count(Oddity::Address, || "c".to_owned());
        oddities.notices.count(Oddity::PortNumber, || "d".to_owned());
        assert_eq!(oddities.take_notices(), [notice(Oddity::PortNumber, 1, "d")]);
    }
}
