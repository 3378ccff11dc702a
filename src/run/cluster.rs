//! What settings ask of the Kubernetes API.

use crate::config::{KubernetesSettings, Pods, Settings, Source};
use crate::roster::{Mode, SrvHost, Topology};
use crate::source::kubernetes::{
    ConnectError, Connection, Options, Wanted, WatchPlan, knows_all_pods, plans,
};
use crate::zone::PodNames;
use std::io;

/// Why a cluster cannot be watched or listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// There is no way to it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The system refuses what a client needs.
    #[error("cannot start: {0}")]
    System(String),
    /// Lists that did not come to an end: a line for each.
    #[error("{}", .0.join("\n"))]
    Lists(Vec<String>),
}

impl From<io::Error> for ClusterError {
    fn from(error: io::Error) -> ClusterError {
        ClusterError::System(error.to_string())
    }
}

/// The watches of a source, or none with manifests.
pub(super) fn watches(settings: &Settings) -> Vec<WatchPlan> {
    let wanted = Wanted {
        peers: settings.kubernetes.watch,
        pods: settings.kubernetes.watch_pods,
        verified: settings.pods == Some(Pods::Verified),
        reverse_zones: !settings.reverse_zones.is_empty(),
    };
    match settings.source() {
        Some(Source::Manifests(_)) => Vec::new(),
        _ => plans(&settings.topologies, wanted),
    }
}

/// How pod names are served. Manifests say which pods there are, and watches of all Pods do; whoever knows some of them
/// would deny the others, and says that only where a setting wants it.
pub(super) fn pods(settings: &Settings) -> PodNames {
    let manifests = matches!(settings.source(), Some(Source::Manifests(_)));
    let otherwise =
        if manifests || knows_all_pods(&watches(settings)) { Pods::Verified } else { Pods::Insecure };
    match settings.pods.unwrap_or(otherwise) {
        Pods::Verified => PodNames::Verified,
        Pods::Insecure => PodNames::Insecure,
        Pods::Disabled => PodNames::Disabled,
    }
}

/// What answers from the pod zone say of a pod that no watched object names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherPods {
    /// There is no pod zone.
    NotServed,
    /// Its address, as for every name that spells one.
    Answered,
    /// There is none: all Pods are watched.
    None,
    /// That it does not exist.
    Denied,
}

/// Whether the pod zone may take the place of another server's.
pub fn other_pods(settings: &Settings) -> OtherPods {
    match pods(settings) {
        PodNames::Disabled => OtherPods::NotServed,
        PodNames::Insecure => OtherPods::Answered,
        PodNames::Verified if knows_all_pods(&watches(settings)) => OtherPods::None,
        PodNames::Verified => OtherPods::Denied,
    }
}

/// Whether somebody has to resolve names of pods: nodes are called by them, or targets of SRV are.
pub fn names_pods(settings: &Settings) -> bool {
    let names = |one: &Topology| match one.mode {
        Mode::Dns | Mode::Hostname => true,
        Mode::Ip => one.srv_host == SrvHost::Mode,
        Mode::Peer => false,
    };
    settings.topologies.is_empty() || settings.topologies.iter().any(names)
}

/// Whether names of pods are verified though not all pods are known: the others do not exist then.
pub fn denies_pods(settings: &Settings) -> bool {
    settings.pods == Some(Pods::Verified) && !knows_all_pods(&watches(settings))
}

/// Whether Pods are watched for their addresses alone, and nothing is made of these.
pub fn watches_pods_in_vain(settings: &Settings) -> bool {
    settings.kubernetes.watch_pods
        && settings.reverse_zones.is_empty()
        && pods(settings) != PodNames::Verified
        && !matches!(settings.source(), Some(Source::Manifests(_)))
}

/// The way to the API that the settings name; none with manifests, or without any source.
pub(super) fn connection(settings: &Settings) -> Option<Connection> {
    match settings.source()? {
        Source::Manifests(_) => None,
        Source::InCluster => Some(Connection::InCluster),
        Source::Kubeconfig { path, context } => {
            Some(Connection::Kubeconfig { path: path.map(Into::into), context: context.map(str::to_owned) })
        }
    }
}

/// How the API is asked.
pub(super) fn options(settings: &KubernetesSettings) -> Options {
    Options {
        page_size: settings.page_size,
        streaming_lists: settings.streaming_lists,
        stale_after: settings.stale_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Sources, load};
    use crate::roster::{ObjectKind, Scope};
    use std::time::Duration;

    fn settings(text: &str) -> Settings {
        let file = File { path: "rosterd.toml".into(), text: text.to_owned() };
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap().settings
    }

    #[test]
    fn pods_are_verified_where_all_of_them_are_known() {
        const NAMED: &str = "topologies = [{ name = 'a', namespaces = ['n'] }]";
        for (text, names, denies, others) in [
            ("manifests = ['m']", PodNames::Verified, false, OtherPods::Denied),
            ("manifests = ['m']\npods = 'verified'", PodNames::Verified, true, OtherPods::Denied),
            ("manifests = ['m']\npods = 'insecure'", PodNames::Insecure, false, OtherPods::Answered),
            ("", PodNames::Insecure, false, OtherPods::Answered),
            ("pods = 'verified'", PodNames::Verified, true, OtherPods::Denied),
            ("pods = 'disabled'", PodNames::Disabled, false, OtherPods::NotServed),
            ("kubernetes.watch_pods = true", PodNames::Verified, false, OtherPods::None),
            ("kubernetes.watch_pods = true\npods = 'verified'", PodNames::Verified, false, OtherPods::None),
            (
                &format!("kubernetes.watch_pods = true\n{NAMED}"),
                PodNames::Insecure,
                false,
                OtherPods::Answered,
            ),
            (
                &format!("kubernetes.watch_pods = true\npods = 'verified'\n{NAMED}"),
                PodNames::Verified,
                false,
                OtherPods::None,
            ),
            (
                "kubernetes.watch = 'pods'\ntopologies = [{ name = 'a' }]",
                PodNames::Verified,
                false,
                OtherPods::None,
            ),
            (
                "kubernetes.watch = 'pods'\ntopologies = [{ name = 'a', selector = 'a=b' }]",
                PodNames::Insecure,
                false,
                OtherPods::Answered,
            ),
        ] {
            let settings = settings(text);
            assert_eq!((pods(&settings), denies_pods(&settings)), (names, denies), "{text}");
            assert_eq!(other_pods(&settings), others, "{text}");
        }
    }

    #[test]
    fn names_of_pods_are_needed_unless_all_names_are_ours() {
        for (text, needed) in [
            ("", true),
            ("topologies = [{ mode = 'ip' }]", true),
            ("topologies = [{ mode = 'ip', srv_host = 'peer' }]", false),
            ("topologies = [{ mode = 'dns', srv_host = 'peer' }]", true),
            ("topologies = [{ mode = 'hostname' }]", true),
            ("topologies = [{ mode = 'peer' }]", false),
        ] {
            assert_eq!(names_pods(&settings(text)), needed, "{text}");
        }
    }

    #[test]
    fn pods_that_nothing_is_made_of_are_found() {
        for (text, in_vain) in [
            ("", false),
            ("kubernetes.watch_pods = true", false),
            ("kubernetes.watch_pods = true\npods = 'insecure'", true),
            ("kubernetes.watch_pods = true\npods = 'disabled'\nreverse_zones = ['10.0.0.0/8']", false),
            ("kubernetes.watch_pods = true\ntopologies = [{ namespaces = ['n'] }]", true),
            ("manifests = ['m']\nkubernetes.watch_pods = true\npods = 'insecure'", false),
        ] {
            assert_eq!(watches_pods_in_vain(&settings(text)), in_vain, "{text}");
        }
    }

    #[test]
    fn settings_say_what_is_watched_and_how() {
        let all = settings(
            "kubernetes = { watch = 'endpoints', page_size = 7, streaming_lists = true, stale_after = '2m', \
             context = 'c', kubeconfig = '/k' }\ntopologies = [{ namespaces = ['n'] }]",
        );
        let found: Vec<_> = watches(&all).into_iter().map(|plan| (plan.resource, plan.scope)).collect();
        assert_eq!(found, [(ObjectKind::Endpoints, Scope::Namespace("n".into()))]);
        assert_eq!(
            options(&all.kubernetes),
            Options { page_size: 7, streaming_lists: true, stale_after: Duration::from_secs(120) }
        );
        let path = Some("/k".into());
        assert_eq!(connection(&all), Some(Connection::Kubeconfig { path, context: Some("c".to_owned()) }));
        assert_eq!(connection(&settings("")), None);
        let manifests = settings("manifests = ['m']");
        assert_eq!((connection(&manifests), watches(&manifests)), (None, Vec::new()));
    }
}
