//! Keeps what is served for the next start: what changes is mirrored where it is applied, and written by a thread of its
//! own, at most once in an interval. A disk that is full, slow or gone costs no answer.

use super::clock::unix_time;
use super::journal::KeptJournal;
use super::one_line::OneLine;
use super::writer::Reader;
use crate::config::StateSettings;
use crate::roster::Event;
use crate::source::kubernetes::WatchPlan;
use crate::source::saved::{Directory, Fingerprint, Image, Mirror, WriteError};
use crate::wire::Name;
use arc_swap::ArcSwap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// What is written again though nothing has changed, so that it is known to be current: parts of the longest age.
const FRESHER: u32 = 8;

/// How long the end of the program may wait for the last write. A disk that does not answer must not hold it up.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// What a writer mirrors of what it is told.
#[derive(Debug)]
pub(super) struct Saving {
    /// None where nothing is kept.
    mirror: Option<Mirror>,
    origin: String,
    settings: Fingerprint,
}

impl Saving {
    /// Keeps nothing.
    pub(super) fn nothing() -> Saving {
        Saving { mirror: None, origin: String::new(), settings: Fingerprint::default() }
    }

    /// Keeps what these watches of `origin` bring, from which zones are made by these settings.
    pub(super) fn of(plans: &[WatchPlan], origin: String, settings: Fingerprint) -> Saving {
        Saving { mirror: Some(Mirror::new(plans)), origin, settings }
    }

    pub(super) fn take(&mut self, events: &[Event]) {
        self.take_at(events, unix_time());
    }

    /// Takes events in that tell what was current at a time, Unix time in seconds.
    pub(super) fn take_at(&mut self, events: &[Event], now: u64) {
        if let Some(mirror) = &mut self.mirror {
            mirror.take(events, now);
        }
    }

    /// Whether objects are not what they were at the last image.
    pub(super) fn has_changed(&self) -> bool {
        self.mirror.as_ref().is_some_and(Mirror::has_changed)
    }

    /// What is kept; none before any watch has delivered its list, where there are watches. `added_to` are the zones that
    /// files add records to, in words.
    pub(super) fn image(&mut self, serials: Vec<(Name, u32)>, added_to: &str, now: u64) -> Option<Image> {
        let mut image = self.mirror.as_mut()?.image(now)?;
        let serials = serials.into_iter().map(|(apex, serial)| (apex.to_string().into(), serial)).collect();
        image.origin.clone_from(&self.origin);
        (image.settings, image.serials) = (self.settings.and(added_to), serials);
        Some(image)
    }
}

/// What has become of writes, for readers on other threads.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// How many there were.
    pub(super) done: AtomicU64,
    /// How many failed.
    pub(super) failed: AtomicU64,
    /// When the last one was: Unix time in seconds; 0 before.
    pub(super) last: AtomicU64,
    /// Octets of the last one.
    pub(super) octets: AtomicU64,
}

/// The thread that writes. Dropping this writes once more, and ends it.
#[derive(Debug)]
pub(super) struct Keeper {
    settings: Arc<ArcSwap<StateSettings>>,
    /// Says that there are other settings; gone at the end.
    told: Option<SyncSender<()>>,
    ended: Receiver<()>,
}

impl Keeper {
    /// Writes into the directory what `reader` finds.
    pub(super) fn start(
        directory: Directory,
        reader: Reader,
        journal: KeptJournal,
        settings: StateSettings,
        writes: Arc<Writes>,
    ) -> io::Result<Keeper> {
        let (told, hears) = sync_channel::<()>(1);
        let (ending, ended) = sync_channel(0);
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let by = Arc::clone(&settings);
        let keeping =
            Keeping { directory, reader, journal, writes, saved: None, serials: Vec::new(), trouble: None };
        std::thread::Builder::new().name("state".to_owned()).spawn(move || {
            let _ending = ending;
            keep(keeping, &hears, &by);
        })?;
        Ok(Keeper { settings, told: Some(told), ended })
    }

    /// Writes by these settings from now on: what is due by them is written at once.
    pub(super) fn keep_by(&self, settings: StateSettings) {
        self.settings.store(Arc::new(settings));
        if let Some(told) = &self.told {
            // Where it has yet to hear of the last ones, it finds these.
            let _ = told.try_send(());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.told.take());
        let _ = self.ended.recv_timeout(LAST_WRITE);
    }
}

fn keep(mut keeping: Keeping, told: &Receiver<()>, settings: &ArcSwap<StateSettings>) {
    let mut looked = Instant::now();
    loop {
        let StateSettings { interval, max_age, .. } = **settings.load();
        let end = match told.recv_timeout(interval.saturating_sub(looked.elapsed())) {
            Ok(()) => continue,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        keeping.look(max_age / FRESHER, end);
        if end {
            return;
        }
        looked = Instant::now();
    }
}

/// What the thread holds.
struct Keeping {
    directory: Directory,
    reader: Reader,
    journal: KeptJournal,
    writes: Arc<Writes>,
    /// When it was last written.
    saved: Option<Instant>,
    /// The serials that were written.
    serials: Vec<(Name, u32)>,
    /// Why it was not, as it was said.
    trouble: Option<WriteError>,
}

impl Keeping {
    /// Writes where there is a reason to: something has changed, the last write failed, or is `fresh_for` ago, or is the
    /// last of all.
    fn look(&mut self, fresh_for: Duration, last: bool) {
        let due =
            last || self.trouble.is_some() || self.saved.is_none_or(|saved| saved.elapsed() >= fresh_for);
        let mut found = Vec::new();
        let needless = |saving: &Saving, serials: &[(Name, u32)]| {
            found = serials.to_vec();
            !due && !saving.has_changed() && found == self.serials
        };
        self.journal.keep_up();
        let leading = |snapshot: &_| self.journal.leading(snapshot);
        let Some((image, leading)) = self.reader.image(unix_time(), needless, leading) else { return };
        if let Some(image) = image {
            self.write(&image, found);
        }
        // It is good for the state that lies beside it.
        if self.trouble.is_none() {
            self.journal.write(&leading, &mut self.directory);
        }
    }

    fn write(&mut self, image: &Image, found: Vec<(Name, u32)>) {
        match self.directory.write(image) {
            Ok(octets) => {
                self.saved = Some(Instant::now());
                self.serials = found;
                self.writes.done.fetch_add(1, Ordering::Relaxed);
                self.writes.last.store(unix_time(), Ordering::Relaxed);
                self.writes.octets.store(octets, Ordering::Relaxed);
                let (objects, file) = (image.objects(), self.directory.file());
                tracing::debug!("state: {objects} objects saved in {} ({octets} octets)", file.display());
                if self.trouble.take().is_some() {
                    tracing::info!("state: saved again");
                }
            }
            Err(error) => {
                self.writes.failed.fetch_add(1, Ordering::Relaxed);
                if self.trouble.as_ref() != Some(&error) {
                    tracing::warn!(
                        "{}; answers go on, and what was saved before is kept",
                        OneLine(format!("state: {error}"))
                    );
                }
                self.trouble = Some(error);
            }
        }
    }
}
