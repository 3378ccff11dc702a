//! Any text as a manifest, YAML or JSON: read or refused with a reason, and what is read can be served.

use crate::world::{self, NOW};
use rosterd::roster::{EndpointObject, Event, EventKind, Gives, Roster, Scope, WatchId};
use rosterd::source::manifest::parse;
use rosterd::zone::{PodNames, Snapshot, SnapshotWriter};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads an input and serves it.
pub fn check(input: &[u8]) {
    let parsed = match parse("input", input) {
        Ok(parsed) => parsed,
        Err(error) => {
            // What is told to people has to be made, too.
            assert!(error.to_string().contains("input"));
            return;
        }
    };
    let keys: BTreeSet<_> = parsed.objects.iter().map(|object| &object.key).collect();
    assert_eq!(keys.len(), parsed.objects.len(), "one object twice");
    assert!(parsed.has_documents || parsed.objects.is_empty());
    let served = serve(parsed.objects.clone());
    let reversed = serve(parsed.objects.into_iter().rev().collect());
    let texts = |snapshot: &Snapshot| snapshot.master_files().map(|(_, text)| text).collect::<Vec<_>>();
    assert_eq!(texts(&served), texts(&reversed), "the order of objects matters");
}

fn serve(objects: Vec<EndpointObject>) -> Arc<Snapshot> {
    let mut roster = Roster::new(world::options());
    let mut tell = |kind| roster.handle(Event { watch: WatchId(0), revision: None, kind });
    tell(EventKind::Started(Scope::All, Gives::Peers));
    for object in &objects {
        tell(EventKind::Apply(Box::new(object.clone())));
    }
    tell(EventKind::Synced);
    let mut writer = SnapshotWriter::new(world::zones(PodNames::Verified)).expect("zones");
    let changes = roster.take_changes();
    let snapshot = world::publish(&mut writer, &changes, NOW.into());
    // The same list again changes nothing.
    let mut tell = |kind| roster.handle(Event { watch: WatchId(0), revision: None, kind });
    tell(EventKind::Reset);
    for object in objects {
        tell(EventKind::Apply(Box::new(object)));
    }
    tell(EventKind::Synced);
    assert!(roster.take_changes().is_empty(), "a list that is equal is a change");
    roster.take_notices().iter().for_each(|notice| drop(notice.to_string()));
    snapshot
}
