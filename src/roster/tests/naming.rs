//! Node names, SRV targets, namespaces.

use super::build::{slice, topology};
use super::served::{options, serve, serve_with};
use crate::roster::{Mode, Options, SrvHost, SrvTarget, Topology};

fn service(service: &str) -> SrvTarget {
    SrvTarget::Service(service.into())
}

#[test]
fn modes_name_peers() {
    for (mode, endpoint, name, target) in [
        (Mode::Ip, "10.0.0.1 host=web-0", "myapp@10.0.0.1", SrvTarget::Pod),
        (Mode::Ip, "fd00:0:0::1", "myapp@fd00::1", SrvTarget::Pod),
        (Mode::Dns, "10.0.0.1", "myapp@10-0-0-1.default.pod.cluster.local", SrvTarget::Pod),
        (Mode::Dns, "10.0.0.1 ns=other", "myapp@10-0-0-1.other.pod.cluster.local", SrvTarget::Pod),
        (Mode::Dns, "10.0.0.1 ns=", "myapp@10-0-0-1.default.pod.cluster.local", SrvTarget::Pod),
        (Mode::Dns, "10.0.0.1 ns=Not.Valid", "myapp@10-0-0-1.default.pod.cluster.local", SrvTarget::Pod),
        (Mode::Dns, "::1", "myapp@0--1.default.pod.cluster.local", SrvTarget::Pod),
        (Mode::Hostname, "10.0.0.1 host=web-0", "myapp@web-0.web.default.svc.cluster.local", service("web")),
        (
            Mode::Hostname,
            "10.0.0.1 host=web-0 ns=other",
            "myapp@web-0.web.other.svc.cluster.local",
            service("web"),
        ),
        (Mode::Hostname, "10.0.0.1", "myapp@10-0-0-1.default.pod.cluster.local", SrvTarget::Pod),
        (
            Mode::Hostname,
            "10.0.0.1 host=10-0-0-1",
            "myapp@10-0-0-1.web.default.svc.cluster.local",
            service("web"),
        ),
        (
            Mode::Peer,
            "10.0.0.1 host=10-0-0-9",
            "myapp@10-0-0-1.app.default.svc.peers.cluster.local",
            SrvTarget::Peer,
        ),
        (Mode::Hostname, "10.0.0.1 host=Web-0", "myapp@10-0-0-1.default.pod.cluster.local", SrvTarget::Pod),
        (
            Mode::Peer,
            "10.0.0.1 host=web-0",
            "myapp@web-0.app.default.svc.peers.cluster.local",
            SrvTarget::Peer,
        ),
        (
            Mode::Peer,
            "10.0.0.1 ns=other",
            "myapp@10-0-0-1.app.default.svc.peers.cluster.local",
            SrvTarget::Peer,
        ),
    ] {
        for srv_host in [SrvHost::Mode, SrvHost::Peer] {
            let node_basename = Some("myapp".into());
            let mut served = serve([Topology { node_basename, mode, srv_host, ..topology("app", "") }]);
            served.apply(slice("web", "web-1").with(endpoint));
            assert_eq!(served.names("app.default"), name, "{mode:?} {endpoint}");
            let target = if srv_host == SrvHost::Peer { SrvTarget::Peer } else { target.clone() };
            assert_eq!(served.peers("app.default").unwrap()[0].shape().target, target, "{mode:?} {endpoint}");
        }
    }
}

/// Without a Service there is nothing for a hostname to stand below, but it still names the peer in our zone.
#[test]
fn a_hostname_without_service_falls_back() {
    for bad in ["", "Not.A.Label"] {
        let mut served = serve([Topology { mode: Mode::Hostname, ..topology("app", "") }]);
        served.apply(slice(bad, "web-1").with("10.0.0.1 host=web-0"));
        assert_eq!(served.names("app.default"), "app@10-0-0-1.default.pod.cluster.local");
        assert_eq!(served.peers("app.default").unwrap()[0].hostname(), Some("web-0"));
    }
}

#[test]
fn the_basename_is_the_topologys_or_the_sets_unless_a_label_says_so() {
    let object = || slice("web", "web-1").with("10.0.0.1");
    for (name, node_basename, labelled, expected) in [
        ("", None, None, "web@10.0.0.1"),
        ("", Some("myapp"), None, "myapp@10.0.0.1"),
        ("app", None, None, "app@10.0.0.1"),
        ("app", Some("myapp"), None, "myapp@10.0.0.1"),
        ("app", Some("myapp"), Some("My_App"), "My_App@10.0.0.1"),
        ("app", Some("myapp"), Some("my.app"), "myapp@10.0.0.1"),
    ] {
        let mut served =
            serve([Topology { node_basename: node_basename.map(Into::into), ..topology(name, "") }]);
        served.apply(
            labelled.into_iter().fold(object(), |object, value| object.label("rosterd.io/basename", value)),
        );
        let set = if name.is_empty() { "web.default" } else { "app.default" };
        assert_eq!(served.names(set), expected);
    }
}

#[test]
fn a_name_too_long_for_a_node_is_left_out_and_told() {
    let cluster_domain = "d".repeat(63) + "." + &"d".repeat(63) + "." + &"d".repeat(63);
    let options = |basename: &str| Options {
        cluster_domain: cluster_domain.clone().into(),
        ..options(vec![Topology {
            mode: Mode::Dns,
            node_basename: Some(basename.into()),
            ..topology("", "")
        }])
    };
    let host = format!("10-0-0-1.default.pod.{cluster_domain}").len() + 1;
    let fits = "b".repeat(255 - host);
    let mut served = serve_with(options(&fits));
    served.apply(slice("web", "web-1").with("10.0.0.1"));
    assert_eq!((served.names("web.default").len(), served.notices().len()), (255, 0));

    let mut served = serve_with(options(&(fits + "b")));
    let object = slice("web", "web-1").with("10.0.0.1");
    served.apply(object.clone());
    assert_eq!(served.names("web.default"), "-");
    let told = "set web.default: the node name of the peer 10.0.0.1 would have 256 octets, above 255, and is left out";
    assert_eq!(served.notices(), [told]);
    served.apply(object.label("any", "thing"));
    assert_eq!(served.notices(), [""; 0], "once");
}

/// The pod name that a peer goes by is one that the pod zone has.
#[test]
fn a_peers_namespace_is_that_of_its_primary_address() {
    let mut served = serve([Topology { mode: Mode::Dns, ..topology("app", "") }]);
    served.apply(slice("a", "a-1").with("uid=a fd00::1"));
    served.apply(slice("b", "b-1").with("uid=a 10.0.0.1 ns=other"));
    assert_eq!(served.names("app.default"), "app@10-0-0-1.other.pod.cluster.local");
    assert_eq!(served.addresses(), "default/fd00::1 other/10.0.0.1");
}
