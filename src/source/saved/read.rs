//! A state read back.

use super::failure::ReadError;
use super::form::DIGEST;
use super::image::{Fingerprint, STATE};
use super::object;
use super::octets::Take;
use crate::roster::{Event, EventKind, Gives, Scope, WatchId};
use crate::source::kubernetes::WatchPlan;
use std::ops::Range;
use std::path::Path;

/// A state that was saved, whole and right.
#[derive(Debug)]
pub struct Saved {
    /// Where the objects came from.
    pub origin: String,
    /// What zones were made with.
    pub settings: Fingerprint,
    /// The serial of each zone, by its apex.
    pub serials: Vec<(Box<str>, u32)>,
    /// What each watch had delivered.
    pub watches: Vec<SavedWatch>,
    octets: Vec<u8>,
}

/// What a watch had delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedWatch {
    /// What was watched.
    pub plan: WatchPlan,
    /// Up to which revision it was complete, where that was a number.
    pub revision: Option<u64>,
    /// When it was last current: Unix time in seconds.
    pub current: u64,
    /// How many objects there are.
    pub objects: usize,
    /// Where they stand in the octets.
    place: Range<usize>,
}

impl Saved {
    /// Reads octets that `path` holds, every one of them.
    pub fn read(octets: Vec<u8>, path: &Path) -> Result<Saved, ReadError> {
        let mut take = Take { rest: STATE.body(&octets, path)? };
        let Some(body) = body(&mut take, octets.len()).filter(|_| take.rest.is_empty()) else {
            return Err(ReadError::Malformed(path.to_owned()));
        };
        let (origin, settings, serials, watches) = body;
        Ok(Saved { origin, settings, serials, watches, octets })
    }

    /// The events that bring what a watch had: it begins, delivers its list, and is out of reach.
    pub fn events(&self, saved: &SavedWatch, watch: WatchId) -> impl Iterator<Item = Event> {
        let SavedWatch { plan, revision, .. } = saved;
        let revision = *revision;
        let begin = [
            EventKind::Started(plan.scope.clone(), plan.gives),
            EventKind::Named(plan.to_string().into()),
            EventKind::Reset,
        ];
        let mut take = Take { rest: self.octets.get(saved.place.clone()).unwrap_or_default() };
        let objects = std::iter::from_fn(move || object::take(&mut take));
        let kinds = begin.into_iter().chain(objects).map(|kind| (kind, None));
        let end = [(EventKind::Synced, revision), (EventKind::Unreachable, None)];
        kinds.chain(end).map(move |(kind, revision)| Event { watch, revision, kind })
    }
}

type Body = (String, Fingerprint, Vec<(Box<str>, u32)>, Vec<SavedWatch>);

/// Reads a body to its last octet; `end` is where that stands.
fn body(take: &mut Take<'_>, end: usize) -> Option<Body> {
    let origin = take.text()?.to_owned();
    let settings = Fingerprint(take.octets(DIGEST)?.try_into().ok()?);
    let mut serials = Vec::new();
    for _ in 0..take.count()? {
        serials.push((take.text()?.into(), u32::try_from(take.number()?).ok()?));
    }
    let mut watches = Vec::new();
    for _ in 0..take.count()? {
        let resource = object::kind(take)?;
        let namespace = take.text()?;
        let nameless = take.text()?.is_empty();
        let scope = if take.flag()? { Scope::Namespace(namespace.into()) } else { Scope::All };
        if !nameless || (scope == Scope::All && !namespace.is_empty()) {
            return None;
        }
        let selector = take.optional_text()?;
        let gives = if take.flag()? { Gives::Addresses } else { Gives::Peers };
        let revised = take.flag()?;
        let revision = Some(take.number()?).filter(|_| revised);
        let current = take.number()?;
        let objects = take.count()?;
        let start = end - take.rest.len();
        for _ in 0..objects {
            object::take(take)?;
        }
        let place = start..end - take.rest.len();
        let plan = WatchPlan { resource, scope, selector, gives };
        watches.push(SavedWatch { plan, revision, current, objects, place });
    }
    Some((origin, settings, serials, watches))
}
