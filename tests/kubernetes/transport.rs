//! Connections that fail, by kube's own client: what its errors mean.

use crate::world::slices;
use kube::{Client, Config};
use rosterd::source::kubernetes::{Failure, Health, Options, Report, run};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::time::Duration;

/// The first failure of a watch that asks this URL.
async fn first_failure(url: &str) -> Failure {
    let mut config = Config::new(url.parse().unwrap());
    config.default_retry = false;
    config.accept_invalid_certs = false;
    let client = Client::try_from(config).unwrap();
    let plans = vec![slices()];
    let health = Health::new(&plans);
    let options = Options { page_size: 500, streaming_lists: false, stale_after: Duration::from_secs(60) };
    let mut failure = None;
    let watched = run(client, plans, options, health, |batch| {
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
