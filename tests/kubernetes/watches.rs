//! Watches: what they tell, how they end, and where they go on.

use crate::fake::{bookmark, event, slice, status_object};
use crate::world::World;
use rosterd::roster::EventKind;
use rosterd::source::kubernetes::{FailureKind, State};
use std::time::Duration;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn events_are_visible_as_they_come() {
    let (world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    for (line, served) in [
        (event("ADDED", &slice("b", 11, "10.0.0.2")), vec!["10.0.0.1", "10.0.0.2"]),
        (event("MODIFIED", &slice("b", 12, "10.0.0.3")), vec!["10.0.0.1", "10.0.0.3"]),
        (event("DELETED", &slice("a", 13, "10.0.0.1")), vec!["10.0.0.3"]),
        (bookmark("40"), vec!["10.0.0.3"]),
        (event("DELETED", &slice("unknown", 41, "10.0.0.1")), vec!["10.0.0.3"]),
    ] {
        watching.events(&[line]).await;
        assert_eq!(world.served().await, served);
    }
    let revisions: Vec<_> = world.events().await.iter().rev().take(4).map(|event| event.revision).collect();
    assert_eq!(revisions, [Some(41), Some(13), Some(12), Some(11)]);
    let pulse = world.pulse().await;
    assert_eq!((pulse.events, pulse.revision, pulse.state), (4, Some(41), State::Watching));
}

#[tokio::test(start_paused = true)]
async fn changes_tell_when_they_arrived_and_when_they_were_triggered() {
    let (world, watch) = World::synced("10", &[]).await;
    let mut watching = watch.accept();
    advance(Duration::from_secs(3)).await;
    let now = Instant::now().into_std();
    let triggered = slice("a", 11, "10.0.0.1").replacen(
        r#""metadata":{"#,
        r#""metadata":{"annotations":{"endpoints.kubernetes.io/last-change-trigger-time":"2026-01-02T03:04:05Z"},"#,
        1,
    );
    let lines = [
        event("ADDED", &triggered),
        event("MODIFIED", &slice("a", 12, "10.0.0.2")),
        bookmark("13"),
        event("DELETED", &slice("a", 14, "10.0.0.2")),
    ];
    watching.events(&lines).await;
    let arrivals = world.arrivals().await;
    let unix = |arrival: &rosterd::source::kubernetes::Arrival| {
        arrival.triggered.map(|time| time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs())
    };
    assert_eq!(arrivals.iter().map(unix).collect::<Vec<_>>(), [Some(1_767_323_045), None, None]);
    assert!(arrivals.iter().all(|arrival| arrival.at >= now && arrival.at <= Instant::now().into_std()));
}

#[tokio::test(start_paused = true)]
async fn what_has_come_together_is_one_batch() {
    let (world, watch) = World::synced("10", &[]).await;
    let before = world.batches().await.len();
    let mut watching = watch.accept();
    let lines: Vec<String> = (1..=100)
        .map(|number| event("ADDED", &slice(&format!("s{number}"), 10 + number, "10.0.0.1")))
        .collect();
    watching.events(&lines).await;
    let batches = world.batches().await;
    assert_eq!(batches.len(), before + 1);
    assert_eq!(batches.last().map(Vec::len), Some(100));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_in_time_goes_on_where_it_was() {
    let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    watching.events(&[event("ADDED", &slice("b", 11, "10.0.0.2"))]).await;
    world.idle().await;
    advance(Duration::from_secs(45)).await;
    let ended = Instant::now();
    drop(watching);
    let watch = world.api.watch("11").await;
    assert!(ended.elapsed() < Duration::from_millis(1), "at once");
    let mut watching = watch.accept();
    watching.events(&[bookmark("300")]).await;
    world.idle().await;
    advance(Duration::from_secs(45)).await;
    drop(watching);
    let mut watching = world.api.watch("300").await.accept();
    watching.events(&[event("DELETED", &slice("a", 301, "10.0.0.1"))]).await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
    assert_eq!(world.pulse().await.lists, 1);
    assert!(world.pulse().await.failures.is_empty());
    assert_eq!(world.reports().await.len(), 1, "the first list alone");
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_are_asked_for_ever_less_often() {
    let (mut world, mut watch) = World::synced("10", &[]).await;
    let mut waits = Vec::new();
    for _ in 0..12 {
        let ended = Instant::now();
        drop(watch.accept());
        watch = world.api.watch("10").await;
        waits.push(ended.elapsed());
    }
    assert!(waits[0] <= Duration::from_millis(501), "{waits:?}");
    assert!(waits[8..].iter().all(|wait| (15_000..=30_001).contains(&wait.as_millis())), "{waits:?}");
    assert_eq!(world.failures(FailureKind::Ended).await, 12);

    // One that holds ends that.
    let watching = watch.accept();
    world.idle().await;
    advance(Duration::from_secs(6)).await;
    assert_eq!(world.pulse().await.state, State::Watching);
    drop(watching);
    let ended = Instant::now();
    drop(world.api.watch("10").await.accept());
    world.api.watch("10").await;
    assert!(ended.elapsed() <= Duration::from_millis(501));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_found_within_a_minute() {
    let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    world.idle().await;
    advance(Duration::from_secs(30)).await;
    watching.events(&[bookmark("20")]).await;
    world.idle().await;
    let heard = Instant::now();
    // It keeps the connection and says nothing more.
    let check = world.api.check().await;
    let silence = heard.elapsed();
    assert!((54_000..=61_000).contains(&silence.as_millis()), "{silence:?}");
    assert_eq!(world.failures(FailureKind::Timeout).await, 1);
    check.complete("25", &[]).await;
    world.api.watch("20").await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    drop(watching);
}

#[tokio::test(start_paused = true)]
async fn octets_without_an_event_are_silence() {
    let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    let begun = Instant::now();
    while world.api.is_quiet() {
        watching.send(" ").await;
        advance(Duration::from_secs(1)).await;
        world.idle().await;
        assert!(begun.elapsed() < Duration::from_secs(65));
    }
    world.api.check().await.complete("10", &[]).await;
    world.api.watch("10").await;
    assert_eq!(world.failures(FailureKind::Timeout).await, 1);
    assert_eq!(world.served().await, ["10.0.0.1"]);
}

#[tokio::test(start_paused = true)]
async fn half_an_event_is_no_event() {
    for cut in [true, false] {
        let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
        let mut watching = watch.accept();
        world.idle().await;
        advance(Duration::from_secs(10)).await;
        let line = event("MODIFIED", &slice("a", 12, "10.0.0.3"));
        watching.events(&[event("MODIFIED", &slice("a", 11, "10.0.0.2"))]).await;
        watching.send(line.split_at(line.len() - 40).0).await;
        world.idle().await;
        if cut {
            watching.cut();
            world.api.check().await.complete("15", &[]).await;
        } else {
            drop(watching);
        }
        let mut watching = world.api.watch("11").await.accept();
        assert_eq!(world.served().await, ["10.0.0.2"]);
        watching.events(&[line]).await;
        assert_eq!(world.served().await, ["10.0.0.3"]);
        assert_eq!(world.pulse().await.lists, 1);
        assert_eq!(world.failures(FailureKind::Cut).await, u64::from(cut));
        assert_eq!(world.reports().await.len(), 1, "one broken connection is no news");
    }
}

/// How a history can be gone.
#[derive(Debug, Clone, Copy)]
enum Gone {
    OnConnect,
    InStream,
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_gone_is_listed_again() {
    for gone in [Gone::OnConnect, Gone::InStream] {
        let (mut world, mut watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
        let mut waits = Vec::new();
        for round in 0..10 {
            let before = Instant::now();
            match gone {
                Gone::OnConnect => watch.refuse(410).await,
                Gone::InStream => watch.accept().events(&[event("ERROR", &status_object(410))]).await,
            }
            let list = world.api.list().await;
            waits.push(before.elapsed());
            assert_eq!(world.served().await, ["10.0.0.1"], "{gone:?}");
            let revision = (20 + round).to_string();
            list.complete(&revision, &[slice("a", 1, "10.0.0.1")]).await;
            watch = world.api.watch(&revision).await;
        }
        assert!(waits[0] < Duration::from_millis(1), "once is ordinary: {gone:?} {waits:?}");
        assert!((250..=1_001).contains(&waits[1].as_millis()), "{gone:?} {waits:?}");
        assert!((15_000..=30_001).contains(&waits[9].as_millis()), "{gone:?} {waits:?}");
        assert_eq!(world.failures(FailureKind::Gone).await, 10);
        let lines = world.lines().await;
        let told: Vec<_> =
            lines.iter().filter(|line| line.contains("has forgotten the revision (410")).collect();
        assert_eq!(told.len(), 1, "{lines:?}");

        // A watch that holds makes the next one ordinary again.
        let watching = watch.accept();
        world.idle().await;
        advance(Duration::from_secs(10)).await;
        world.idle().await;
        let before = Instant::now();
        let mut watching = watching;
        watching.events(&[event("ERROR", &status_object(410))]).await;
        world.api.list().await;
        assert!(before.elapsed() < Duration::from_millis(1), "{gone:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_watch_is_resumed_and_the_second_in_a_row_listed() {
    let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    let lines = [
        event("ADDED", &slice("b", 11, "10.0.0.2")),
        event("ERROR", &status_object(500)),
        event("DELETED", &slice("b", 12, "10.0.0.2")),
    ];
    watching.events(&lines).await;
    world.api.check().await.complete("12", &[]).await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.2"], "nothing counts behind an error");
    let mut watching = world.api.watch("11").await.accept();
    watching.events(&[event("ERROR", &status_object(500))]).await;
    world.api.list().await.complete("12", &[slice("a", 1, "10.0.0.1")]).await;
    world.api.watch("12").await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    assert_eq!(world.failures(FailureKind::Server).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_ends_the_watch_and_is_listed_again() {
    let older = event("MODIFIED", &slice("a", 9, "10.0.0.9"));
    let half = event("ADDED", &slice("b", 12, "10.0.0.2"));
    for (line, kind) in [
        ("this is no JSON", FailureKind::Malformed),
        (half.split_at(120).0, FailureKind::Malformed),
        (r#"{"type":"ADDED"}"#, FailureKind::Malformed),
        (&*older, FailureKind::TimeTravel),
        (&*bookmark("7"), FailureKind::TimeTravel),
        (&*event("DELETED", &slice("a", 7, "10.0.0.1")), FailureKind::TimeTravel),
        (&*"x".repeat(9 << 20), FailureKind::TooLarge),
    ] {
        let (mut world, watch) = World::synced("10", &[slice("a", 10, "10.0.0.1")]).await;
        let mut watching = watch.accept();
        watching.events(&[line.to_owned(), event("DELETED", &slice("a", 13, "10.0.0.1"))]).await;
        let list = world.api.list().await;
        let start = line.split_at(line.len().min(40)).0;
        assert_eq!(world.served().await, ["10.0.0.1"], "{start}");
        assert_eq!(world.failures(kind).await, 1, "{start}");
        list.complete("13", &[]).await;
        world.api.watch("13").await;
        assert!(world.served().await.is_empty(), "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_unknown_types_are_counted_and_ignored() {
    let (world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    let mut watching = watch.accept();
    let lines =
        [event("RENAMED", &slice("a", 11, "10.0.0.9")), event("MODIFIED", &slice("a", 12, "10.0.0.2"))];
    watching.events(&lines).await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
    assert_eq!(world.pulse().await.unknown_events, 1);
    assert_eq!(world.count(|kind| matches!(kind, EventKind::Apply(_))).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_told_twice_is_harmless() {
    let (world, watch) = World::synced("10", &[]).await;
    let mut watching = watch.accept();
    let line = event("ADDED", &slice("a", 11, "10.0.0.1"));
    watching.events(&[line.clone(), line, bookmark("11")]).await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    assert!(world.pulse().await.failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_once_nobody_listens() {
    let (mut world, watch) = World::synced("10", &[]).await;
    let mut watching = watch.accept();
    world.stop_with_next_batch();
    watching.events(&[event("ADDED", &slice("a", 11, "10.0.0.1"))]).await;
    world.ended().await;
    drop(watching);
    assert!(world.api.is_over().await);
}
