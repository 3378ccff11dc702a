//! What was saved, at a start: taken in where it is of the same source, and young enough.

use super::one_line::OneLine;
use super::pipeline::Pipeline;
use super::saving::Saving;
use crate::roster::{Event, WatchId};
use crate::source::kubernetes::{Health, WatchPlan};
use crate::source::saved::{Directory, Fingerprint, Saved, SavedWatch};
use crate::wire::Name;
use std::fmt;
use std::time::Duration;

/// How far ahead of the clock a state may have been saved: clocks are set back by so much at most when they are corrected.
/// One that was saved later than that has an age that nobody knows.
const AHEAD: Duration = Duration::from_secs(300);

/// Events that are taken in together.
const CHUNK: usize = 1024;

/// Where saved state comes from and what it is good for now.
pub(super) struct Wanted<'a> {
    /// What objects come from, in words.
    pub(super) origin: &'a str,
    pub(super) settings: Fingerprint,
    pub(super) plans: &'a [WatchPlan],
    pub(super) max_age: Duration,
    /// Unix time in seconds.
    pub(super) now: u64,
}

/// How old something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Seconds(u64),
    /// It comes from the time to come, by so many seconds.
    ToCome(u64),
}

impl Age {
    fn of(time: u64, now: u64) -> Age {
        let ahead = time.saturating_sub(now);
        if ahead > AHEAD.as_secs() { Age::ToCome(ahead) } else { Age::Seconds(now.saturating_sub(time)) }
    }

    fn is_within(self, max: Duration) -> bool {
        matches!(self, Age::Seconds(seconds) if seconds <= max.as_secs())
    }
}

impl fmt::Display for Age {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Age::Seconds(seconds) => write!(formatter, "{} old", time(*seconds)),
            Age::ToCome(seconds) => {
                write!(
                    formatter,
                    "saved {} after now by this clock, so that nobody knows its age",
                    time(*seconds)
                )
            }
        }
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// Reads what was saved, and takes in what is wanted of it. Whatever is wrong with it is said, and is no reason not to
/// start.
pub(super) fn restore(
    directory: &Directory,
    wanted: &Wanted<'_>,
    pipeline: &mut Pipeline,
    saving: &mut Saving,
    health: Option<&Health>,
) {
    let saved = match directory.read() {
        Ok(Some(saved)) => saved,
        Ok(None) => {
            tracing::info!(
                "{}",
                OneLine(format!("state: nothing was saved in {}", directory.file().display()))
            );
            return;
        }
        Err(error) => {
            tracing::warn!("{}", OneLine(format!("{error}; it is ignored")));
            return;
        }
    };
    for (warning, line) in take_in(&saved, wanted, pipeline, saving, health) {
        let line = OneLine(format!("state: {line}"));
        if warning { tracing::warn!("{line}") } else { tracing::info!("{line}") }
    }
}

/// Takes in what is wanted, and returns what is to be said: warnings are marked.
fn take_in(
    saved: &Saved,
    wanted: &Wanted<'_>,
    pipeline: &mut Pipeline,
    saving: &mut Saving,
    health: Option<&Health>,
) -> Vec<(bool, String)> {
    let &Wanted { origin, settings, plans, max_age, now } = wanted;
    // Read as they were written, but for what somebody has made who knows the form.
    let serials =
        saved.serials.iter().filter_map(|(apex, serial)| Some((apex.parse::<Name>().ok()?, *serial)));
    let serials: Vec<(Name, u32)> = serials.collect();
    if saved.origin != origin {
        // Whatever records are made of, their zone's secondaries know its last serial.
        pipeline.continue_from(&serials, false);
        pipeline.publish();
        let line = format!("what was saved is of {}, and not of {origin}; it is ignored", saved.origin);
        return vec![(true, line)];
    }
    let mut lines = Vec::new();
    let mut replayed = 0;
    for (place, plan) in plans.iter().enumerate() {
        let Some(watch) = saved.watches.iter().find(|watch| watch.plan == *plan) else {
            lines.push((true, format!("{plan}: nothing of it was saved; its names wait for the API server")));
            continue;
        };
        let age = Age::of(watch.current, now);
        if !age.is_within(max_age) {
            let most = time(max_age.as_secs());
            lines.push((
                true,
                format!("{plan}: what was saved is {age}; it is ignored (state.max_age is {most})"),
            ));
            continue;
        }
        replay(saved, watch, place, pipeline, saving);
        if let Some(health) = health {
            health.serves_saved(place, watch.current);
        }
        replayed += 1;
        let objects = watch.objects;
        lines.push((
            false,
            format!("{plan}: {objects} objects as they were saved, {age}, until the API server is heard"),
        ));
    }
    let settings = settings.and(&pipeline.added_to());
    let same = saved.settings == settings && replayed == saved.watches.len() && !plans.is_empty();
    pipeline.continue_from(&serials, same);
    pipeline.publish();
    lines
}

fn replay(saved: &Saved, watch: &SavedWatch, place: usize, pipeline: &mut Pipeline, saving: &mut Saving) {
    let Ok(id) = u32::try_from(place) else { return };
    let mut events = saved.events(watch, WatchId(id));
    loop {
        let chunk: Vec<Event> = events.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return;
        }
        saving.take_at(&chunk, watch.current);
        pipeline.take(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_survive_clocks_that_jump() {
        const HOUR: Duration = Duration::from_secs(3_600);
        for (time, now, within, text) in [
            (1_000, 1_000, true, "0 s old"),
            (1_000, 1_119, true, "119 s old"),
            (1_000, 4_600, true, "60 min old"),
            (1_000, 4_601, false, "60 min old"),
            (1_000, 101_000, false, "27 h old"),
            // A clock that was corrected.
            (1_300, 1_000, true, "0 s old"),
            (1_301, 1_000, false, "saved 5 min after now by this clock, so that nobody knows its age"),
            (
                u64::MAX,
                0,
                false,
                "saved 5124095576030431 h after now by this clock, so that nobody knows its age",
            ),
            (0, u64::MAX, false, "5124095576030431 h old"),
        ] {
            let age = Age::of(time, now);
            assert_eq!((age.is_within(HOUR), age.to_string().as_str()), (within, text));
        }
    }
}
