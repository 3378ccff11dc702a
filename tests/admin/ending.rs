//! SIGTERM: not ready, answering for a while, gone. Two servers that are replaced one after the other lose no query.

use crate::client::{Transport, ask};
use crate::http::get;
use crate::rosterd::{PATIENCE, Rosterd, unused_port};
use crate::scene::{MANIFEST, Scene, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

const NAME: &str = "web.default.svc.peers.cluster.local.";

fn signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.try_into().unwrap()), signal).unwrap();
}

fn is_ready(probes: SocketAddr) -> bool {
    crate::http::raw_if_there(probes, b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .is_some_and(|answer| answer.status == 200)
}

#[test]
fn it_answers_on_without_being_ready_until_a_second_signal() {
    let scene = Scene::of(MANIFEST, "[server]\nlameduck = '1h'");
    let (address, probes) = (scene.server.ipv4(), scene.probes);
    assert!(is_ready(probes));
    signal(scene.server.process(), Signal::SIGTERM);
    wait_until("not ready any more", || get(probes, "/ready").status == 503);
    assert_eq!(get(probes, "/ready").body, "not ready\nthe server has been asked to end\n");
    assert_eq!(get(probes, "/live").status, 200);
    for transport in [Transport::Udp, Transport::Tcp] {
        assert_eq!(ask(address, transport, NAME, "A", None).answers.len(), 1);
    }
    let (status, log) = scene.server.terminate(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0), "{log:?}");
    assert!(
        log.iter().any(|line| line.contains("SIGTERM: not ready any more, answering for another 3600s")),
        "{log:?}"
    );
    assert!(log.iter().any(|line| line.ends_with("SIGTERM: ending")), "{log:?}");
}

#[test]
fn ctrl_c_waits_for_nothing() {
    let scene = Scene::of(MANIFEST, "[server]\nlameduck = '1h'");
    let (status, log) = scene.server.terminate(Signal::SIGINT);
    assert_eq!(status.code(), Some(0), "{log:?}");
}

/// A client of two servers, as a Service is: it asks one that was ready when it last looked.
#[test]
fn a_rolling_restart_of_two_servers_loses_no_query() {
    let settings = "[server]\nlameduck = '2s'";
    let start = |port: u16| {
        let listen = format!("127.0.0.1:{port}");
        Scene::around(|settings| Rosterd::start_on(MANIFEST, settings, &[&listen]), settings)
    };
    let ports = [unused_port(), unused_port()];
    let mut scenes = ports.map(|port| Some(start(port)));
    let of = |scene: &Option<Scene>| scene.as_ref().map(|scene| (scene.server.ipv4(), scene.probes)).unwrap();
    let endpoints = Mutex::new(scenes.each_ref().map(of));
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = [Transport::Udp, Transport::Tcp]
            .into_iter()
            .map(|transport| {
                let (stop, asked, endpoints) = (&stop, &asked, &endpoints);
                scope.spawn(move || {
                    let mut turn = 0;
                    while !stop.load(Ordering::Relaxed) {
                        turn += 1;
                        let now = *endpoints.lock().unwrap();
                        let ready: Vec<SocketAddr> = now
                            .iter()
                            .filter(|(_, probes)| is_ready(*probes))
                            .map(|(address, _)| *address)
                            .collect();
                        let address = ready[turn % ready.len()];
                        // Panics where no answer comes.
                        assert_eq!(ask(address, transport, NAME, "A", None).answers.len(), 1);
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for (place, port) in ports.into_iter().enumerate() {
            let before = asked.load(Ordering::Relaxed);
            wait_until("queries", || {
                asked.load(Ordering::Relaxed) > before + 50
                    || clients.iter().any(std::thread::ScopedJoinHandle::is_finished)
            });
            let old = scenes[place].take().unwrap();
            let (status, _) = old.server.terminate(Signal::SIGTERM);
            assert_eq!(status.code(), Some(0));
            let new = start(port);
            let deadline = Instant::now() + PATIENCE;
            while !is_ready(new.probes) {
                assert!(Instant::now() < deadline, "it did not come back");
            }
            endpoints.lock().unwrap()[place] = (new.server.ipv4(), new.probes);
            scenes[place] = Some(new);
        }
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("a client that lost no query");
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 100);
}
