//! What a person is told of watches: what changed, not every attempt.

use super::WatchPlan;
use super::failure::{Failure, FailureKind};
use super::resource::Resource;
use crate::roster::{ObjectName, Scope};
use crate::source::Notice;
use std::fmt;
use std::time::Duration;

/// Something worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The first full list is complete.
    Synced {
        /// What people call the watch.
        watch: Box<str>,
        /// How many objects it holds, those included that do not parse.
        objects: usize,
    },
    /// The API server does not allow the request. Said when it begins, and every few minutes while it lasts.
    Forbidden {
        /// What people call the watch.
        watch: Box<str>,
        /// What is watched.
        plan: WatchPlan,
        /// What is not allowed.
        verb: Verb,
        /// The API server's words.
        message: Box<str>,
        /// How long it has been failing.
        lasting: Duration,
    },
    /// A list or a watch fails, otherwise. Said when it begins, and every few minutes while it lasts.
    Failing {
        /// What people call the watch.
        watch: Box<str>,
        /// Why.
        failure: Failure,
        /// How long it has been failing.
        lasting: Duration,
    },
    /// What failed works again.
    Recovered {
        /// What people call the watch.
        watch: Box<str>,
        /// How long it failed.
        after: Duration,
    },
    /// A second list has confirmed that the cluster is at an older revision than it was: it has been restored.
    WentBack {
        /// What people call the watch.
        watch: Box<str>,
        /// The highest revision that was known.
        from: u64,
        /// The revision of the list that holds from now on.
        to: u64,
    },
    /// The API server does not stream lists: they are read page by page.
    Paged {
        /// What people call the watch.
        watch: Box<str>,
        /// Why.
        failure: Failure,
    },
    /// An object does not parse. Said once until it changes; what becomes of its sets, the roster says.
    Broken {
        /// The object.
        object: ObjectName,
        /// Why.
        reason: String,
    },
    /// An object that did not parse does now.
    Mended {
        /// The object.
        object: ObjectName,
    },
    /// More objects do not parse, or parse again, than are named.
    MoreBroken {
        /// What people call the watch.
        watch: Box<str>,
    },
    /// Something was left out of objects. Said once per kind.
    LeftOut {
        /// What people call the watch.
        watch: Box<str>,
        /// What.
        notices: Vec<Notice>,
    },
}

/// What a Role has to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `list`.
    List,
    /// `watch`.
    Watch,
}

impl Report {
    /// A failure, as it is told.
    pub(super) fn of_failure(
        watch: Box<str>,
        plan: &WatchPlan,
        verb: Verb,
        failure: &Failure,
        lasting: Duration,
    ) -> Report {
        match failure {
            Failure::Refused(refusal) if failure.kind() == FailureKind::Forbidden => {
                let (plan, message) = (plan.clone(), refusal.message.clone());
                Report::Forbidden { watch, plan, verb, message, lasting }
            }
            _ => Report::Failing { watch, failure: failure.clone(), lasting },
        }
    }

    /// A word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Report::Synced { .. } => "synced",
            Report::Forbidden { .. } => "forbidden",
            Report::Failing { failure, .. } => failure.kind().as_str(),
            Report::Recovered { .. } => "recovered",
            Report::WentBack { .. } => "went_back",
            Report::Paged { .. } => "paged",
            Report::Broken { .. } => "broken",
            Report::Mended { .. } => "mended",
            Report::MoreBroken { .. } => "more_broken",
            Report::LeftOut { .. } => "left_out",
        }
    }

    /// Whether somebody should look at it.
    pub fn is_warning(&self) -> bool {
        match self {
            Report::Forbidden { .. }
            | Report::Failing { .. }
            | Report::WentBack { .. }
            | Report::Broken { .. }
            | Report::MoreBroken { .. }
            | Report::LeftOut { .. } => true,
            Report::Synced { .. }
            | Report::Recovered { .. }
            | Report::Paged { .. }
            | Report::Mended { .. } => false,
        }
    }
}

impl Verb {
    /// As RBAC spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::List => "list",
            Verb::Watch => "watch",
        }
    }
}

/// `{:#}` is for those who do not try again.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Synced { watch, objects: 1 } => write!(formatter, "{watch}: 1 object"),
            Report::Synced { watch, objects } => write!(formatter, "{watch}: {objects} objects"),
            Report::Forbidden { watch, plan, verb, message, lasting } => {
                write!(formatter, "{watch}: {}", Missing(plan, *verb))?;
                again(formatter, *lasting)?;
                match &**message {
                    "" => Ok(()),
                    message => write!(formatter, "; the API server says: {message}"),
                }
            }
            Report::Failing { watch, failure, lasting } => {
                write!(formatter, "{watch}: {failure}")?;
                again(formatter, *lasting)
            }
            Report::Recovered { watch, after } => {
                write!(formatter, "{watch}: works again, after {}", Rounded(*after))
            }
            Report::WentBack { watch, from, to } => write!(
                formatter,
                "{watch}: the cluster went back from revision {from} to {to}, two lists say; it is followed from there"
            ),
            Report::Paged { watch, failure } => {
                write!(formatter, "{watch}: lists are read page by page, not as a stream: {failure}")
            }
            Report::Broken { object, reason } => write!(formatter, "{object}: does not parse ({reason})"),
            Report::Mended { object } => write!(formatter, "{object}: parses again"),
            Report::MoreBroken { watch } => {
                write!(
                    formatter,
                    "{watch}: more objects do not parse, or do again, than are named here; all are counted"
                )
            }
            Report::LeftOut { watch, notices } => {
                write!(formatter, "{watch}")?;
                let notices = std::iter::once(": ").chain(std::iter::repeat("; ")).zip(notices);
                notices.into_iter().try_for_each(|(before, notice)| write!(formatter, "{before}{notice}"))
            }
        }
    }
}

/// Which right is missing, and what grants it.
struct Missing<'a>(&'a WatchPlan, Verb);

impl fmt::Display for Missing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing(plan, verb) = self;
        let resource = Resource::of(plan.resource);
        write!(formatter, "not allowed to {} {}", verb.as_str(), resource.qualified())?;
        match &plan.scope {
            Scope::All => formatter.write_str(" in all namespaces; a ClusterRole")?,
            Scope::Namespace(namespace) => {
                write!(formatter, " in namespace \"{namespace}\"; a Role in {namespace}")?;
            }
        }
        // "" indicates the core API group
        let group = if resource.group.is_empty() { "\"\"" } else { resource.group };
        let plural = resource.plural;
        write!(formatter, " with apiGroups: [{group}], resources: [{plural}], verbs: [list, watch] grants it")
    }
}

fn again(formatter: &mut fmt::Formatter<'_>, lasting: Duration) -> fmt::Result {
    if formatter.alternate() { Ok(()) } else { write!(formatter, "; trying again{}", For(lasting)) }
}

/// ` for 5 min`; nothing where it has just begun.
struct For(Duration);

impl fmt::Display for For {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            return Ok(());
        }
        write!(formatter, ", for {}", Rounded(self.0))
    }
}

/// A duration in the largest unit of which it has two: `42 s`, `5 min`, `3 h`.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..120 => write!(formatter, "{seconds} s"),
            seconds @ 120..7_200 => write!(formatter, "{} min", seconds / 60),
            seconds => write!(formatter, "{} h", seconds / 3_600),
        }
    }
}
