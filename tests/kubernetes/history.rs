//! Clusters that go back in time: API servers that lag behind, and clusters restored from a backup.

use crate::fake::{Asked, page, slice};
use crate::world::World;
use rosterd::source::kubernetes::{FailureKind, Report};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, advance};

/// A watch that was up to revision 1000 and has been told that it is gone.
async fn listing_again() -> (World, Asked) {
    let (mut world, watch) = World::synced("1000", &[slice("a", 990, "10.0.0.1")]).await;
    watch.refuse(410).await;
    world.reports().await;
    let list = world.api.list().await;
    (world, list)
}

#[tokio::test(start_paused = true)]
async fn an_older_list_is_put_aside_until_a_second_one_confirms_it() {
    let (mut world, list) = listing_again().await;
    let before = Instant::now();
    list.complete("500", &[slice("b", 400, "10.0.0.2")]).await;
    let second = world.api.list().await;
    assert!(before.elapsed() >= Duration::from_millis(250), "not at once");
    assert_eq!(world.served().await, ["10.0.0.1"]);
    assert_eq!(world.failures(FailureKind::TimeTravel).await, 1);
    let lines = world.lines().await;
    assert_eq!(
        lines,
        [
            "endpointslices in all namespaces: the API server offers revision 500, older than 1000, which is known; trying again"
        ]
    );
    second.complete("510", &[slice("b", 505, "10.0.0.2")]).await;
    let _watch = world.api.watch("510").await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
    let reports = world.reports().await;
    assert!(matches!(reports[..], [Report::WentBack { from: 1000, to: 510, .. }]), "{reports:?}");
    assert_eq!(world.pulse().await.revision, Some(510));
}

#[tokio::test(start_paused = true)]
async fn an_older_list_of_a_server_that_lagged_is_never_shown() {
    let (mut world, list) = listing_again().await;
    list.complete("500", &[slice("b", 400, "10.0.0.2")]).await;
    world.api.list().await.complete("1000", &[slice("a", 990, "10.0.0.1")]).await;
    world.api.watch("1000").await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    let seen = world.states();
    assert!(seen.iter().all(|state| state.values().all(|web| !web.contains("10.0.0.2"))), "{seen:?}");
    assert!(!world.reports().await.iter().any(|report| matches!(report, Report::WentBack { .. })));
}

#[tokio::test(start_paused = true)]
async fn two_servers_that_lag_confirm_nothing_while_the_second_is_older() {
    let (mut world, list) = listing_again().await;
    list.complete("500", &[]).await;
    world.api.list().await.complete("400", &[]).await;
    world.api.list().await.complete("399", &[]).await;
    let fourth = world.api.list().await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    fourth.complete("399", &[]).await;
    world.api.watch("399").await;
    assert!(world.served().await.is_empty());
    assert_eq!(world.failures(FailureKind::TimeTravel).await, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_aside_need_not_be_read() {
    let (mut world, list) = listing_again().await;
    let mut body = list.accept();
    let text = page("500", &[slice("b", 400, "10.0.0.2")], "");
    body.send(text.split_at(160).0).await;
    // The revision stands before the items: no time is spent on them, nor on one that never end.
    let second = world.api.list().await;
    assert_eq!(world.failures(FailureKind::TimeTravel).await, 1);
    drop((body, second));
}

#[tokio::test(start_paused = true)]
async fn revisions_that_are_no_numbers_are_compared_with_nothing() {
    for (known, offered) in [("1000", "abc"), ("abc", "500"), ("abc", "abd")] {
        let (mut world, watch) = World::synced(known, &[slice("a", 1, "10.0.0.1")]).await;
        watch.refuse(410).await;
        world.api.list().await.complete(offered, &[slice("b", 1, "10.0.0.2")]).await;
        world.api.watch(offered).await;
        assert_eq!(world.served().await, ["10.0.0.2"]);
        assert_eq!(world.failures(FailureKind::TimeTravel).await, 0);
        assert_eq!(world.pulse().await.revision, offered.parse().ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_numbers_is_resumed_unchecked() {
    let (mut world, watch) = World::synced("abc", &[]).await;
    watch.fail(io::Error::from(io::ErrorKind::ConnectionRefused));
    world.api.watch("abc").await;
}

/// A restored API server accepts a watch from a revision that it has yet to reach, and says nothing: it has to be asked.
#[tokio::test(start_paused = true)]
async fn a_restored_cluster_is_noticed_before_the_watch_is_resumed() {
    let (mut world, watch) = World::synced("1000", &[slice("a", 990, "10.0.0.1")]).await;
    let watching = watch.accept();
    world.idle().await;
    advance(Duration::from_secs(10)).await;
    watching.cut();
    for _ in 0..3 {
        world.api.check().await.fail(io::Error::from(io::ErrorKind::ConnectionRefused));
    }
    let restored = [slice("b", 400, "10.0.0.2")];
    world.api.check().await.complete("500", &restored).await;
    let list = world.api.list().await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    list.complete("501", &restored).await;
    world.api.watch("501").await;
    assert_eq!(world.served().await, ["10.0.0.2"], "the check was the first sighting, the list the second");
}

#[tokio::test(start_paused = true)]
async fn a_check_ends_with_the_revision() {
    let (mut world, watch) = World::synced("1000", &[]).await;
    watch.refuse(500).await;
    let mut body = world.api.check().await.accept();
    body.send(page("1001", &[slice("b", 400, "10.0.0.2")], "more").split_at(160).0).await;
    world.api.watch("1000").await;

    // A body without end or revision is a failure like any other.
    for (body, kind) in [
        (page("", &[], ""), FailureKind::Malformed),
        ("{".to_owned(), FailureKind::Cut),
        ("[]".to_owned(), FailureKind::Malformed),
    ] {
        let (mut world, watch) = World::synced("1000", &[]).await;
        watch.refuse(500).await;
        world.api.check().await.answer(200, &[], &body).await;
        let next = world.api.next().await;
        assert!(next.is_list());
        assert_eq!(world.failures(kind).await, 1, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_was_out_of_touch_for_long_is_listed_again() {
    let (mut world, watch) = World::synced("1000", &[slice("a", 990, "10.0.0.1")]).await;
    drop(watch);
    let begun = Instant::now();
    let list = loop {
        let asked = world.api.next().await;
        if asked.query["limit"] == "500" {
            break asked;
        }
        asked.fail(io::Error::from(io::ErrorKind::ConnectionRefused));
    };
    assert!((300..=331).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    list.complete("2000", &[slice("c", 1500, "10.0.0.3")]).await;
    world.api.watch("2000").await;
    assert_eq!(world.served().await, ["10.0.0.3"], "what was deleted meanwhile is gone");
}
