//! What is odd in objects, said once: objects that do not parse until they change, values that were left out once per
//! kind. Of many objects only some are named: a list can hold ten thousand.

use super::troubles::REPEAT;
use crate::roster::ObjectKey;
use crate::source::notice::Notices;
use crate::source::{Notice, Oddity};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How many objects are named within one [`REPEAT`].
const NAMED_MAX: u32 = 20;

/// Whether an object is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing is new.
    None,
    /// It is named.
    Named,
    /// It is the first of those that are not.
    More,
}

/// What one watch has met.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    /// Objects that do not parse, each with its revision and the list that named it last.
    broken: BTreeMap<ObjectKey, (Option<u64>, u64)>,
    lists: u64,
    /// Since when objects have been named, and how many.
    named: Option<(Instant, u32)>,
    said: BTreeSet<Oddity>,
    /// What decoding has counted since it was last said.
    pub(super) notices: Notices,
}

impl Oddities {
    /// An object that does not parse.
    pub(super) fn broken(&mut self, key: &ObjectKey, revision: Option<u64>, now: Instant) -> Line {
        match self.broken.insert(key.clone(), (revision, self.lists)) {
            Some((known, _)) if known == revision => Line::None,
            _ => self.name(now),
        }
    }

    /// An object that parses.
    pub(super) fn mended(&mut self, key: &ObjectKey, now: Instant) -> Line {
        if self.broken.remove(key).is_some() { self.name(now) } else { Line::None }
    }

    /// An object that is gone.
    pub(super) fn gone(&mut self, key: &ObjectKey) {
        self.broken.remove(key);
    }

    fn name(&mut self, now: Instant) -> Line {
        let (_, named) = match &mut self.named {
            Some(named) if now.duration_since(named.0) < REPEAT => named,
            named => named.insert((now, 0)),
        };
        *named = named.saturating_add(1);
        match (*named).cmp(&(NAMED_MAX + 1)) {
            Ordering::Less => Line::Named,
            Ordering::Equal => Line::More,
            Ordering::Greater => Line::None,
        }
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

    fn key(name: &str) -> ObjectKey {
        ObjectKey { namespace: "default".into(), name: name.into(), kind: ObjectKind::EndpointSlice }
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_does_not_parse_is_said_until_it_changes() {
        let mut oddities = Oddities::default();
        let now = Instant::now();
        assert_eq!(oddities.broken(&key("a"), Some(1), now), Line::Named);
        assert_eq!(oddities.broken(&key("a"), Some(1), now), Line::None);
        assert_eq!(oddities.broken(&key("b"), Some(1), now), Line::Named);
        assert_eq!(oddities.broken(&key("a"), Some(2), now), Line::Named);
        assert_eq!(oddities.mended(&key("a"), now), Line::Named);
        assert_eq!(oddities.mended(&key("a"), now), Line::None);
        assert_eq!(oddities.broken(&key("a"), Some(2), now), Line::Named);

        oddities.list_begins();
        assert_eq!(oddities.broken(&key("a"), Some(2), now), Line::None);
        oddities.list_ends();
        assert_eq!(oddities.broken(&key("a"), Some(2), now), Line::None);
        assert_eq!(oddities.mended(&key("b"), now), Line::None, "the list did not name it");
        oddities.gone(&key("a"));
        assert_eq!(oddities.mended(&key("a"), now), Line::None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_objects_some_are_named() {
        let mut oddities = Oddities::default();
        for start in [Instant::now(), Instant::now() + REPEAT] {
            let met = |number: u32| oddities.broken(&key(&number.to_string()), None, start);
            let first = if start == Instant::now() { 0 } else { 1_000 };
            let lines: Vec<Line> = (first..first + 100).map(met).collect();
            let expected = [[Line::Named].repeat(20), vec![Line::More], [Line::None].repeat(79)].concat();
            assert_eq!(lines, expected);
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
