//! A server that answers, until it is asked to end: other settings come into force meanwhile.

use super::answering::answering;
use super::generation::Generation;
use super::reload::{Again, Change, Making, Step, refused};
use super::saving::Keeper;
use super::serve::{Running, ServeError, Started};
use super::signals::{Asked, SIGTERM};
use super::writer::Reader;
use crate::config::Effective;
use crate::server::{Answering, Current, Notifier, Server};
use crate::source::Following;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

/// The server, and what is done beside its answers.
pub(super) struct Serving {
    running: Running,
    server: Server,
    generation: Generation,
    /// What looks at the generation in use.
    reader: Reader,
    current: Arc<ArcSwap<Current>>,
    keeper: Option<Keeper>,
    /// Other settings, on their way.
    making: Option<Making>,
    load: Box<dyn Fn() -> Result<Effective, Vec<String>>>,
    file: mpsc::Receiver<()>,
    _following: Option<Following>,
    /// Tells secondaries of changes as long as it is there.
    _notifier: Notifier,
    _certificates: Option<Following>,
}

/// What has come, beside signals.
enum Happened {
    /// Nobody follows the source any more: what is served would grow old without a word.
    Ended,
    FileChanged,
    Step(Step),
}

impl Serving {
    /// Begins to keep state and to follow the settings file.
    pub(super) fn begin(mut running: Running, started: Started, again: Again) -> Result<Serving, ServeError> {
        let Started { server, generation, reader, current, journal, notifier, certificates } = started;
        let keeper = running.directory.take().map(|directory| {
            let settings = running.effective.settings.state.clone();
            let writes = Arc::clone(&running.board.writes);
            Keeper::start(directory, reader.clone(), journal, settings, writes)
        });
        let keeper = keeper.transpose()?;
        let Again { before, load } = again;
        // As many as wait are one.
        let (told, file) = mpsc::channel(1);
        let following = before.map(|before| before.follow(told)).transpose()?;
        Ok(Serving {
            running,
            server,
            generation,
            reader,
            current,
            keeper,
            making: None,
            load,
            file,
            _following: following,
            _notifier: notifier,
            _certificates: certificates,
        })
    }

    /// Goes on until a signal asks for the end, or the source ends by a `defect`.
    pub(super) fn go_on(mut self, defect: &'static str) -> Result<(), ServeError> {
        loop {
            match self.wait() {
                Asked::End(signal) => {
                    self.end(Some(signal));
                    return Ok(());
                }
                Asked::Other(Happened::Ended) => {
                    self.end(None);
                    return Err(ServeError::SourceEnded(defect));
                }
                Asked::Other(Happened::Step(step)) => self.step(step),
                Asked::Other(Happened::FileChanged) => self.read_again("the file has changed"),
                Asked::Reload => self.read_again("SIGHUP"),
            }
        }
    }

    fn wait(&mut self) -> Asked<Happened> {
        let Serving { running, generation, making, file, .. } = self;
        let step = async {
            match making {
                Some(making) => making.step().await,
                None => std::future::pending().await,
            }
        };
        let file_changed = async {
            // Without a file, nobody ever tells of it.
            match file.recv().await {
                Some(()) => Happened::FileChanged,
                None => std::future::pending().await,
            }
        };
        running.signals.any_or(async {
            tokio::select! {
                biased;
                _ = &mut generation.ended => Happened::Ended,
                file_changed = file_changed => file_changed,
                step = step => Happened::Step(step),
            }
        })
    }

    /// Settings are to be read again.
    fn read_again(&mut self, cause: &str) {
        tracing::info!("settings: read again ({cause})");
        // Whatever was being made for settings that are none any more ends here.
        self.making = None;
        let Running { board, lasting, .. } = &self.running;
        match self.read() {
            Err(why) => refused(&board.reloads, &why),
            Ok((change, answering)) if change.concerns_zones() => {
                change.tell_kept();
                board.reloads.behind.store(true, Ordering::Relaxed);
                self.making = Some(Making::begin(change, answering, board.served_plans(), lasting));
            }
            Ok((change, answering)) => {
                change.tell_kept();
                self.generation.answer_by(answering);
                self.in_force(change);
            }
        }
    }

    /// What the settings say now, whole and right; else what is wrong, line by line.
    fn read(&self) -> Result<(Change, Arc<Answering>), Vec<String>> {
        let Running { effective, board, .. } = &self.running;
        let change = Change::new(effective, &(self.load)()?);
        let answers = Arc::clone(&self.current.load().answering);
        let last = Some((&effective.settings, &*answers));
        let answering = answering(&change.effective.settings, last, (&board.queries, &board.dnstap));
        let answering = answering.map_err(|error| vec![error.to_string()])?;
        Ok((change, Arc::new(answering)))
    }

    /// What was being made has come to something.
    fn step(&mut self, step: Step) {
        let Running { board, lasting, .. } = &self.running;
        let Some(mut making) = self.making.take() else { return };
        match step {
            Step::Complete(_) if making.misses(board.served_plans().as_deref()) => {
                making.again(board.served_plans(), lasting);
                self.making = Some(making);
            }
            Step::Complete(next) => {
                next.succeed(&self.generation, &self.reader, Arc::clone(&making.answering));
                // The former threads end here, and what they had is freed.
                self.generation = *next;
                self.generation.free();
                self.takes_over(making.change);
            }
            Step::Failed(why) => {
                refused(&board.reloads, why.as_slice());
                self.making = Some(making);
            }
            Step::Again => {
                making.again(board.served_plans(), lasting);
                self.making = Some(making);
            }
        }
    }

    /// A generation has come to be the one that is served, with other settings.
    fn takes_over(&mut self, change: Change) {
        let watched = self.generation.take_watched();
        // Never shown to wait for a cluster that it does not know, which would be not ready.
        if watched.is_some() {
            self.running.board.watches(watched);
            self.in_force(change);
        } else {
            self.in_force(change);
            self.running.board.watches(None);
        }
    }

    /// A change has been made.
    fn in_force(&mut self, change: Change) {
        let Running { effective, board, verbosity, .. } = &mut self.running;
        let new = &change.effective.settings;
        if new.log.level != effective.settings.log.level {
            verbosity.set_unless_told(new.log.level);
        }
        if let Some(keeper) = &self.keeper {
            keeper.keep_by(new.state.clone());
        }
        board.shows(&change.effective);
        change.done(&board.reloads);
        *effective = change.effective;
    }

    /// Ends in good order.
    fn end(self, signal: Option<&'static str>) {
        let Serving { running, server, mut generation, keeper, making, .. } = self;
        let Running { effective, mut signals, board, .. } = running;
        board.ends();
        drop(making);
        if let Some(signal) = signal {
            let lameduck = effective.settings.server.lameduck;
            // Who presses Ctrl-C waits for the end.
            if signal == SIGTERM && !lameduck.is_zero() {
                tracing::info!("{signal}: not ready any more, answering for another {lameduck:?}");
                signals.pause(lameduck, &mut generation.ended);
            }
            tracing::info!("{signal}: ending");
        }
        server.shutdown();
        drop((keeper, generation));
    }
}
