//! Keeps the journal of transfers for the next start, beside the saved state: what led to the last serial that was saved.

use super::one_line::OneLine;
use crate::server::{Current, keep_journal};
use crate::source::saved::{Directory, Form, WriteError};
use crate::wire::Name;
use crate::zone::{Journal, Kept, Snapshot, Step};
use arc_swap::ArcSwap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The file beside that of the state.
const FORM: Form = Form { file: "rosterd.journal", magic: *b"rosterdj", version: 1 };

/// The journal of the program, and what has been written of it.
#[derive(Debug)]
pub(super) struct KeptJournal {
    journal: Arc<Mutex<Journal>>,
    current: Arc<ArcSwap<Current>>,
    /// The serials and the first steps that were written, by zones.
    written: Vec<Extent>,
    /// Why it was not, as it was said.
    trouble: Option<WriteError>,
}

/// A zone's last serial, and how far back steps lead to it.
type Extent = (Name, u32, Option<u32>);

/// What leads to one snapshot.
pub(super) struct Leading {
    snapshot: Arc<Snapshot>,
    zones: Vec<(Name, Vec<Arc<Step>>)>,
}

impl KeptJournal {
    /// One of which nothing is written yet.
    pub(super) fn new(journal: Arc<Mutex<Journal>>, current: Arc<ArcSwap<Current>>) -> KeptJournal {
        KeptJournal { journal, current, written: Vec::new(), trouble: None }
    }

    /// Takes over what was kept, as far as it leads to what is served now.
    pub(super) fn restore(&self, directory: &Directory) {
        let body = match directory.read_other(&FORM) {
            Ok(Some(body)) => body,
            Ok(None) => return,
            Err(error) => return ignored(&error.to_string()),
        };
        let Some(kept) = Kept::read(&body) else {
            return ignored(&format!("the kept journal {} does not read as one", FORM.file));
        };
        let current = self.current.load_full();
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        for zone in kept {
            let apex = zone.apex().clone();
            match journal.restore(&current.snapshot, zone, current.answering.journal) {
                Ok(serials) => {
                    tracing::info!("journal: zone {apex} can be told from {serials} earlier serials on");
                }
                Err(cause) => {
                    tracing::info!("journal: what was kept of zone {apex} is of no use: {cause}");
                }
            }
        }
    }

    /// Brings it up to what is served, ahead of [`KeptJournal::leading`], which nothing may change meanwhile.
    pub(super) fn keep_up(&self) {
        keep_journal(&self.journal, &self.current);
    }

    /// What leads to a snapshot, than which nothing newer has been given.
    pub(super) fn leading(&self, snapshot: &Arc<Snapshot>) -> Leading {
        let limits = self.current.load().answering.journal;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.keep_up(snapshot, limits);
        Leading { zones: journal.leads_to(snapshot), snapshot: Arc::clone(snapshot) }
    }

    /// Writes it, where it is not what was written last. That it cannot is said once.
    pub(super) fn write(&mut self, leading: &Leading, directory: &mut Directory) {
        match self.try_write(leading, directory) {
            Ok(()) => self.trouble = None,
            Err(error) => {
                if self.trouble.as_ref() != Some(&error) {
                    tracing::warn!(
                        "{}; after a restart, secondaries fetch whole zones",
                        OneLine(format!("journal: {error}"))
                    );
                }
                self.trouble = Some(error);
            }
        }
    }

    fn try_write(&mut self, leading: &Leading, directory: &mut Directory) -> Result<(), WriteError> {
        let snapshot = &leading.snapshot;
        let zones = leading.zones.iter();
        let zones = zones.filter_map(|(apex, steps)| Some((snapshot.transferable(apex).ok()?, steps)));
        let mut extents: Vec<Extent> = zones
            .clone()
            .map(|(zone, steps)| (zone.apex().clone(), zone.serial(), steps.first().map(|step| step.from)))
            .collect();
        extents.sort_unstable();
        if extents == self.written {
            return Ok(());
        }
        directory.write_other(&FORM, |body| {
            for (zone, steps) in zones {
                Kept::new(&zone, steps.clone()).write::<io::Error>(&mut |piece| body.write_all(piece))?;
            }
            Ok(())
        })?;
        self.written = extents;
        Ok(())
    }
}

/// It costs whole transfers, and is no reason not to start.
fn ignored(why: &str) {
    tracing::warn!("{}", OneLine(format!("journal: {why}; it is ignored, secondaries fetch whole zones")));
}
