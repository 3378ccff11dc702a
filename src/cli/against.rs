//! `rosterd check --against`: what settings would change about the sets of a running server.

use super::arguments::Output;
use super::ask::Server;
use super::print::{self, HEAD};
use super::{Failure, pages};
use crate::admin::{SetJson, StatusJson};
use crate::config::Settings;
use crate::run::{self, OneLine};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

/// A name in a zone: namespace and set.
type Key = (Arc<str>, Arc<str>);

/// What is compared of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Shape {
    listed: usize,
    /// Who these are: the digest of their node names.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    node_basename: Arc<str>,
    mode: String,
    include: String,
    refused: bool,
}

/// A set that would not be as it is. One that does not exist, or would not, has no shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    namespace: Arc<str>,
    set: Arc<str>,
    from: Option<Shape>,
    to: Option<Shape>,
    /// How many of those who would be listed are not listed now, where as many as now would be and they are called alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<usize>,
}

/// Sets whose node names are read to count those that differ: each is a question, or several.
const COUNTED_MAX: usize = 100;

/// All that would change.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Difference {
    /// Sets that would stay as they are.
    same: usize,
    sets: Vec<Change>,
    zones_gone: Vec<String>,
    zones_new: Vec<String>,
}

/// Shows what would change. Fails where anything would.
pub(super) fn against(settings: &Settings, url: &str, output: Output) -> Result<(), Failure> {
    let server = Server::at(url)?;
    // First what takes long, so that the two are of one moment as nearly as may be.
    let loaded = run::load_once(settings)?;
    print::warnings(&loaded.summary().notices);
    let status: StatusJson = server.read("/api/v1/status")?;
    if !status.ready {
        let why = status.why.iter().map(|line| OneLine(line).to_string()).collect::<Vec<_>>().join("; ");
        return Err(Failure::Failed(format!(
            "the server at {url} is not ready, so its sets are not whole yet: {why}"
        )));
    }
    let running = pages::sets(&server, true)?;
    let zones = pages::zones(&server)?.into_iter().filter(|zone| zone.from == "peers").map(|zone| zone.zone);
    let next_zones = loaded.generated_zones().map(ToString::to_string);
    let mut difference = Difference::of_sets(running, loaded.sets());
    for change in difference.sets.iter_mut().filter(|change| change.is_of_others()).take(COUNTED_MAX) {
        let now = pages::node_names(&server, &change.namespace, &change.set)?;
        let next = loaded.node_names(&change.namespace, &change.set);
        change.others = Some(next.difference(&now).count());
    }
    let difference = difference.with_zones(&zones.collect(), &next_zones.collect());
    print::results(|out| match output {
        Output::Text => difference.write(out, url),
        Output::Json => {
            serde_json::to_writer(&mut *out, &difference)?;
            writeln!(out)
        }
    })?;
    if difference.is_none() { Ok(()) } else { Err(Failure::Different) }
}

impl Change {
    /// Whether the set would be as it is, but for who is in it.
    fn is_of_others(&self) -> bool {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => {
                from.digest != to.digest && *from == Shape { digest: from.digest.clone(), ..to.clone() }
            }
            _ => false,
        }
    }
}

impl Difference {
    fn of_sets(running: Vec<SetJson>, next: Vec<SetJson>) -> Difference {
        let mut both: BTreeMap<Key, [Option<Shape>; 2]> = BTreeMap::new();
        for (place, sets) in [running, next].into_iter().enumerate() {
            for set in sets {
                let (key, shape) = shape(set);
                if let Some(side) = both.entry(key).or_default().get_mut(place) {
                    *side = Some(shape);
                }
            }
        }
        let all = both.len();
        let changed = both.into_iter().filter(|(_, [from, to])| from != to);
        let sets: Vec<Change> = changed
            .map(|((namespace, set), [from, to])| Change { namespace, set, from, to, others: None })
            .collect();
        Difference { same: all - sets.len(), sets, ..Difference::default() }
    }

    fn with_zones(self, running: &BTreeSet<String>, next: &BTreeSet<String>) -> Difference {
        let missing = |from: &BTreeSet<String>, of: &BTreeSet<String>| of.difference(from).cloned().collect();
        Difference { zones_gone: missing(next, running), zones_new: missing(running, next), ..self }
    }

    fn is_none(&self) -> bool {
        self.sets.is_empty() && self.zones_gone.is_empty() && self.zones_new.is_empty()
    }

    fn write(&self, out: &mut dyn Write, url: &str) -> io::Result<()> {
        if self.is_none() {
            return writeln!(out, "nothing would change at {url}: {}", run::counted(self.same, "set"));
        }
        for (zones, what) in [(&self.zones_gone, "is not served any more"), (&self.zones_new, "is new")] {
            for zone in zones {
                writeln!(out, "zone {} {what}", OneLine(zone))?;
            }
        }
        for change in &self.sets {
            let name = format!("{}.{}", change.set, change.namespace);
            writeln!(out, "{HEAD}{}{HEAD:#} {}", OneLine(name), OneLine(words(change)))?;
        }
        let changed = run::counted(self.sets.len(), "set");
        writeln!(out, "{changed} would change at {url}, {} would not", self.same)
    }
}

fn shape(set: SetJson) -> (Key, Shape) {
    let SetJson { namespace, set, node_basename, mode, include, listed, refused, digest, .. } = set;
    let shape = Shape {
        listed,
        digest,
        node_basename,
        mode: mode.into_owned(),
        include: include.into_owned(),
        refused,
    };
    ((namespace, set), shape)
}

/// `12 → 0`, and what else differs.
fn words(change: &Change) -> String {
    let (from, to) = (change.from.as_ref(), change.to.as_ref());
    let listed = |shape: Option<&Shape>| match shape {
        None => "no such set".to_owned(),
        Some(Shape { refused: true, .. }) => "refused".to_owned(),
        Some(shape) => shape.listed.to_string(),
    };
    let mut words = format!("{} → {}", listed(from), listed(to));
    match change.others {
        Some(others) => words += &[" (", &others.to_string(), " others)"].concat(),
        None if change.is_of_others() => words += " (others)",
        None => {}
    }
    let (Some(from), Some(to)) = (from, to) else { return words };
    let names = |shape: &Shape| format!("{}@<{}>", shape.node_basename, shape.mode);
    let include = |shape: &Shape| shape.include.clone();
    for (what, of) in [("names", &names as &dyn Fn(&Shape) -> String), ("include", &include)] {
        if of(from) != of(to) {
            words += &[", ", what, " ", &of(from), " → ", &of(to)].concat();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(namespace: &str, name: &str, listed: usize) -> SetJson {
        SetJson {
            namespace: namespace.into(),
            set: name.into(),
            node_basename: name.into(),
            mode: "ip".into(),
            include: "ready".into(),
            listed,
            ..SetJson::default()
        }
    }

    fn written(difference: &Difference) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        difference.write(&mut out, "http://there").unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn what_changes_has_a_line() {
        let running = vec![
            set("default", "myapp", 12),
            set("default", "same", 3),
            set("default", "gone", 2),
            set("other", "names", 2),
            set("other", "broken", 1),
            SetJson { digest: Some("a".to_owned()), ..set("other", "replaced", 3) },
            SetJson { digest: Some("a".to_owned()), ..set("other", "uncounted", 3) },
        ];
        let names =
            SetJson { node_basename: "my_app".into(), mode: "dns".into(), ..set("other", "names", 2) };
        let next = vec![
            set("default", "myapp", 0),
            set("default", "same", 3),
            SetJson { include: "all".into(), ..names },
            SetJson { refused: true, ..set("other", "broken", 1) },
            set("other", "new", 4),
            SetJson { digest: Some("b".to_owned()), ..set("other", "replaced", 3) },
            SetJson { digest: Some("b".to_owned()), ..set("other", "uncounted", 3) },
        ];
        let zones =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let mut difference = Difference::of_sets(running, next);
        for change in difference.sets.iter_mut().filter(|change| &*change.set == "replaced") {
            assert!(change.is_of_others());
            change.others = Some(2);
        }
        let difference = difference.with_zones(
            &zones(&["a\u{1b}[2J.", "pod.cluster.local."]),
            &zones(&["b.", "pod.cluster.local."]),
        );
        assert_eq!(
            written(&difference),
            "\
zone a\\u{1b}[2J. is not served any more
zone b. is new
gone.default 2 → no such set
myapp.default 12 → 0
broken.other 1 → refused
names.other 2 → 2, names names@<ip> → my_app@<dns>, include ready → all
new.other no such set → 4
replaced.other 3 → 3 (2 others)
uncounted.other 3 → 3 (others)
7 sets would change at http://there, 1 would not
"
        );
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let sets = || vec![set("default", "myapp", 12)];
        let difference = Difference::of_sets(sets(), sets()).with_zones(&BTreeSet::new(), &BTreeSet::new());
        assert!(difference.is_none());
        assert_eq!(written(&difference), "nothing would change at http://there: 1 set\n");
    }
}
