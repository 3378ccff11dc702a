//! What the API server refuses, and connections that fail: how long the watches wait, and what people are told.

use crate::fake::{Asked, slice};
use crate::world::World;
use rosterd::source::kubernetes::{Failure, FailureKind, Report, State};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, advance};

/// How the API server does not answer as it should.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Status(u16),
    Refused,
    Tls,
    Broken,
}

impl Fault {
    async fn answer(self, asked: Asked) {
        match self {
            Fault::Status(status) => asked.refuse(status).await,
            Fault::Refused => asked.fail(io::Error::from(io::ErrorKind::ConnectionRefused)),
            Fault::Tls => {
                asked.fail(io::Error::other(io::Error::new(io::ErrorKind::InvalidData, "UnknownIssuer")));
            }
            Fault::Broken => asked.fail(io::Error::from(io::ErrorKind::ConnectionReset)),
        }
    }
}

const FAULTS: &[(Fault, FailureKind, &str)] = &[
    (
        Fault::Status(401),
        FailureKind::Unauthorized,
        "the API server does not accept the credentials (401: because 401)",
    ),
    (
        Fault::Status(404),
        FailureKind::NotFound,
        "the API server does not serve the resource (404: because 404)",
    ),
    (Fault::Status(418), FailureKind::Status, "the API server refuses the request (418: because 418)"),
    (Fault::Status(204), FailureKind::Status, "the API server refuses the request (204: because 204)"),
    (Fault::Status(302), FailureKind::Status, "the API server refuses the request (302: because 302)"),
    (
        Fault::Status(429),
        FailureKind::TooManyRequests,
        "the API server has too many requests (429: because 429)",
    ),
    (Fault::Status(500), FailureKind::Server, "the API server fails (500: because 500)"),
    (Fault::Status(503), FailureKind::Server, "the API server fails (503: because 503)"),
    (Fault::Refused, FailureKind::Connection, "no connection to the API server (connection refused)"),
    (
        Fault::Tls,
        FailureKind::Tls,
        "no TLS connection to the API server (UnknownIssuer); its CA must be the one that is configured",
    ),
    (Fault::Broken, FailureKind::Cut, "the connection broke (connection reset)"),
];

/// At start: ever longer waits, one line, nothing shown, and all is well once it is.
#[tokio::test(start_paused = true)]
async fn lists_that_fail_are_tried_again_for_ever() {
    for (fault, kind, text) in FAULTS {
        let mut world = World::start();
        let mut waits = Vec::new();
        let mut asked = world.api.list().await;
        for _ in 0..10 {
            let before = Instant::now();
            fault.answer(asked).await;
            asked = world.api.list().await;
            waits.push(before.elapsed());
        }
        assert!(waits[0] <= Duration::from_millis(501), "{fault:?} {waits:?}");
        assert!(
            waits
                .windows(2)
                .take(5)
                .all(|pair| pair[1] > pair[0] / 2 && pair[1] <= pair[0] * 4 + Duration::from_millis(1)),
            "{waits:?}"
        );
        assert!(
            waits[7..].iter().all(|wait| (15_000..=30_001).contains(&wait.as_millis())),
            "{fault:?} {waits:?}"
        );
        assert_eq!(world.failures(*kind).await, 10, "{fault:?}");
        let State::Failing { failure, .. } = world.pulse().await.state else { panic!("{fault:?}") };
        assert_eq!((failure.kind(), failure.to_string()), (*kind, (*text).to_owned()));
        let lines = world.lines().await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].starts_with(&format!("endpointslices in all namespaces: {text}; trying again")),
            "{lines:?}"
        );
        assert!(!world.is_ready("default").await && !world.is_stale().await);

        asked.complete("10", &[slice("a", 1, "10.0.0.1")]).await;
        let watching = world.api.watch("10").await.accept();
        assert_eq!(world.served().await, ["10.0.0.1"], "{fault:?}");
        advance(Duration::from_secs(6)).await;
        let reports = world.reports().await;
        assert!(
            matches!(&reports[..], [Report::Synced { .. }, Report::Recovered { after, .. }] if after.as_secs() > 60),
            "{reports:?}"
        );
        assert_eq!(world.pulse().await.state, State::Watching);
        drop(watching);
    }
}

/// Once something is served: it stays, and the watch goes on where it stood.
#[tokio::test(start_paused = true)]
async fn watches_that_fail_go_on_where_they_stood() {
    for (fault, kind, _) in FAULTS {
        let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
        fault.answer(watch).await;
        let resumed = !matches!(fault, Fault::Status(204 | 302 | 404 | 418));
        let next = if resumed { world.api.check().await } else { world.api.list().await };
        assert_eq!(world.failures(*kind).await, 1, "{fault:?}");
        assert_eq!(world.served().await, ["10.0.0.1"]);
        next.complete("12", &[slice("a", 1, "10.0.0.1")]).await;
        world.api.watch(if resumed { "10" } else { "12" }).await;
        assert_eq!(world.served().await, ["10.0.0.1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_lasts_is_told_again_every_five_minutes() {
    let mut world = World::start();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(12 * 60) {
        world.api.list().await.refuse(500).await;
    }
    let lines = world.lines().await;
    let times: Vec<&str> = lines.iter().map(|line| line.split_once("; trying again").unwrap().1).collect();
    assert_eq!(times, ["", ", for 5 min", ", for 10 min"]);
}

#[tokio::test(start_paused = true)]
async fn the_server_says_how_long_to_wait_up_to_thirty_seconds() {
    let in_body = r#"{"message":"m","details":{"retryAfterSeconds":20}}"#;
    for (headers, body, range) in [
        (&[("retry-after", "7")][..], "", 7_000..=7_001),
        (&[("retry-after", "3600")], "", 30_000..=30_001),
        (&[], in_body, 20_000..=20_001),
        (&[("retry-after", "0")], "", 250..=501),
        (&[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], "", 250..=501),
        (&[], "{", 250..=501),
        (&[], r#"{"message":7,"details":null}"#, 250..=501),
    ] {
        for status in [429, 503] {
            let mut world = World::start();
            let asked = world.api.list().await;
            let before = Instant::now();
            asked.answer(status, headers, body).await;
            world.api.list().await;
            assert!(
                range.contains(&before.elapsed().as_millis()),
                "{headers:?} {body} {:?}",
                before.elapsed()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_error_says_is_read_within_limits() {
    // One that never ends, and one that comes at once and is endless.
    let mut world = World::start();
    let mut body = world.api.list().await.begin(500, &[]);
    body.send(r#"{"message":"#).await;
    let before = Instant::now();
    let asked = world.api.list().await;
    assert!(before.elapsed() <= Duration::from_millis(5_502), "{:?}", before.elapsed());
    let mut endless = asked.begin(500, &[]);
    for _ in 0..100 {
        endless.send(&"x".repeat(1 << 10)).await;
    }
    world.api.list().await;
    assert_eq!(world.failures(FailureKind::Server).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_another_kind_is_news() {
    let mut world = World::start();
    for status in [500, 500, 403, 500, 401, 403] {
        world.api.list().await.refuse(status).await;
    }
    let _unanswered = world.api.list().await;
    let kinds: Vec<Option<FailureKind>> = world
        .reports()
        .await
        .into_iter()
        .map(|report| match report {
            Report::Failing { failure, .. } => Some(failure.kind()),
            Report::Forbidden { .. } => Some(FailureKind::Forbidden),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [FailureKind::Server, FailureKind::Forbidden, FailureKind::Unauthorized].map(Some));
    let State::Failing { failure: Failure::Refused(refusal), .. } = world.pulse().await.state else {
        panic!()
    };
    assert_eq!(refusal.status, 403, "health has the last one");
}

#[tokio::test(start_paused = true)]
async fn events_make_waits_short_again() {
    let (mut world, mut watch) = World::synced("10", &[]).await;
    for _ in 0..6 {
        watch.refuse(500).await;
        world.api.check().await.complete("10", &[]).await;
        watch = world.api.watch("10").await;
    }
    let mut watching = watch.accept();
    watching.events(&[crate::fake::bookmark("11")]).await;
    world.idle().await;
    let before = Instant::now();
    watching.cut();
    world.api.check().await;
    assert!(before.elapsed() <= Duration::from_millis(1_001), "{:?}", before.elapsed());
}
