//! kube's own client: what its errors mean, and what it logs.

use crate::fake::{event, page, slice};
use crate::world::{options, slices};
use kube::{Client, Config};
use rosterd::source::kubernetes::{Failure, Health, Report, run};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::time::Duration;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The first failure of a watch that asks this URL.
async fn first_failure(url: &str) -> Failure {
    let mut config = Config::new(url.parse().unwrap());
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let plans = vec![slices()];
    let health = Health::new(&plans);
    let mut failure = None;
    let watched = run(client, plans, options(), health, |batch| {
        for report in batch.reports {
            if let Report::Failing { failure: found, .. } = report {
                failure = Some(found);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    tokio::time::timeout(Duration::from_secs(60), watched).await.expect("no failure");
    failure.unwrap()
}

thread_local! {
    /// Everything that was logged on this thread since it asked for it.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.get_or_insert_default().extend_from_slice(octets));
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_holds_what_the_api_server_sends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut octet = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap_or(0) == 1 {
                head.push(octet[0]);
            }
            let body = if String::from_utf8_lossy(&head).contains("watch=1") {
                event("ADDED", &slice("secret-b", 11, "10.99.0.2")) + "\n"
            } else {
                page("10", &[slice("secret-a", 1, "10.99.0.1")], "")
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    // For the whole process: whether a place in the code logs at all is decided for all threads at once.
    let asked_for = dynamic_filter_fn(|_, _| LOG.with_borrow(Option::is_some));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| ThreadLog);
    tracing_subscriber::registry().with(lines.with_filter(asked_for)).init();
    LOG.set(Some(Vec::new()));

    let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
    let plans = vec![slices()];
    let health = Health::new(&plans);
    let watched = run(client, plans, options(), health, |batch| {
        let changed = !batch.arrivals.is_empty();
        if changed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    tokio::time::timeout(Duration::from_secs(60), watched).await.expect("no event");
    let log = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(log.contains("endpointslices"), "requests are logged at this level: {log}");
    assert!(!log.contains("secret-") && !log.contains("10.99."), "{log}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = first_failure(&format!("https://{address}")).await;
    assert!(matches!(&failure, Failure::Connection(words) if words.contains("refused")), "{failure:?}");
}

#[tokio::test]
async fn the_peer_speaks_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let failure = first_failure(&format!("https://{address}")).await;
    assert!(matches!(&failure, Failure::Tls(_)), "{failure:?}");
}
