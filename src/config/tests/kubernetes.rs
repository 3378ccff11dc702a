//! The way to the peers: manifests or a cluster, and what cannot be had from the one that is chosen.

use super::*;

#[test]
fn the_source_is_the_first_that_is_named() {
    let in_cluster = environment(&[("KUBERNETES_SERVICE_HOST", "10.96.0.1")]);
    for (text, flags, around, expected) in [
        ("", vec![], false, "none"),
        ("", vec![], true, "in cluster"),
        ("manifests = ['m']", vec![], true, "manifests"),
        ("", vec![flag("--manifest", &["-"])], false, "manifests"),
        ("", vec![flag("--kubeconfig", &["k"])], true, "kubeconfig Some(\"k\") None"),
        ("kubernetes.kubeconfig = 'k'", vec![], false, "kubeconfig Some(\"etc/k\") None"),
        ("", vec![flag("--context", &["c"])], true, "kubeconfig None Some(\"c\")"),
        (
            "kubernetes = { kubeconfig = '/k', context = 'x' }",
            vec![flag("--context", &["c"])],
            false,
            "kubeconfig Some(\"/k\") Some(\"c\")",
        ),
    ] {
        let mut sources = file(text);
        sources.file.as_mut().unwrap().path = "etc/rosterd.toml".into();
        sources.flags = flags;
        if around {
            sources.environment = in_cluster.clone();
        }
        let found = match loaded(&sources).source() {
            None => "none".to_owned(),
            Some(Source::Manifests(_)) => "manifests".to_owned(),
            Some(Source::Kubeconfig { path, context }) => format!("kubeconfig {path:?} {context:?}"),
            Some(Source::InCluster) => "in cluster".to_owned(),
        };
        assert_eq!(found, expected, "{text} {:?}", sources.flags);
    }
    let sources =
        Sources { environment: environment(&[("KUBERNETES_SERVICE_HOST", "")]), ..Sources::default() };
    assert_eq!(loaded(&sources).source(), None);
}

#[test]
fn impossible_values_are_refused() {
    for (text, error) in [
        (
            "kubernetes.watch = 'slices'",
            "1:20: kubernetes.watch = \"slices\": must be \"endpointslices\", \"endpoints\" or \"pods\"; did you mean \
             \"endpointslices\"?",
        ),
        ("kubernetes.page_size = 0", "1:24: kubernetes.page_size = 0: must be from 1 to 10000"),
        ("kubernetes.page_size = 10001", "1:24: kubernetes.page_size = 10001: must be from 1 to 10000"),
        ("kubernetes.kubeconfig = ''", "1:25: kubernetes.kubeconfig = \"\": is empty"),
        ("kubernetes.context = ''", "1:22: kubernetes.context = \"\": is empty"),
        ("kubernetes.stale_after = '0s'", "1:26: kubernetes.stale_after = \"0s\": must be from 1ms to 24h"),
        ("kubernetes.stale_after = '9s'", "1:26: kubernetes.stale_after = \"9s\": must be at least 10s"),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
}

#[test]
fn what_the_source_cannot_give_is_refused() {
    for (text, error) in [
        (
            "manifests = ['a']\nkubernetes.kubeconfig = 'b'",
            "2:25: kubernetes.kubeconfig = \"b\": names the cluster to watch, but there are manifests \
             (rosterd.toml:1:13), which are served instead: take one of the two away",
        ),
        (
            "manifests = ['a']\nkubernetes.context = 'b'",
            "2:22: kubernetes.context = \"b\": names the cluster to watch, but there are manifests \
             (rosterd.toml:1:13), which are served instead: take one of the two away",
        ),
        (
            "kubernetes.watch = 'endpoints'\ntopologies = [{}, { include = 'serving' }]",
            "2:31: topologies[1].include = \"serving\": Endpoints do not say who is serving, and kubernetes.watch is \
             \"endpoints\" (rosterd.toml:1:20): take \"ready\" or \"all\" here, or watch \"endpointslices\"",
        ),
        (
            "kubernetes.watch = 'endpoints'\ntopologies = [{ when_empty = 'serving' }]",
            "2:30: topologies[0].when_empty = \"serving\": Endpoints do not say who is serving, and kubernetes.watch \
             is \"endpoints\" (rosterd.toml:1:20): take \"nothing\" or \"all\" here, or watch \"endpointslices\"",
        ),
        (
            "kubernetes.watch = 'pods'",
            "1:20: kubernetes.watch = \"pods\": Pods belong to no Service that could name their set: describe a \
             topology with a name",
        ),
        (
            "kubernetes.watch = 'pods'\ntopologies = [{ name = 'a' }, {}]",
            "1:20: kubernetes.watch = \"pods\": Pods belong to no Service that could name their set: give the \
             topology at rosterd.toml:2:31 a name",
        ),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
    for fine in [
        "kubernetes.watch = 'pods'\nkubernetes.watch_pods = true\ntopologies = [{ name = 'a' }]",
        "kubernetes.watch = 'endpoints'\ntopologies = [{ include = 'all', when_empty = 'all' }]",
        // What is watched matters only where something is.
        "manifests = ['a']\nkubernetes.watch = 'pods'",
        "manifests = ['a']\nkubernetes.watch = 'endpoints'\ntopologies = [{ include = 'serving' }]",
    ] {
        loaded(&file(fine));
    }
    let mut by_flag = file("kubernetes.watch = 'pods'");
    by_flag.flags = vec![flag("--selector", &["app=a"])];
    assert!(refused(&by_flag).ends_with(" could name their set: give the topology a name"));
}
