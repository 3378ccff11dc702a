//! What is printed, to the letter where it is pasted. Real programs read it in `tests/coredns/`.

use super::*;
use crate::config::{File, Sources, load};

fn settings(text: &str) -> Settings {
    let file = File { path: "rosterd.toml".into(), text: text.to_owned() };
    load(&Sources { file: Some(file), ..Sources::default() }).unwrap().settings
}

fn arguments(at: &[&str]) -> StanzaArguments {
    StanzaArguments { at: at.iter().map(|at| at.parse().unwrap()).collect(), ..StanzaArguments::default() }
}

const REVERSE: &str = "reverse_zones = ['10.244.0.0/16']";

fn body(what: Target, settings: &Settings, wanted: &StanzaArguments) -> String {
    Stanza::of(settings, what, wanted).unwrap().text(what).unwrap().body
}

#[test]
fn the_zone_of_peers_is_a_block() {
    let at = arguments(&["10.96.0.53:53"]);
    let block = "peers.cluster.local:53 {\n    errors\n    forward . 10.96.0.53\n}\n";
    assert_eq!(body(Target::Coredns, &settings(""), &at), block);
    let cached = StanzaArguments { cache: Some(5), ..arguments(&["10.96.0.53:5300", "[fd00::53]:53"]) };
    let block = "p.example:53 {\n    errors\n    cache 5\n    forward . 10.96.0.53:5300 [fd00::53]:53\n}\n";
    assert_eq!(body(Target::Coredns, &settings("zone = 'p.example'"), &cached), block);
    let ordered = StanzaArguments { in_order: true, ..arguments(&["10.96.0.54:53", "10.96.0.53:53"]) };
    let block = "peers.cluster.local:53 {\n    errors\n    forward . 10.96.0.54 10.96.0.53 {\n        policy sequential\n    }\n}\n";
    assert_eq!(body(Target::Coredns, &settings(""), &ordered), block);
    let advertised = settings("server.advertise = ['10.96.0.53']");
    assert!(body(Target::Coredns, &advertised, &arguments(&[])).contains("forward . 10.96.0.53\n"));
}

#[test]
fn shared_zones_are_printed_on_demand_and_ask_on() {
    let at = StanzaArguments { with_pods: true, with_reverse: true, ..arguments(&["10.96.0.53:53"]) };
    let expected = "\
# 1. Into the block `.:53`, above its line `forward . /etc/resolv.conf`:
forward 244.10.in-addr.arpa 10.96.0.53 {
    next NXDOMAIN
}

# 2. Below that block:
peers.cluster.local:53 {
    errors
    forward . 10.96.0.53
}

pod.cluster.local:53 {
    errors
    forward . 10.96.0.53
}
";
    assert_eq!(body(Target::Coredns, &settings(REVERSE), &at), expected);
    let nodelocal = body(Target::Nodelocal, &settings(REVERSE), &at);
    assert!(nodelocal.ends_with(
        "    forward . 10.96.0.53 {\n        next NXDOMAIN\n    }\n    forward . __PILLAR__CLUSTER__DNS__ {\n        \
         force_tcp\n    }\n}\n"
    ));
    let custom = body(Target::CorednsCustom, &settings(REVERSE), &at);
    assert!(custom.contains("        kubernetes cluster.local 244.10.in-addr.arpa {\n"), "{custom}");
}

#[test]
fn what_would_take_names_from_others_is_refused() {
    let pods = StanzaArguments { with_pods: true, ..arguments(&["10.96.0.53:53"]) };
    let reverse = StanzaArguments { with_reverse: true, ..arguments(&["10.96.0.53:53"]) };
    let cache = StanzaArguments { cache: Some(5), ..arguments(&["10.96.0.53:53"]) };
    let cluster_dns =
        StanzaArguments { cluster_dns: Some([10, 96, 0, 10].into()), ..arguments(&["10.96.0.53:53"]) };
    let many = vec!["10.96.0.53:53"; 16];
    for (what, text, wanted, message) in [
        (
            Target::Coredns,
            "manifests = ['m']",
            &pods,
            "--with-pods: with these settings pods that no object names",
        ),
        (
            Target::Coredns,
            "pods = 'verified'",
            &pods,
            "--with-pods: with these settings pods that no object names",
        ),
        (
            Target::Coredns,
            "pods = 'disabled'",
            &pods,
            "--with-pods: pods = \"disabled\" serves no names of pods",
        ),
        (Target::Coredns, "", &reverse, "--with-reverse: the settings have no reverse_zones"),
        (Target::Gke, REVERSE, &reverse, "--with-reverse: what forwards a zone here asks nobody else"),
        (Target::Openshift, REVERSE, &reverse, "--with-reverse: what forwards a zone here asks nobody else"),
        (Target::Gke, "", &cache, "--cache: only a Corefile can say it"),
        (Target::Coredns, "", &cluster_dns, "--cluster-dns: what forwards zones here asks the cluster's DNS"),
        (Target::Gke, "", &cluster_dns, "--cluster-dns: what forwards zones here asks the cluster's DNS"),
        (Target::Coredns, "", &arguments(&[]), "where is rosterd asked?"),
        (Target::Coredns, "", &arguments(&many), "--at: 16 addresses"),
    ] {
        let refused = Stanza::of(&settings(text), what, wanted).unwrap_err();
        assert!(refused.starts_with(message), "{what:?} {text}: {refused}");
    }
    let sound = settings("kubernetes.watch_pods = true");
    assert!(Stanza::of(&sound, Target::Gke, &pods).is_ok());
}

#[test]
fn a_pod_has_three_nameservers_without_ports() {
    let with = |at: &[&str]| StanzaArguments { cluster_dns: Some([10, 96, 0, 10].into()), ..arguments(at) };
    for (wanted, message) in [
        (arguments(&["10.96.0.53:53"]), "--for dnsconfig: --cluster-dns has the address"),
        (with(&["10.96.0.53:5300"]), "--at 10.96.0.53:5300: resolv.conf knows no ports"),
        (with(&["10.96.0.53:53"; 3]), "--at: a Pod has 3 nameservers at most"),
    ] {
        let stanza = Stanza::of(&settings(""), Target::Dnsconfig, &wanted).unwrap();
        let refused = stanza.text(Target::Dnsconfig).unwrap_err();
        assert!(refused.starts_with(message), "{refused}");
    }
    let fields = body(Target::Dnsconfig, &settings(""), &with(&["10.96.0.53:53", "[fd00::53]:53"]));
    assert!(fields.contains("  - \"10.96.0.53\"\n  - \"fd00::53\"\n  - \"10.96.0.10\"\n"), "{fields}");
}

#[test]
fn erlang_has_addresses_as_tuples() {
    let at = StanzaArguments {
        cluster_dns: Some([10, 96, 0, 10].into()),
        ..arguments(&["10.96.0.53:53", "[fd00::53]:5300"])
    };
    assert_eq!(
        body(Target::Inetrc, &settings(""), &at),
        "{resolv_conf, \"\"}.\n{nameserver, {10,96,0,53}}.\n\
         {nameserver, {16#fd00,16#0,16#0,16#0,16#0,16#0,16#0,16#53}, 5300}.\n{nameserver, {10,96,0,10}}.\n\
         {lookup, [file, dns]}.\n"
    );
}

#[test]
fn every_line_of_notes_is_short_and_a_comment() {
    for what in <Target as clap::ValueEnum>::value_variants() {
        let cluster_dns = what.asks_for_everything().then(|| [10, 96, 0, 10].into());
        let at = StanzaArguments { cluster_dns, ..arguments(&["10.96.0.53:53"]) };
        let settings = settings(REVERSE);
        let Text { notes, comment, .. } = Stanza::of(&settings, *what, &at).unwrap().text(*what).unwrap();
        assert_eq!(comment.is_none(), *what == Target::Eks, "JSON alone has no comments");
        assert!(notes.iter().any(|note| note.starts_with("See:")), "{what:?}");
        for note in notes.iter().chain(&hints(&settings, *what, &at)) {
            assert!(note.len() <= 120 && !note.contains('\n'), "{note}");
        }
    }
}
