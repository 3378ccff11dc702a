//! The resolvers of `docs/examples`: what they return while the server answers, and that they keep the last good
//! answer through every way in which it may not.

use crate::beam::{Beam, Resolver};
use crate::rosterd::Rosterd;

const SETTINGS: &str = "[[topologies]]\nmode = \"dns\"\n[server]";

/// A dual-stack peer and one with IPv4 only.
const TWO: &str = "
- {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: a, namespace: default, uid: a}}
- {addresses: [10.0.0.2], conditions: {ready: true}, targetRef: {kind: Pod, name: b, namespace: default, uid: b}}";
const ONE: &str = "
- {addresses: [10.0.0.2], conditions: {ready: true}, targetRef: {kind: Pod, name: b, namespace: default, uid: b}}";
const NONE: &str = " []";

fn manifest(service: &str, endpoints: &str) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\nmetadata: {{name: {service}-a, \
         namespace: default, labels: {{kubernetes.io/service-name: {service}}}}}\n\
         ports: [{{name: epmd, protocol: TCP, port: 4369}}]\nendpoints:{endpoints}\n"
    )
}

/// The calls of one resolver, each an Erlang expression.
struct Calls {
    a: &'static str,
    srv: &'static str,
    addresses: &'static str,
    txt: &'static str,
    unknown: &'static str,
}

const ERLANG: Calls = Calls {
    a: "last_good_resolver:hostent(\"myapp.default.svc.peers.cluster.local.\", a)",
    srv: "last_good_resolver:hostent(\"myapp.default.svc.peers.cluster.local.\", srv)",
    addresses: "last_good_resolver:lookup(<<\"myapp.default.svc.peers.cluster.local.\">>, [a, aaaa])",
    txt: "[list_to_atom(Name) || [Name] <- last_good_resolver:lookup(\"myapp.default.svc.peers.cluster.local.\", txt)]",
    unknown: "last_good_resolver:hostent(\"nobody.default.svc.peers.cluster.local.\", a)",
};

const ELIXIR: Calls = Calls {
    a: "'Elixir.LastGoodResolver':a(\"myapp.default.svc.peers.cluster.local.\")",
    srv: "'Elixir.LastGoodResolver':srv(\"myapp.default.svc.peers.cluster.local.\")",
    addresses: "'Elixir.LastGoodResolver':addresses(<<\"myapp.default.svc.peers.cluster.local.\">>)",
    txt: "'Elixir.LastGoodResolver':node_names(\"myapp.default.svc.peers.cluster.local.\")",
    unknown: "'Elixir.LastGoodResolver':a(\"nobody.default.svc.peers.cluster.local.\")",
};

/// What the calls return for the first so many of the two peers, the second first.
struct Expected {
    a: String,
    srv: String,
    addresses: String,
    txt: String,
}

fn expected(peers: &[u8]) -> Expected {
    let name: Vec<String> =
        "myapp.default.svc.peers.cluster.local.".bytes().map(|octet| octet.to_string()).collect();
    let name = format!("[{}]", name.join(","));
    let addresses = list(peers, |peer| format!("{{10,0,0,{peer}}}"));
    let srv = list(peers, |peer| {
        let host: Vec<String> =
            format!("10-0-0-{peer}.default.pod.cluster.local").bytes().map(|o| o.to_string()).collect();
        format!("{{0,10,4369,[{}]}}", host.join(","))
    });
    Expected {
        a: format!("{{ok,{{hostent,{name},[],inet,4,{addresses}}}}}"),
        srv: format!("{{ok,{{hostent,{name},[],srv,{},{srv}}}}}", peers.len()),
        addresses,
        txt: list(peers, |peer| format!("'myapp@10-0-0-{peer}.default.pod.cluster.local'")),
    }
}

fn list(peers: &[u8], text: impl Fn(&u8) -> String) -> String {
    format!("[{}]", peers.iter().map(text).collect::<Vec<_>>().join(","))
}

fn assert_knows(node: &mut Beam, calls: &Calls, peers: &[u8], when: &str) {
    let expected = expected(peers);
    assert_eq!(node.evaluate(calls.a), expected.a, "{when}");
    assert_eq!(node.evaluate(calls.srv), expected.srv, "{when}");
    assert_eq!(node.evaluate(calls.addresses), expected.addresses, "{when}");
    assert_eq!(node.evaluate(calls.txt), expected.txt, "{when}");
}

fn keeps_the_last_good_answer(start: fn(Resolver) -> Beam, calls: &Calls) {
    let server = Rosterd::start(&manifest("myapp", TWO), SETTINGS);
    let mut node = start(Resolver { server: server.ipv4(), cache: true });
    assert_knows(&mut node, calls, &[1, 2], "while the server answers");
    assert_eq!(node.evaluate(calls.unknown), "{error,nxdomain}", "a name that never answered");

    let server = server.restart(&manifest("other", TWO), SETTINGS);
    assert_knows(&mut node, calls, &[1, 2], "while the name does not exist");

    let server = server.restart(&manifest("myapp", NONE), SETTINGS);
    assert_knows(&mut node, calls, &[1, 2], "while the set is empty");

    let mut server = server.restart(&manifest("myapp", ONE), SETTINGS);
    assert_knows(&mut node, calls, &[2], "when a peer has left");

    server.kill();
    assert_knows(&mut node, calls, &[2], "while nobody answers");
    assert_eq!(node.evaluate(calls.unknown), "{error,econnrefused}", "a name that never answered");

    let _server = server.restart(&manifest("myapp", TWO), SETTINGS);
    assert_knows(&mut node, calls, &[1, 2], "when the server is back");
}

#[test]
fn the_erlang_resolver_keeps_the_last_good_answer() {
    keeps_the_last_good_answer(Beam::erlang, &ERLANG);
}

#[test]
fn the_elixir_resolver_keeps_the_last_good_answer() {
    keeps_the_last_good_answer(Beam::elixir, &ELIXIR);
}

/// Nobody is there to refuse: the questions are lost, and the resolver gives up by itself.
#[test]
fn a_server_that_is_silent_is_waited_for_and_then_the_last_good_answer_stays() {
    let mut server = Rosterd::start(&manifest("myapp", TWO), SETTINGS);
    let mut node = Beam::erlang(Resolver { server: server.ipv4(), cache: true });
    assert_eq!(node.evaluate(ERLANG.a), expected(&[1, 2]).a);
    server.kill();
    // Bound, never read.
    let _silent = std::net::UdpSocket::bind(server.ipv4()).expect("the server's port");
    assert_eq!(node.evaluate(ERLANG.a), expected(&[1, 2]).a);
    assert_eq!(node.evaluate(ERLANG.unknown), "{error,timeout}");
}

/// The functions that `dns_cluster` calls on the module it is given.
#[test]
fn the_elixir_resolver_serves_dns_cluster() {
    let server = Rosterd::start(&manifest("myapp", TWO), SETTINGS);
    let mut node = Beam::elixir(Resolver { server: server.ipv4(), cache: true });
    let query = "<<\"myapp.default.svc.peers.cluster.local.\">>";
    assert_eq!(
        node.evaluate(&format!("'Elixir.LastGoodResolver':lookup({query}, a)")),
        "[{10,0,0,1},{10,0,0,2}]"
    );
    assert_eq!(node.evaluate(&format!("'Elixir.LastGoodResolver':lookup({query}, aaaa)")), "[]");
    assert_eq!(
        node.evaluate("'Elixir.LastGoodResolver':basename('my_app@10.0.0.1') =:= <<\"my_app\">>"),
        "true"
    );
    assert_eq!(node.evaluate("'Elixir.LastGoodResolver':list_nodes()"), "[]");
    assert_eq!(node.evaluate("'Elixir.LastGoodResolver':connect_node('my_app@127.0.0.1')"), "ignored");
}
