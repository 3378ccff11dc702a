//! Log lines about many objects or watches, at a bounded rate: an object list can hold ten thousand oddities of one kind,
//! and an API server that is gone is news of every watch.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// Lines about one kind of notice within one [`WINDOW`].
const LINES: usize = 10;

/// How long a kind that has used its lines up stays silent.
const WINDOW: Duration = Duration::from_secs(60);

/// Decides which notices become lines.
#[derive(Debug, Default)]
pub(super) struct Notices {
    kinds: BTreeMap<&'static str, Said>,
}

#[derive(Debug)]
struct Said {
    since: Instant,
    lines: usize,
    /// Not said since the last line.
    silent: usize,
    /// Whether those that were not said have been counted in a line within this window.
    counted: bool,
}

impl Notices {
    /// The lines for `notices`, each with its kind, which came at `now`.
    pub(super) fn lines<T: Display>(
        &mut self,
        notices: impl IntoIterator<Item = (&'static str, T)>,
        now: Instant,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        for (kind, notice) in notices {
            let new = Said { since: now, lines: 0, silent: 0, counted: false };
            let said = self.kinds.entry(kind).or_insert(new);
            said.renew(now);
            if said.lines < LINES {
                said.lines += 1;
                lines.push(notice.to_string());
            } else {
                said.silent += 1;
            }
        }
        for (kind, said) in &mut self.kinds {
            said.renew(now);
            if said.silent > 0 && !std::mem::replace(&mut said.counted, true) {
                let silent = std::mem::take(&mut said.silent);
                lines.push(format!("{silent} more like that ({kind})"));
            }
        }
        lines
    }
}

impl Said {
    /// Begins another window where this one is over.
    fn renew(&mut self, now: Instant) {
        if now.duration_since(self.since) >= WINDOW {
            *self = Said { since: now, lines: 0, silent: self.silent, counted: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(kind: &'static str, count: usize) -> impl Iterator<Item = (&'static str, usize)> {
        (0..count).map(move |number| (kind, number))
    }

    #[test]
    fn each_kind_has_its_lines_and_a_count_of_the_rest() {
        let mut notices = Notices::default();
        let start = Instant::now();
        let both = many("hostname", 12).chain(many("set_name", 1));
        let lines = notices.lines(both, start);
        assert_eq!(lines.len(), 12);
        assert_eq!(lines[9], "9");
        assert_eq!(lines[10], "0", "the other kind");
        assert_eq!(lines[11], "2 more like that (hostname)");
        let soon = start + Duration::from_secs(59);
        for _ in 0..1000 {
            assert!(notices.lines(many("hostname", 1), soon).is_empty(), "one count in a window");
        }
        assert_eq!(notices.lines(many("set_name", 1), soon), ["0"]);
        let later = notices.lines(many("set_name", 0), start + WINDOW);
        assert_eq!(later, ["1000 more like that (hostname)"]);
        assert_eq!(notices.lines(many("hostname", 1), start + WINDOW), ["0"]);
    }
}
