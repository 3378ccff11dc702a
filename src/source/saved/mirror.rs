//! The objects of a source, followed event by event.

use super::image::{Image, ImageWatch};
use super::objects::Objects;
use crate::roster::{Event, EventKind};
use crate::source::kubernetes::WatchPlan;

/// What each watch has delivered. Mirrors what the roster is told, list by list.
#[derive(Debug)]
pub struct Mirror {
    watches: Vec<Watch>,
    changed: bool,
}

#[derive(Debug)]
struct Watch {
    plan: WatchPlan,
    objects: Objects,
    /// The list that is arriving: nothing of it counts before it is complete. What is told before the first list begins
    /// belongs to it.
    list: Option<Objects>,
    synced: bool,
    revision: Option<u64>,
    /// Since when it has not been current: Unix time in seconds. None while it is.
    old_since: Option<u64>,
}

impl Mirror {
    /// One that has been told nothing. The ids of watches are the places of their plans.
    pub fn new(plans: &[WatchPlan]) -> Mirror {
        let watch = |plan: &WatchPlan| Watch {
            plan: plan.clone(),
            objects: Objects::new(),
            list: Some(Objects::new()),
            synced: false,
            revision: None,
            old_since: None,
        };
        Mirror { watches: plans.iter().map(watch).collect(), changed: false }
    }

    /// Takes events in; `now` is Unix time in seconds.
    pub fn take(&mut self, events: &[Event], now: u64) {
        for event in events {
            let Some(watch) = self.watches.get_mut(event.watch.0 as usize) else { continue };
            self.changed |= watch.take(event, now);
        }
    }

    /// Whether an image would hold something else than the last one that was taken.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// What there is now, of the watches that have delivered their lists; `now` is Unix time in seconds. None where there
    /// are watches and none has. Copies nothing of the objects.
    pub fn image(&mut self, now: u64) -> Option<Image> {
        if !self.watches.is_empty() && self.watches.iter().all(|watch| !watch.synced) {
            return None;
        }
        self.changed = false;
        let synced = self.watches.iter().filter(|watch| watch.synced);
        let watches = synced.map(|watch| ImageWatch {
            plan: watch.plan.clone(),
            revision: watch.revision,
            current: watch.old_since.unwrap_or(now),
            objects: watch.objects.clone(),
        });
        Some(Image { watches: watches.collect(), ..Image::default() })
    }
}

impl Watch {
    /// Takes an event in. Returns whether what is saved changes.
    fn take(&mut self, event: &Event, now: u64) -> bool {
        let Watch { objects, list, .. } = self;
        let changed = match (&event.kind, list) {
            (EventKind::Reset, list) => {
                *list = Some(Objects::new());
                false
            }
            (EventKind::Apply(object), Some(list)) => {
                list.put(object, Some(objects));
                false
            }
            (EventKind::Apply(object), None) => objects.put(object, None),
            (EventKind::Broken(object), Some(list)) => {
                list.put_broken(object, Some(objects));
                false
            }
            (EventKind::Broken(object), None) => objects.put_broken(object, None),
            (EventKind::Delete(key), Some(list)) => {
                list.remove(key);
                false
            }
            (EventKind::Delete(key), None) => objects.remove(key),
            (EventKind::Synced, list) => {
                let first = !std::mem::replace(&mut self.synced, true);
                let list = list.take();
                let others = list.filter(|list| !list.shares_all_with(objects));
                let differs = others.is_some();
                if let Some(list) = others {
                    *objects = list;
                }
                first || differs
            }
            (EventKind::Unreachable, _) => {
                self.old_since.get_or_insert(now);
                true
            }
            (EventKind::Reachable, _) => self.old_since.take().is_some(),
            (EventKind::Ended, _) => {
                let synced = std::mem::take(&mut self.synced);
                (self.objects, self.list) = (Objects::new(), Some(Objects::new()));
                synced
            }
            (EventKind::Started(..) | EventKind::Named(_), _) => false,
        };
        if self.list.is_none() {
            self.revision = self.revision.max(event.revision);
            if event.kind == EventKind::Synced {
                // A cluster that was restored from a backup counts from where it stood then.
                self.revision = event.revision;
            }
        }
        changed
    }
}
