//! `rosterd check`: whether settings and manifests, or rights in the cluster, are right, and what would be served.

use super::print::{ASIDE, HEAD};
use super::{Failure, print};
use crate::config::{Effective, Source};
use crate::run::{self, SetSummary, Summary, broken, counted, idle};
use std::io::{self, Write};

/// Prints the settings in force, each with its origin.
pub(super) fn show(effective: &Effective) -> Result<(), Failure> {
    let show = effective.show();
    let width = show.setting_width();
    print::results(|out| {
        for line in &show.lines {
            let (setting, comment) = (&line.setting, &line.comment);
            match (setting.as_str(), comment.as_str()) {
                (setting, "") => writeln!(out, "{setting}")?,
                ("", comment) => writeln!(out, "{ASIDE}# {comment}{ASIDE:#}")?,
                (setting, comment) => writeln!(out, "{setting:<width$}  {ASIDE}# {comment}{ASIDE:#}")?,
            }
        }
        Ok(())
    })
}

/// Prints what the manifests or the cluster hold and what becomes of it.
///
/// `are_given`: whether the command line has any settings. Without any, and without a source, there is nothing to check.
pub(super) fn check(effective: &Effective, are_given: bool) -> Result<(), Failure> {
    let settings = &effective.settings;
    print::warnings(&doubts(effective));
    run::check_secrets(settings).map_err(|error| Failure::Failed(error.to_string()))?;
    run::check_certificates(settings).map_err(|error| Failure::Failed(error.to_string()))?;
    let what = match settings.source() {
        None if !are_given && settings.zone_files.is_empty() => return Err(Failure::NoSource),
        None => {
            let zone_files =
                if settings.zone_files.is_empty() { None } else { Some(run::load_once(settings)?) };
            let right = if zone_files.is_some() { "settings and zone files are" } else { "settings are" };
            print::warnings(zone_files.as_ref().map_or(&[], |loaded| &loaded.summary().notices));
            return print::results(|out| {
                writeln!(out, "{right} right; there are neither manifests nor a cluster to check")?;
                zones(out, zone_files.as_ref().map_or(&[], |loaded| loaded.zone_files()))
            });
        }
        Some(Source::Manifests(_)) => "settings and manifests",
        Some(Source::Kubeconfig { .. } | Source::InCluster) => "settings and access to the cluster",
    };
    let loaded = run::load_once(settings)?;
    let summary = loaded.summary();
    print::warnings(&summary.notices);
    print::results(|out| {
        report(out, what, summary)?;
        zones(out, loaded.zone_files())
    })
}

/// What the zone files hold.
fn zones(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{}", run::OneLine(line)))
}

/// Settings that are right, and yet hardly what is meant. Zones that answer "does not exist" to whatever the source does not
/// hold: right alone, but not where a resolver sends them the questions about all pods. Pods that are watched for nothing.
fn doubts(effective: &Effective) -> Vec<String> {
    let Effective { settings, origins } = effective;
    let remedy = match settings.source() {
        None | Some(Source::Manifests(_)) => "",
        Some(Source::Kubeconfig { .. } | Source::InCluster) => ", or set kubernetes.watch_pods = true",
    };
    let pods = run::denies_pods(settings).then(|| {
        format!(
            "pods = \"verified\" ({}): pods that no object names do not exist in pod.{}; forward that zone here only \
             where objects name all pods{remedy}",
            origins.of("pods").brief(),
            without_dot(&settings.cluster_domain)
        )
    });
    let in_vain = run::watches_pods_in_vain(settings).then(|| {
        format!(
            "kubernetes.watch_pods ({}): nothing is made of these Pods, as names of pods are not verified (pods) and there \
             are no reverse zones",
            origins.of("kubernetes.watch_pods").brief()
        )
    });
    let reverse = settings.reverse_zones.iter().enumerate().map(|(index, zone)| {
        format!(
            "reverse_zones ({}): addresses that no object holds do not exist in {}; forward that zone here only where \
             objects hold all of its addresses",
            origins.of(&format!("reverse_zones[{index}]")).brief(),
            without_dot(zone)
        )
    });
    pods.into_iter().chain(in_vain).chain(reverse).collect()
}

fn without_dot(name: &impl std::fmt::Display) -> String {
    name.to_string().trim_end_matches('.').to_owned()
}

fn report(out: &mut dyn Write, what: &str, summary: &Summary) -> io::Result<()> {
    let peers = summary.sets.iter().map(|set| set.peers).sum();
    let held =
        [counted(summary.objects, "object"), counted(summary.sets.len(), "set"), counted(peers, "peer")];
    writeln!(out, "{what} are right: {}", held.join(", "))?;
    for (kind, count) in &summary.skipped {
        writeln!(out, "skipped: {} of kind {kind}", counted(*count, "object"))?;
    }
    for (namespace, objects) in &summary.idle {
        writeln!(out, "{}", idle(namespace, *objects))?;
    }
    if let Some(line) = broken(summary.broken) {
        writeln!(out, "{line}")?;
    }
    if summary.sets.is_empty() {
        let why = match (summary.objects, summary.broken) {
            (0, 0) => "there are no objects",
            (0, _) => "no object parses",
            _ => "no object matches",
        };
        return writeln!(out, "no sets: {why}");
    }
    table(out, &summary.sets)
}

/// The sets, aligned.
fn table(out: &mut dyn Write, sets: &[SetSummary]) -> io::Result<()> {
    let width = |head: &str, text: fn(&SetSummary) -> &str| {
        sets.iter().map(|set| text(set).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let set = width("SET", |set| &set.name);
    let namespace = width("NAMESPACE", |set| &set.namespace);
    writeln!(out, "\n{HEAD}{:<namespace$}  {:<set$}  PEERS  TOPOLOGY{HEAD:#}", "NAMESPACE", "SET")?;
    for row in sets {
        let SetSummary { namespace: of, name, peers, topology } = row;
        writeln!(out, "{of:<namespace$}  {name:<set$}  {peers:>5}  {topology}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(summary: &Summary) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        report(&mut out, "settings and manifests", summary).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    fn set(namespace: &str, name: &str, peers: usize, topology: &str) -> SetSummary {
        SetSummary {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            peers,
            topology: topology.to_owned(),
        }
    }

    #[test]
    fn sets_are_a_table() {
        let summary = Summary {
            objects: 7,
            skipped: vec![("Service".to_owned(), 1), ("ConfigMap".to_owned(), 2)],
            sets: vec![set("default", "myapp", 3, "myapp"), set("a-long-namespace", "x", 12_345, "myapp")],
            idle: vec![("kube-system".to_owned(), 4)],
            broken: 2,
            notices: Vec::new(),
        };
        let expected = "\
settings and manifests are right: 7 objects, 2 sets, 12348 peers
skipped: 1 object of kind Service
skipped: 2 objects of kind ConfigMap
namespace kube-system: 4 objects that no topology takes
2 objects do not parse

NAMESPACE         SET    PEERS  TOPOLOGY
default           myapp      3  myapp
a-long-namespace  x      12345  myapp
";
        assert_eq!(rendered(&summary), expected);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(
            rendered(&Summary::default()),
            "settings and manifests are right: 0 objects, 0 sets, 0 peers\nno sets: there are no objects\n"
        );
    }
}
