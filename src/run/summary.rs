//! What was scoped, so that "it watches the wrong namespace" is seen at once.

use super::notices::Notices;
use super::pipeline::Pipeline;
use crate::roster::Counts;
use std::collections::BTreeMap;
use std::time::Instant;

/// Lines about namespaces in the log; a cluster can have ten thousand.
const SCOPE_LINES: usize = 50;

/// What the first versions or lists hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Endpoint objects.
    pub objects: usize,
    /// Objects of other kinds in manifests, which are not read: kind and number.
    pub skipped: Vec<(String, usize)>,
    /// The sets, by namespace and name.
    pub sets: Vec<SetSummary>,
    /// Objects that no topology takes: namespace and number.
    pub idle: Vec<(String, usize)>,
    /// Objects that do not parse. Those that never did are not among `objects`.
    pub broken: usize,
    /// What deserves a look: at most a few of each kind, and how many more there are.
    pub notices: Vec<String>,
}

/// One set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSummary {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Listed peers.
    pub peers: usize,
    /// The topology that it belongs to, `every Service` for those without a name.
    pub topology: String,
}

impl Summary {
    /// Takes the pipeline's first notices, behind those of the source.
    pub(super) fn of(
        pipeline: &mut Pipeline,
        skipped: BTreeMap<String, usize>,
        mut notices: Vec<String>,
    ) -> Summary {
        let counts = pipeline.counts();
        let of_roster = pipeline.take_notices();
        let of_roster = of_roster.iter().map(|notice| (notice.kind().as_str(), notice));
        notices.extend(Notices::default().lines(of_roster, Instant::now()));
        notices.extend(pipeline.take_oversize().iter().map(ToString::to_string));
        let sets = pipeline.sets().into_iter().map(|set| SetSummary {
            namespace: set.key.namespace.to_string(),
            name: set.key.name.to_string(),
            peers: set.peers,
            topology: topology(&counts, set.topology),
        });
        Summary {
            objects: counts.objects,
            skipped: skipped.into_iter().collect(),
            sets: sets.collect(),
            idle: counts.idle.iter().map(|(namespace, objects)| (namespace.to_string(), *objects)).collect(),
            broken: counts.broken,
            notices,
        }
    }
}

/// What a topology is called: its name, or what it does.
fn topology(counts: &Counts, place: usize) -> String {
    match counts.topologies.get(place) {
        Some(Some(name)) => name.to_string(),
        _ if counts.topologies.len() < 2 => "every Service".to_owned(),
        _ => format!("every Service ({})", place + 1),
    }
}

/// One line for each namespace and topology.
pub(super) fn scope(counts: &Counts) -> Vec<String> {
    let mut lines = Vec::new();
    for ((namespace, place), scoped) in &counts.scoped {
        lines.push(format!(
            "namespace {namespace}, topology {}: {}, {}, {}",
            topology(counts, *place),
            counted(scoped.objects, "object"),
            counted(scoped.sets, "set"),
            counted(scoped.peers, "peer"),
        ));
    }
    lines.extend(counts.idle.iter().map(|(namespace, objects)| idle(namespace, *objects)));
    lines.extend(broken(counts.broken));
    if lines.is_empty() {
        lines.push("there are no endpoint objects".to_owned());
    }
    bounded(lines, "`rosterd check` prints every set")
}

/// As many lines as a person reads, and where the others are.
pub(super) fn bounded(mut lines: Vec<String>, others: &str) -> Vec<String> {
    if lines.len() > SCOPE_LINES {
        let more = lines.len() - SCOPE_LINES;
        lines.truncate(SCOPE_LINES);
        lines.push(format!("{more} more lines like these; {others}"));
    }
    lines
}

/// Objects of a namespace that are in no set.
pub fn idle(namespace: &str, objects: usize) -> String {
    format!("namespace {namespace}: {} that no topology takes", counted(objects, "object"))
}

/// Objects that do not parse, if there are any.
pub fn broken(objects: usize) -> Option<String> {
    let verb = if objects == 1 { "does" } else { "do" };
    (objects > 0).then(|| format!("{} {verb} not parse", counted(objects, "object")))
}

/// `1 peer`, `2 peers`.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Scoped;

    #[test]
    fn every_namespace_and_topology_has_a_line() {
        let mut counts = Counts {
            topologies: vec![Some("myapp".into()), None],
            scoped: BTreeMap::from([
                (("default".into(), 0), Scoped { objects: 2, sets: 1, peers: 3 }),
                (("default".into(), 1), Scoped { objects: 1, sets: 1, peers: 0 }),
            ]),
            idle: BTreeMap::from([("kube-system".into(), 4)]),
            ..Counts::default()
        };
        assert_eq!(
            scope(&counts),
            [
                "namespace default, topology myapp: 2 objects, 1 set, 3 peers",
                "namespace default, topology every Service (2): 1 object, 1 set, 0 peers",
                "namespace kube-system: 4 objects that no topology takes",
            ]
        );
        counts.idle = (0..200).map(|number| (number.to_string().into(), 1)).collect();
        let lines = scope(&counts);
        assert_eq!(lines.len(), SCOPE_LINES + 1);
        assert!(lines[SCOPE_LINES].starts_with("152 more lines"), "{lines:?}");
        assert_eq!(scope(&Counts::default()), ["there are no endpoint objects"]);
        assert_eq!(scope(&Counts { broken: 1, ..Counts::default() }), ["1 object does not parse"]);
    }
}
