//! One of two replicas ends under load, and no client of CoreDNS sees it.

use crate::client::Transport;
use crate::coredns::CoreDns;
use crate::load::{Manner, Tally};
use crate::rosterd::unused_port;
use crate::stanza::stanza;
use crate::world::Replica;
use nix::sys::signal::Signal;
use std::sync::atomic::Ordering;

/// What becomes of a replica.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// At once and without a word, as by a node that is gone.
    Kill,
    /// SIGTERM, without a time between.
    Terminate,
}

fn one_of_two_ends(way: Way, arguments: &[&str], more: &str) {
    let [one, other] = [(), ()].map(|()| Replica::start(unused_port(), "0s"));
    let servers = [one.server.ipv4(), other.server.ipv4()];
    let blocks = stanza("coredns", &servers, arguments);
    let to = format!("forward . {} {}\n", servers[0], servers[1]);
    assert!(blocks.contains(&to), "{blocks}");
    let blocks = blocks.replace(&to, &format!("{} {{\n        {more}\n    }}\n", to.trim_end()));
    let coredns = CoreDns::start("", &blocks, &CoreDns::others());
    let clients =
        [Transport::Udp, Transport::Tcp, Transport::Udp].map(|how| Manner::Once(coredns.address(), how));
    let mut one = Some(one);
    let tally = Tally::under_load(&clients, |_| {
        let Replica { mut server, .. } = one.take().expect("a replica");
        match way {
            Way::Kill => server.kill(),
            Way::Terminate => assert_eq!(server.terminate(Signal::SIGTERM).0.code(), Some(0)),
        }
    });
    let answered = tally.answered.load(Ordering::Relaxed);
    println!("{way:?} {arguments:?} {more:?}: {answered} queries, all answered");
    drop(other);
}

#[test]
fn one_is_killed() {
    one_of_two_ends(Way::Kill, &[], "max_fails 2");
}

#[test]
fn one_is_killed_and_coredns_asks_by_tcp() {
    one_of_two_ends(Way::Kill, &[], "force_tcp");
}

#[test]
fn one_is_killed_behind_a_cache() {
    one_of_two_ends(Way::Kill, &["--cache", "5"], "max_fails 2");
}

#[test]
fn one_is_terminated() {
    one_of_two_ends(Way::Terminate, &[], "max_fails 2");
}

#[test]
fn one_is_terminated_and_coredns_asks_by_tcp() {
    one_of_two_ends(Way::Terminate, &[], "force_tcp");
}
