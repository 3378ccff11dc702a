//! The journal kept, read back and taken over.

use super::*;

/// What is kept of all zones of a snapshot, as octets.
fn octets(journal: &Journal, snapshot: &Snapshot) -> Vec<u8> {
    let mut octets = Vec::new();
    for (apex, steps) in journal.leads_to(snapshot) {
        let kept = Kept::new(&snapshot.transferable(&apex).unwrap(), steps);
        let written: Result<(), ()> = kept.write(&mut |piece| {
            octets.extend_from_slice(piece);
            Ok(())
        });
        written.unwrap();
    }
    octets
}

/// A journal of what was read back.
fn restored(octets: &[u8], snapshot: &Arc<Snapshot>) -> (Journal, Vec<Result<usize, NotRestored>>) {
    let mut journal = Journal::default();
    let outcomes = Kept::read(octets).unwrap().into_iter();
    let outcomes = outcomes.map(|kept| journal.restore(snapshot, kept, LIMITS)).collect();
    (journal, outcomes)
}

/// A journal in which all zones of these were given, one after the other.
fn given(snapshots: &[Arc<Snapshot>]) -> Journal {
    let mut journal = Journal::default();
    for snapshot in snapshots {
        for zone in ZONES {
            journal.give(snapshot, &snapshot.transferable(&name(zone)).unwrap(), LIMITS);
        }
    }
    journal
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A restart at any moment of a history, after which that goes on: whoever holds an older serial reaches the last one.
    #[test]
    fn a_restart_changes_nothing(
        happenings in prop::collection::vec(happening(), 1..60),
        first in first(),
        at in any::<prop::sample::Index>(),
    ) {
        let snapshots = snapshots(&happenings, first);
        let (before, after) = snapshots.split_at(at.index(snapshots.len()) + 1);
        let last = before.last().unwrap();
        let kept = octets(&given(before), last);
        let (mut journal, outcomes) = restored(&kept, last);
        prop_assert!(outcomes.len() == ZONES.len() && outcomes.iter().all(Result::is_ok), "{:?}", outcomes);
        prop_assert_eq!(octets(&journal, last).len(), kept.len());
        for snapshot in after {
            journal.keep_up(snapshot, LIMITS);
        }
        let end = snapshots.last().unwrap();
        for zone in ZONES {
            let end = end.transferable(&name(zone)).unwrap();
            for older in &snapshots {
                let older = older.transferable(&name(zone)).unwrap();
                let steps = journal.since(&end, older.serial());
                prop_assert!(steps.is_some(), "{} from {}", zone, older.serial());
                let mut reached = contents(&older);
                for step in steps.unwrap() {
                    apply(&mut reached, &step.difference);
                }
                prop_assert_eq!(reached, contents(&end), "{}", zone);
            }
        }
    }

    /// Kept at one moment, and restored where another is served.
    #[test]
    fn what_leads_elsewhere_is_never_taken_over(
        happenings in prop::collection::vec(happening(), 2..40),
        pair in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let snapshots = snapshots(&happenings, 1);
        let (one, other) = (pair.0.index(snapshots.len()), pair.1.index(snapshots.len()));
        let kept = octets(&given(&snapshots[..=one]), &snapshots[one]);
        let (journal, _) = restored(&kept, &snapshots[other]);
        for zone in ZONES {
            let served = snapshots[other].transferable(&name(zone)).unwrap();
            for older in &snapshots {
                let older = older.transferable(&name(zone)).unwrap();
                let Some(steps) = journal.since(&served, older.serial()) else { continue };
                if steps.is_empty() {
                    continue;
                }
                let mut reached = contents(&older);
                for step in steps {
                    apply(&mut reached, &step.difference);
                }
                prop_assert_eq!(reached, contents(&served), "{}", zone);
            }
        }
    }

    #[test]
    fn damaged_octets_are_read_or_refused(at: prop::sample::Index, octet: u8, cut: prop::sample::Index) {
        let (older, newer) = two();
        let kept = octets(&given(&[older, Arc::clone(&newer)]), &newer);
        let mut changed = kept.clone();
        changed[at.index(kept.len())] = octet;
        if let Some(read) = Kept::read(&changed) {
            let mut journal = Journal::default();
            for kept in read {
                let _ = journal.restore(&newer, kept, LIMITS);
            }
            prop_assert!(journal.octets() <= kept.len());
        }
        let cut = cut.index(kept.len());
        // Whole zones may be left.
        prop_assert!(Kept::read(&kept[..cut]).is_none_or(|read| read.len() < ZONES.len()));
    }
}

#[test]
fn what_does_not_fit_is_told_by_its_cause() {
    let (older, newer) = two();
    let kept = octets(&given(&[Arc::clone(&older), Arc::clone(&newer)]), &newer);
    let of_peers = |octets: &[u8]| {
        let peers = name(ZONES[0]);
        Kept::read(octets).unwrap().into_iter().find(|kept| kept.apex == peers).unwrap()
    };
    let restore = |snapshot: &Arc<Snapshot>, kept: Kept| Journal::default().restore(snapshot, kept, LIMITS);
    assert_eq!(restore(&newer, of_peers(&kept)), Ok(1));
    assert_eq!(restore(&older, of_peers(&kept)), Err(NotRestored::Other));
    let unknown = SnapshotWriter::new(config()).unwrap().before_first();
    let not_ready = NotRestored::NotTransferable(NotTransferable::NotReady);
    assert_eq!(restore(&unknown, of_peers(&kept)), Err(not_ready));
    let mut ahead = of_peers(&kept);
    (ahead.steps, ahead.end.serial) = (Vec::new(), ahead.end.serial + 1);
    assert_eq!(restore(&newer, ahead), Err(NotRestored::Older));
    let mut other_soa = of_peers(&kept);
    other_soa.end.soa = Box::default();
    assert_eq!(restore(&newer, other_soa), Err(NotRestored::Other));
}

#[test]
fn equal_records_under_a_later_serial_are_a_step() {
    let history = [Happening::Came(0, 1, false), Happening::Published];
    let one = snapshots(&history, 1).remove(0);
    // The same peers, published after others had come and gone.
    let again = snapshots(
        &[
            Happening::Came(0, 1, false),
            Happening::Published,
            Happening::Came(0, 2, false),
            Happening::Published,
            Happening::Went(0, 2, false),
            Happening::Published,
        ],
        1,
    );
    let again = again.last().unwrap();
    let kept = octets(&given(std::slice::from_ref(&one)), &one);
    let (journal, outcomes) = restored(&kept, again);
    // Nobody has given back the other's addresses: pods and their names are still there.
    assert!(outcomes.contains(&Ok(1)) && outcomes.contains(&Err(NotRestored::Other)), "{outcomes:?}");
    let zone = again.transferable(&name(ZONES[0])).unwrap();
    let before = one.transferable(&name(ZONES[0])).unwrap();
    assert_ne!(zone.serial(), before.serial());
    let steps = journal.since(&zone, before.serial()).unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!((steps[0].from, steps[0].to), (before.serial(), zone.serial()));
    assert_eq!((&steps[0].soa_before, &steps[0].soa_after), (&before.soa(), &zone.soa()));
    assert_eq!(steps[0].difference, Difference::default());
}
