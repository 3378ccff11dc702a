//! When what is served counts as stale, and when it does no more.

use crate::fake::{bookmark, slice};
use crate::world::{STALE_AFTER, World, options, slices};
use rosterd::roster::EventKind;
use rosterd::source::kubernetes::Options;
use std::time::Duration;
use tokio::time::{Instant, advance};

async fn unreachable(world: &World) -> usize {
    world.count(|kind| *kind == EventKind::Unreachable).await
}

async fn reachable(world: &World) -> usize {
    world.count(|kind| *kind == EventKind::Reachable).await
}

#[tokio::test(start_paused = true)]
async fn data_is_stale_once_the_api_has_been_silent_for_long() {
    for status in [403, 500] {
        let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
        drop(watch);
        let mut told = None;
        let begun = Instant::now();
        while begun.elapsed() < 2 * STALE_AFTER {
            world.api.check().await.refuse(status).await;
            if told.is_none() && world.is_stale().await {
                told = Some(begun.elapsed());
            }
        }
        // It is told at its time, and met here at the next attempt.
        let range = STALE_AFTER..=STALE_AFTER + Duration::from_secs(31);
        assert!(range.contains(&told.unwrap()), "{told:?}");
        assert_eq!((unreachable(&world).await, reachable(&world).await), (1, 0), "said once");
        let pulse = world.pulse().await;
        assert!(pulse.unreachable && pulse.synced);
        assert!(Instant::now().into_std() - pulse.last_contact.unwrap() >= 2 * STALE_AFTER);
        assert_eq!(world.served().await, ["10.0.0.1"], "and served all the same");

        // A list that the API server answers is no watch yet.
        world.api.check().await.complete("10", &[]).await;
        let watch = world.api.watch("10").await;
        assert!(world.is_stale().await);
        let _watching = watch.accept();
        assert!(!world.is_stale().await);
        assert_eq!((unreachable(&world).await, reachable(&world).await), (1, 1));
        assert!(!world.pulse().await.unreachable);
    }
}

#[tokio::test(start_paused = true)]
async fn staleness_is_told_at_its_time() {
    let (world, watch) = World::synced("10", &[]).await;
    // No answer, no failure: nothing happens at all.
    advance(STALE_AFTER.mul_f64(0.999)).await;
    assert!(!world.is_stale().await);
    advance(STALE_AFTER.mul_f64(0.001)).await;
    assert!(world.is_stale().await);
    drop(watch);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_stale_before_the_first_list() {
    let mut world = World::start();
    let begun = Instant::now();
    while begun.elapsed() < 3 * STALE_AFTER {
        world.api.list().await.refuse(500).await;
    }
    assert_eq!(unreachable(&world).await, 0);
    assert!(!world.pulse().await.unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_cluster_is_not_stale_however_soon_data_counts_as_such() {
    for stale_after in [0, 10, 25, 60, 3_600] {
        let options = Options { stale_after: Duration::from_secs(stale_after), ..options() };
        let mut world = World::with(vec![slices()], options);
        world.api.list().await.complete("10", &[]).await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(400) {
            let watch = world.api.watch("10").await;
            let seconds: u64 = watch.query["timeoutSeconds"].parse().unwrap();
            assert!(seconds <= 50 && (seconds >= 45 || stale_after < 60), "{seconds}");
            let watching = watch.accept();
            world.idle().await;
            advance(Duration::from_secs(seconds)).await;
            drop(watching);
        }
        assert_eq!(unreachable(&world).await, 0, "{stale_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_word_of_the_api_puts_staleness_off() {
    let (world, watch) = World::synced("10", &[]).await;
    let mut watching = watch.accept();
    world.idle().await;
    for revision in 11..20 {
        advance(Duration::from_secs(50)).await;
        watching.events(&[bookmark(&revision.to_string())]).await;
        assert!(!world.is_stale().await);
    }
    assert_eq!(unreachable(&world).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_end_is_no_sign_of_current_data() {
    let (mut world, watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    watch.refuse(410).await;
    let mut body = world.api.list().await.accept();
    let begun = Instant::now();
    let list = crate::fake::page("20", &[slice("a", 15, "10.0.0.2")], "");
    let (head, tail) = list.split_at(list.len() - 10);
    body.send(head).await;
    while begun.elapsed() < STALE_AFTER {
        body.send(" ").await;
        assert!(!world.is_stale().await);
        advance(Duration::from_secs(20)).await;
    }
    assert!(world.is_stale().await);
    assert_eq!(world.served().await, ["10.0.0.1"]);
    body.send(tail).await;
    drop(body);
    assert!(!world.is_stale().await, "its end is");
    assert_eq!(world.served().await, ["10.0.0.2"]);
}
