//! Many clients, slow ones among them: DNS is answered as ever, and probes too.

use crate::client::{Transport, ask, data};
use crate::http::{connect, get};
use crate::scene::{Scene, wait_until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NAME: &str = "web.default.svc.peers.cluster.local.";

fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Asks until told to stop, over and over; how often that was answered.
fn hammer(address: SocketAddr, stop: &AtomicBool) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answered += usize::from(answer.starts_with(b"HTTP/1.1 200"));
    }
    answered
}

#[test]
fn a_flood_of_requests_and_of_silent_connections_changes_no_answer() {
    let scene = Scene::new();
    let before = resident(scene.server.process());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let hammers: Vec<_> = (0..6)
            .map(|place| {
                let stop = &stop;
                let address = if place % 2 == 0 { scene.probes } else { scene.api };
                scope.spawn(move || hammer(address, stop))
            })
            .collect();
        // Half a head, and never the rest: far more than are let in.
        let silent: Vec<TcpStream> = (0..200)
            .map(|_| {
                let mut stream = connect(scene.probes);
                let _ = stream.write_all(b"GET /live HTTP/1.1\r\nX: ");
                stream
            })
            .collect();
        for _ in 0..300 {
            for transport in [Transport::Udp, Transport::Tcp] {
                assert_eq!(data(&ask(scene.server.ipv4(), transport, NAME, "A", None).answers), ["10.0.0.1"]);
            }
        }
        stop.store(true, Ordering::Relaxed);
        let answered: usize = hammers.into_iter().map(|hammer| hammer.join().unwrap()).sum();
        assert!(answered > 0, "nobody was let in");
        drop(silent);
    });
    let grown = resident(scene.server.process()).saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more");
    wait_until("a probe", || {
        crate::http::raw(scene.probes, b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").is_some()
    });
    assert_eq!(get(scene.probes, "/live").status, 200);
}

#[test]
fn who_sends_no_head_or_takes_no_answer_is_cut_off() {
    let scene = Scene::new();
    let mut slow = connect(scene.probes);
    slow.write_all(b"GET /live HT").unwrap();
    let mut idle = connect(scene.probes);
    // Reads of both end: the server has given up on them.
    for stream in [&mut slow, &mut idle] {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
}
