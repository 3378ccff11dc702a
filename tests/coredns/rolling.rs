//! Two replicas are restarted one after the other, as `kubectl rollout restart` does it, and no query is lost.

use crate::client::Transport;
use crate::coredns::CoreDns;
use crate::load::{Manner, Tally};
use crate::rosterd::unused_port;
use crate::service::Service;
use crate::stanza::stanza;
use crate::world::Replica;
use nix::sys::signal::Signal;
use std::sync::atomic::Ordering;

/// Long enough for others to see that a replica is not ready any more.
const LAMEDUCK: &str = "3s";

/// Two replicas, each at a port that its successor takes over.
struct Pair {
    ports: [u16; 2],
    replicas: [Option<Replica>; 2],
}

impl Pair {
    fn start() -> Pair {
        let ports = [unused_port(), unused_port()];
        Pair { ports, replicas: ports.map(|port| Some(Replica::start(port, LAMEDUCK))) }
    }

    fn running(&self) -> Vec<&Replica> {
        self.replicas.iter().flatten().collect()
    }

    /// Ends one by SIGTERM, starts another in its place, and waits until that is ready; then the same with the second.
    fn restart_one_after_the_other(&mut self, tally: &Tally, clients: usize, told: impl Fn(&Pair)) {
        for place in 0..2 {
            let old = self.replicas[place].take().expect("a replica");
            assert_eq!(old.server.terminate(Signal::SIGTERM).0.code(), Some(0));
            self.replicas[place] = Some(Replica::start(self.ports[place], LAMEDUCK));
            told(self);
            tally.wait_for_more(clients);
        }
    }
}

fn say(what: &str, tally: &Tally) {
    let [answered, again] = [&tally.answered, &tally.sent_again].map(|count| count.load(Ordering::Relaxed));
    println!("{what}: {answered} queries, all answered; {again} were sent again");
}

#[test]
fn clients_of_coredns_with_two_addresses() {
    let mut pair = Pair::start();
    let servers: Vec<_> = pair.running().iter().map(|replica| replica.server.ipv4()).collect();
    let coredns = CoreDns::start("", &stanza("coredns", &servers, &[]), &CoreDns::others());
    let clients =
        [Transport::Udp, Transport::Tcp, Transport::Udp].map(|how| Manner::Once(coredns.address(), how));
    let tally =
        Tally::under_load(&clients, |tally| pair.restart_one_after_the_other(tally, clients.len(), |_| {}));
    say("two addresses behind CoreDNS", &tally);
}

#[test]
fn clients_of_coredns_with_the_address_of_a_service() {
    let mut pair = Pair::start();
    let service = Service::of(&pair.running());
    let coredns = CoreDns::start("", &stanza("coredns", &[service.address()], &[]), &CoreDns::others());
    let clients = [Manner::Once(coredns.address(), Transport::Udp); 3];
    let tally = Tally::under_load(&clients, |tally| {
        pair.restart_one_after_the_other(tally, clients.len(), |pair| service.set(&pair.running()));
    });
    say("a Service behind CoreDNS", &tally);
}

#[test]
fn clients_with_two_nameservers() {
    let mut pair = Pair::start();
    let servers = pair.ports.map(|port| ([127, 0, 0, 1], port).into());
    let clients = [Manner::Stub(servers), Manner::Stub([servers[1], servers[0]])];
    let tally =
        Tally::under_load(&clients, |tally| pair.restart_one_after_the_other(tally, clients.len(), |_| {}));
    say("two nameservers", &tally);
}
