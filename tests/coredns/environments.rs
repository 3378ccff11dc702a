//! Stanzas for clusters whose Corefile is somebody else's, and for those who ask rosterd themselves: read by the programs
//! that they are for, as far as these can be had.

use crate::client::{Transport, ask, data};
use crate::control_plane::ControlPlane;
use crate::coredns::{CoreDns, OTHERS, indented};
use crate::rosterd::unused_port;
use crate::stanza::{parts, stanza};
use crate::wait::wait_until_equal;
use crate::world::{FLAGS, server, set};
use hickory_proto::op::ResponseCode;
use serde_json::{Value, json};
use std::process::Command;

/// Everything that a stanza can have.
const WHOLE: [&str; 2] = ["--with-pods", "--with-reverse"];

fn whole() -> Vec<&'static str> {
    [&FLAGS[..], &WHOLE].concat()
}

/// What every way into rosterd must answer: peers, a pod name, a reverse name of ours and one of somebody else.
fn holds(coredns: &CoreDns) {
    let of = |name: &str, record_type: &str| {
        let answer = ask(coredns.address(), Transport::Udp, name, record_type, Some(1232));
        (answer.metadata.response_code, data(&answer.answers))
    };
    assert_eq!(of(&set(3), "TXT").1, ["s3@10.244.0.1", "s3@10.244.0.2", "s3@10.244.0.3"]);
    assert_eq!(of("10-1-2-3.a.pod.cluster.local.", "A").1, ["10.1.2.3"]);
    assert_eq!(of("1.0.244.10.in-addr.arpa.", "PTR").1, ["10-244-0-1.default.pod.cluster.local."]);
    assert_eq!(of(OTHERS.0, "PTR").1, [OTHERS.1]);
    assert_eq!(of("8.77.244.10.in-addr.arpa.", "PTR").0, ResponseCode::NXDomain);
    assert_eq!(of(OTHERS.1, "A").1, ["192.0.2.7"]);
}

/// A Corefile that finds the API server of a test and asks `others` instead of the resolver of this machine.
fn beside(plane: &ControlPlane, corefile: &str, others: &CoreDns) -> String {
    let kubeconfig = format!("        kubeconfig {} test\n", plane.administrator().display());
    let mut text = String::new();
    for line in corefile.lines() {
        text += line;
        text += "\n";
        if line.trim_start().starts_with("kubernetes ") {
            text += &kubeconfig;
        }
    }
    text.replace("/etc/resolv.conf", &others.address().to_string())
}

/// A Service of somebody else with a peer whose reverse name is in a zone of ours, which rosterd does not know.
fn anothers_endpoint(plane: &ControlPlane) {
    let slice = json!({
        "metadata": {"name": "theirs-a", "labels": {"kubernetes.io/service-name": "theirs"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.99.1"], "hostname": "one"}],
        "ports": [{"name": "http", "port": 80}],
    });
    let service =
        json!({"metadata": {"name": "theirs"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}});
    let collection = |resource: &str| crate::api::collection("default", resource);
    // Tests share the API server: the second finds it there.
    for (resource, object) in [("services", &service), ("endpointslices", &slice)] {
        let made = plane.api.call(http::Method::POST, &collection(resource), "application/json", object);
        assert!(made.as_ref().err().is_none_or(|error| error.contains("AlreadyExists")), "{made:?}");
    }
}

/// Names that the plugin kubernetes makes of Services and endpoints stay.
fn theirs_stay(coredns: &CoreDns) {
    let theirs =
        || data(&ask(coredns.address(), Transport::Udp, "1.99.244.10.in-addr.arpa.", "PTR", None).answers);
    wait_until_equal("their name", &vec!["one.theirs.default.svc.cluster.local.".to_owned()], theirs);
}

/// A Corefile without what other programs on this machine may have: ports of its own for HTTP.
fn at_free_ports(corefile: &str) -> String {
    let local = || format!("127.0.0.1:{}", unused_port());
    corefile
        .replace("    health {", &format!("    health {} {{", local()))
        .replace("    ready\n", &format!("    ready {}\n", local()))
        .replace("    prometheus :9153\n", &format!("    prometheus {}\n", local()))
}

/// The whole ConfigMap of `deploy/coredns/`, and a stanza as it says to paste it there.
#[test]
fn the_corefile_of_kubeadm() {
    let (server, others, plane) = (server(), CoreDns::others(), ControlPlane::shared());
    anothers_endpoint(plane);
    let object: Value =
        serde_saphyr::from_str(include_str!("../../deploy/coredns/kubeadm.yaml")).expect("YAML");
    let whole_file = object["data"]["Corefile"].as_str().expect("a Corefile");
    let (main, ours) = whole_file.split_once("\npeers.cluster.local:53 {").expect("a block of ours");
    let peers = CoreDns::start(
        "",
        &format!("peers.cluster.local:53 {{{}", ours.replace("10.96.0.53", &server.ipv4().to_string())),
        &others,
    );
    let version = ask(peers.address(), Transport::Udp, "dns-version.peers.cluster.local.", "TXT", None);
    assert_eq!(data(&version.answers), ["1.1.0"]);

    let (into, below) = parts(&stanza("coredns", &[server.ipv4()], &whole()));
    let last = "    forward . /etc/resolv.conf";
    assert_eq!(main.matches(last).count(), 1);
    let main = main.replace(last, &(indented(&into) + last));
    let coredns = CoreDns::run(&beside(plane, &at_free_ports(&format!("{main}\n\n{below}")), &others));
    theirs_stay(&coredns);
    holds(&coredns);
}

#[test]
fn the_configuration_of_the_eks_add_on() {
    let (server, others, plane) = (server(), CoreDns::others(), ControlPlane::shared());
    anothers_endpoint(plane);
    let values: Value = serde_json::from_str(&stanza("eks", &[server.ipv4()], &whole())).expect("JSON");
    let corefile = values["corefile"].as_str().expect("a Corefile");
    assert_eq!(values.as_object().map(serde_json::Map::len), Some(1));
    let coredns = CoreDns::run(&beside(plane, &at_free_ports(corefile), &others));
    theirs_stay(&coredns);
    holds(&coredns);
}

#[test]
fn the_config_map_that_a_corefile_imports() {
    let (server, others, plane) = (server(), CoreDns::others(), ControlPlane::shared());
    anothers_endpoint(plane);
    let object = taken(plane, &stanza("coredns-custom", &[server.ipv4()], &whole()));
    assert_eq!(
        (&object["metadata"]["name"], &object["metadata"]["namespace"]),
        (&json!("coredns-custom"), &json!("kube-system"))
    );
    let blocks = object["data"]["rosterd.server"].as_str().expect("server blocks");
    let coredns = CoreDns::start("", &beside(plane, blocks, &others), &others);
    theirs_stay(&coredns);
    holds(&coredns);
}

#[test]
fn the_config_map_of_kube_dns() {
    let server = server();
    let arguments = [&FLAGS[..], &["--with-pods"]].concat();
    let object = taken(ControlPlane::shared(), &stanza("gke", &[server.ipv4()], &arguments));
    assert_eq!(object["metadata"]["name"], "kube-dns");
    let domains = object["data"]["stubDomains"].as_str().expect("a text");
    let domains: Value = serde_json::from_str(domains).expect("JSON");
    let at = server.ipv4().to_string();
    assert_eq!(domains, json!({"peers.cluster.local": [at], "pod.cluster.local": [at]}));
}

/// The object as the API server would keep it.
fn taken(plane: &ControlPlane, object: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("object.yaml");
    std::fs::write(&file, object).expect("a written object");
    let file = file.display().to_string();
    let arguments = ["apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", &file];
    serde_json::from_str(&plane.kubectl(&arguments)).expect("JSON")
}

/// Its program puts addresses in place of some words, of which `bind` is ours to say here.
#[test]
fn blocks_of_node_local_dns_cache() {
    let (server, others) = (server(), CoreDns::others());
    let blocks = stanza("nodelocal", &[server.ipv4()], &whole());
    let bind = "    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__\n";
    assert_eq!(blocks.matches(bind).count(), 3);
    let blocks = blocks.replace(bind, "").replace("__PILLAR__CLUSTER__DNS__", &others.address().to_string());
    holds(&CoreDns::start("", &blocks, &others));
}

#[test]
fn the_object_of_openshifts_operator() {
    let server = server();
    let arguments = [&FLAGS[..], &["--with-pods"]].concat();
    let text =
        stanza("openshift", &[server.ipv4(), "[fd00::53]:53".parse().expect("an address")], &arguments);
    let object: Value = serde_saphyr::from_str(&text).expect("YAML");
    let expected = json!({
        "apiVersion": "operator.openshift.io/v1",
        "kind": "DNS",
        "metadata": {"name": "default"},
        "spec": {"servers": [{
            "name": "rosterd",
            "zones": ["peers.cluster.local", "pod.cluster.local"],
            "forwardPlugin": {"policy": "Random", "upstreams": [server.ipv4().to_string(), "[fd00::53]:53"]},
        }]},
    });
    assert_eq!(object, expected);
}

#[test]
fn fields_of_a_pod() {
    let servers = ["10.96.0.53:53".parse().expect("an address")];
    let text = stanza("dnsconfig", &servers, &["--cluster-dns", "10.96.0.10"]);
    let mut spec: Value = serde_saphyr::from_str(&text).expect("YAML");
    spec["containers"] = json!([{"name": "app", "image": "app"}]);
    let pod = json!({"metadata": {"name": "asks-rosterd"}, "spec": spec});
    let made = ControlPlane::shared()
        .api
        .create("/api/v1/namespaces/default/pods?dryRun=All&fieldValidation=Strict", &pod);
    assert_eq!(made["spec"]["dnsConfig"]["nameservers"], json!(["10.96.0.53", "10.96.0.10"]));
    assert_eq!(made["spec"]["dnsPolicy"], "None");
}

/// What rosterd refuses, Erlang asks of the next nameserver.
#[test]
fn the_resolver_of_an_erlang_node() {
    let (server, others) = (server(), CoreDns::others());
    let text = stanza("inetrc", &[server.ipv4()], &["--cluster-dns", "127.0.0.1"]);
    // The other one listens at no port of DNS here.
    let dns = "{nameserver, {127,0,0,1}}.\n";
    assert!(text.contains(dns), "{text}");
    let port = others.address().port();
    let text = text.replace(dns, &format!("{{nameserver, {{127,0,0,1}}, {port}}}.\n"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inetrc = folder.path().join("inetrc");
    std::fs::write(&inetrc, text).expect("a written inetrc");
    let look_up = "io:format(\"~w ~w ~w\", [length(inet_res:lookup(\"s120.default.svc.peers.cluster.local.\", in, txt)), \
                   inet_res:lookup(\"dns-version.peers.cluster.local.\", in, txt), \
                   inet:getaddr(\"of-others.example\", inet)]), halt().";
    let output = Command::new("erl")
        .args(["-noshell", "-eval", look_up])
        .env("ERL_INETRC", &inetrc)
        .env("HOME", folder.path())
        .output()
        .expect("erl");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        printed,
        "120 [[[49,46,49,46,48]]] {ok,{192,0,2,7}}",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
