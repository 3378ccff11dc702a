//! Settings that change while the program runs: what differs, what it concerns, and the change while it is being made.
//!
//! A change is checked whole before anything of it holds, and comes into force at one moment: with the answers of the
//! former settings until then.

use super::attempts::Attempt;
use super::board::Reloads;
use super::clock::unix_time;
use super::generation::{Generation, Lasting, next};
use super::load::LoadError;
use super::one_line::OneLine;
use super::settings_file::Before;
use crate::config::{Difference, Effective};
use crate::server::Answering;
use crate::source::kubernetes::WatchPlan;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// How long it is waited before what could not be made is tried again: a manifest that is broken may be mended.
const AGAIN: Duration = Duration::from_secs(10);

/// Lines of errors, and of differences.
const LINES: usize = 50;

/// Where settings are read again.
pub struct Again {
    /// The settings file before it was read for the first time, where there is one.
    pub before: Option<Before>,
    /// Reads them whole; errors are lines.
    pub load: Box<dyn Fn() -> Result<Effective, Vec<String>>>,
}

impl fmt::Debug for Again {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Again").field("before", &self.before).finish_non_exhaustive()
    }
}

/// What a setting concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// How answers are made from records.
    Answers,
    /// What stands alone: levels and times.
    Alone,
    /// Which records there are, and where they come from.
    Zones,
}

impl Part {
    fn of(key: &str) -> Part {
        const ANSWERS: [&str; 10] = [
            "log.queries.",
            "server.access",
            "server.cookies.",
            "server.dnstap.",
            "server.identity",
            "server.nsid",
            "server.rate_limit.",
            "server.recursion_available",
            "server.version",
            "transfer.",
        ];
        const ALONE: [&str; 4] = ["admin.", "log.level", "server.lameduck", "state."];
        let begins = |all: &[&str]| all.iter().any(|begin| key.starts_with(begin));
        // It is a zone.
        if key == "transfer.catalog" {
            Part::Zones
        } else if begins(&ANSWERS) {
            Part::Answers
        } else if begins(&ALONE) {
            Part::Alone
        } else {
            Part::Zones
        }
    }
}

/// The settings that make records of objects, as text: the same objects give the same records where these are the same.
/// Zone files are told by what stands in them.
pub(super) fn records_in_words(effective: &Effective) -> String {
    const MAKE_RECORDS: [&str; 12] = [
        "cluster_domain",
        "kubernetes.watch",
        "kubernetes.watch_pods",
        "label_settings",
        "pods",
        "reverse_zones",
        "server.hostmaster",
        "server.nameserver",
        "server.negative_ttl",
        "server.ttl",
        "topologies[",
        "zone",
    ];
    let makes = |key: &str| {
        MAKE_RECORDS.iter().any(|one| *one == key || (one.ends_with('[') && key.starts_with(one)))
    };
    let lines = effective.show().lines.into_iter().filter(|line| makes(&line.key));
    lines.map(|line| format!("{}: {}", line.key, line.setting)).collect::<Vec<_>>().join("\n")
}

/// Other settings, read and right.
pub(super) struct Change {
    /// What is to be in force.
    pub(super) effective: Effective,
    /// What that says otherwise than what is.
    differences: Vec<Difference>,
    /// What the program has begun with and keeps.
    kept: Vec<Difference>,
}

impl Change {
    /// From what is in force to what was read.
    pub(super) fn new(running: &Effective, read: &Effective) -> Change {
        let effective = read.on_top_of(running);
        let differences = running.differences(&effective);
        let kept = effective.differences(read);
        Change { effective, differences, kept }
    }

    fn concerns(&self, part: Part) -> bool {
        self.differences.iter().any(|difference| Part::of(&difference.key) == part)
    }

    /// Whether zones are to be made anew.
    pub(super) fn concerns_zones(&self) -> bool {
        self.concerns(Part::Zones)
    }

    /// Says what it takes a restart for.
    pub(super) fn tell_kept(&self) {
        for difference in self.kept.iter().take(LINES) {
            tracing::warn!("{}", OneLine(format!("settings: {difference}: takes a restart")));
        }
    }

    /// It is in force now.
    pub(super) fn done(&self, reloads: &Reloads) {
        if self.differences.is_empty() {
            reloads.unchanged.fetch_add(1, Ordering::Relaxed);
        } else {
            reloads.changed.fetch_add(1, Ordering::Relaxed);
            reloads.last.store(unix_time(), Ordering::Relaxed);
        }
        reloads.behind.store(!self.kept.is_empty(), Ordering::Relaxed);
        for difference in self.differences.iter().take(LINES) {
            tracing::info!("{}", OneLine(format!("settings: {difference}")));
        }
        match self.differences.len() {
            0 => tracing::info!("settings: good, and nothing that can change has changed"),
            all => tracing::info!("settings: {all} changed, in force from now on"),
        }
    }
}

/// Says that a change was refused, and why.
pub(super) fn refused(reloads: &Reloads, why: &[String]) {
    reloads.refused.fetch_add(u64::from(!why.is_empty()), Ordering::Relaxed);
    reloads.behind.store(true, Ordering::Relaxed);
    for line in why.iter().take(LINES) {
        tracing::warn!("{}", OneLine(format!("settings: {line}; the former ones stay in force")));
    }
}

/// A change whose zones are being made.
pub(super) struct Making {
    pub(super) change: Change,
    pub(super) answering: Arc<Answering>,
    /// What was watched and served when it was last begun.
    served: Option<Vec<WatchPlan>>,
    stage: Stage,
    /// Why the last attempt failed, as it was said.
    trouble: Option<String>,
}

type Made = Result<(Generation, Option<oneshot::Receiver<()>>), LoadError>;

enum Stage {
    /// Files are read, the cluster is found.
    #[expect(dead_code, reason = "an attempt is held for what its drop ends")]
    Reading(oneshot::Receiver<Made>, Option<Attempt>),
    /// Its lists are arriving.
    Filling(Box<Generation>, oneshot::Receiver<()>),
    /// It could not be made, and will be tried again.
    Failed,
}

/// What has become of a change.
pub(super) enum Step {
    /// It can take its place.
    Complete(Box<Generation>),
    /// It could not be made: why, where that is news.
    Failed(Option<String>),
    /// It is to be tried again.
    Again,
}

impl Making {
    /// Begins to make it. `served` is what is watched and served now.
    pub(super) fn begin(
        change: Change,
        answering: Arc<Answering>,
        served: Option<Vec<WatchPlan>>,
        lasting: &Lasting,
    ) -> Making {
        let stage = read(&change, served.clone(), lasting);
        Making { change, answering, served, stage, trouble: None }
    }

    /// Tries again.
    pub(super) fn again(&mut self, served: Option<Vec<WatchPlan>>, lasting: &Lasting) {
        self.stage = read(&self.change, served.clone(), lasting);
        self.served = served;
    }

    /// Whether more is served by now than was waited for: what came meanwhile must not be refused after.
    pub(super) fn misses(&self, served: Option<&[WatchPlan]>) -> bool {
        let (Some(waited), Some(served)) = (&self.served, served) else { return false };
        served.iter().any(|plan| !waited.contains(plan))
    }

    /// Waits until it comes to something. Can be dropped and waited for anew.
    pub(super) async fn step(&mut self) -> Step {
        loop {
            let stage = match &mut self.stage {
                Stage::Reading(made, _) => match made.await {
                    Ok(Ok((generation, None))) => return Step::Complete(Box::new(generation)),
                    Ok(Ok((generation, Some(complete)))) => Stage::Filling(Box::new(generation), complete),
                    Ok(Err(error)) => return self.failed(error.to_string()),
                    Err(_) => return self.failed("they could not be applied because of a defect".to_owned()),
                },
                Stage::Filling(_, complete) => {
                    let complete = complete.await;
                    match std::mem::replace(&mut self.stage, Stage::Failed) {
                        Stage::Filling(generation, _) if complete.is_ok() => {
                            return Step::Complete(generation);
                        }
                        _ => return self.failed("their watches ended because of a defect".to_owned()),
                    }
                }
                Stage::Failed => {
                    sleep(AGAIN).await;
                    return Step::Again;
                }
            };
            self.stage = stage;
        }
    }

    fn failed(&mut self, why: String) -> Step {
        self.stage = Stage::Failed;
        let news = self.trouble.as_ref() != Some(&why);
        self.trouble = Some(why.clone());
        Step::Failed(Some(why).filter(|_| news))
    }
}

/// Makes a generation on a thread of its own: reading files, and finding a cluster, takes its time.
fn read(change: &Change, served: Option<Vec<WatchPlan>>, lasting: &Lasting) -> Stage {
    let (sender, made) = oneshot::channel();
    let (effective, lasting) = (change.effective.clone(), lasting.clone());
    let attempts = lasting.attempts.clone();
    let attempt = attempts.begin(move || {
        // Nobody waits any more where other settings have come meanwhile, or the end.
        let _ = sender.send(next(&effective, served, &lasting));
    });
    let error = match attempt {
        Ok(attempt) => return Stage::Reading(made, Some(attempt)),
        Err(error) => error,
    };
    // There may be room for a thread later; what is served needs none.
    let (sender, made) = oneshot::channel();
    let _ = sender.send(Err(LoadError::NotBegun(error.to_string())));
    Stage::Reading(made, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Sources, load};

    fn effective(text: &str) -> Effective {
        let file = File { path: "rosterd.toml".into(), text: text.to_owned() };
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap()
    }

    #[test]
    fn each_setting_is_known_for_what_it_concerns() {
        let running = effective("");
        for (text, parts, kept) in [
            ("", &[][..], 0),
            ("[server]\nlisten = ['127.0.0.1:1']\nworkers = 7", &[], 2),
            ("[log]\nlevel = 'debug'", &[Part::Alone], 0),
            ("[log]\nqueries.one_in = 10", &[Part::Answers], 0),
            ("[state]\nmax_age = '1h'", &[Part::Alone], 0),
            ("[server]\nlameduck = '1s'\n[admin]\nready_when_stale = false", &[Part::Alone], 0),
            ("[server]\nnsid = 'x'\nidentity = 'x'\nversion = 'y'", &[Part::Answers], 0),
            ("[server.rate_limit]\nanswers_per_second = 7", &[Part::Answers], 0),
            ("[server.cookies]\nenabled = true", &[Part::Answers], 0),
            ("[[server.access]]\naction = 'deny'", &[Part::Answers], 0),
            ("[[topologies]]\nname = 'x'", &[Part::Zones], 0),
            ("[server]\nttl = 7\nadvertise = ['10.0.0.1']", &[Part::Zones], 0),
            ("zone = 'x'\nlabel_settings = false\nmanifests = ['m']", &[Part::Zones], 0),
            ("[kubernetes]\nwatch = 'endpoints'\nleave_out_after = '7s'", &[Part::Zones], 0),
            (
                "pods = 'disabled'\n[server]\nversion = 'y'\n[log]\nformat = 'json'",
                &[Part::Answers, Part::Zones],
                1,
            ),
        ] {
            let change = Change::new(&running, &effective(text));
            let found: Vec<Part> = [Part::Answers, Part::Alone, Part::Zones]
                .into_iter()
                .filter(|part| change.concerns(*part))
                .collect();
            assert_eq!((found.as_slice(), change.kept.len()), (parts, kept), "{text}");
        }
    }

    #[test]
    fn what_records_are_made_by_is_told_from_the_rest() {
        let words = |text| records_in_words(&effective(text));
        assert_eq!(words(""), words("[log]\nlevel = 'debug'\n[server]\nnsid = 'x'\nlisten = ['[::1]:1']"));
        assert_eq!(words(""), words("[kubernetes]\nkubeconfig = '/x'\nstale_after = '70s'"));
        assert_ne!(words(""), words("[kubernetes]\nwatch = 'endpoints'"));
        assert_ne!(words(""), words("[server]\nttl = 7"));
        assert_ne!(words("[[topologies]]\nname = 'x'"), words("[[topologies]]\nname = 'y'"));
    }

    #[test]
    fn what_has_come_to_be_served_meanwhile_is_waited_for() {
        use crate::roster::{Gives, ObjectKind, Scope};
        let plan = |namespace: &str| WatchPlan {
            resource: ObjectKind::EndpointSlice,
            scope: Scope::Namespace(namespace.into()),
            selector: None,
            gives: Gives::Peers,
        };
        let making = |served: Option<Vec<WatchPlan>>| {
            let change = Change::new(&effective(""), &effective(""));
            let (_, made) = oneshot::channel();
            let answering = Answering::default();
            let stage = Stage::Reading(made, None);
            Making { change, answering: Arc::new(answering), served, stage, trouble: None }
        };
        let (a, b) = (plan("a"), plan("b"));
        for (waited, served, misses) in [
            (Some(vec![]), Some(vec![a.clone()]), true),
            (Some(vec![a.clone()]), Some(vec![a.clone(), b.clone()]), true),
            (Some(vec![a.clone(), b.clone()]), Some(vec![b.clone()]), false),
            (Some(vec![]), Some(vec![]), false),
            (None, Some(vec![a.clone()]), false),
            (Some(vec![a.clone()]), None, false),
        ] {
            assert_eq!(making(waited.clone()).misses(served.as_deref()), misses, "{waited:?} {served:?}");
        }
    }
}
