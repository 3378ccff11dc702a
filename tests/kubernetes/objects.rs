//! Objects that do not parse, beside others that do.

use crate::fake::{event, slice};
use crate::world::World;
use rosterd::roster::EventKind;
use rosterd::source::kubernetes::{FailureKind, Report};

/// A slice whose endpoints are no list.
fn broken(name: &str, revision: u64) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"default","resourceVersion":"{revision}","labels":{{"kubernetes.io/service-name":"web"}}}},"addressType":"IPv4","endpoints":"all of them"}}"#
    )
}

const NAMELESS: &str = r#"{"metadata":{"resourceVersion":"14"},"addressType":"IPv4","endpoints":[]}"#;

async fn told_broken(world: &World) -> usize {
    world.reports().await.iter().filter(|report| matches!(report, Report::Broken { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_parse_keeps_its_last_good_version() {
    let (mut world, watch) =
        World::synced("10", &[slice("a", 1, "10.0.0.1"), slice("b", 2, "10.0.0.2")]).await;
    world.reports().await;
    let mut watching = watch.accept();
    watching
        .events(&[event("MODIFIED", &broken("a", 11)), event("MODIFIED", &slice("b", 12, "10.0.0.3"))])
        .await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.3"]);
    assert!(world.refused().await.is_empty());
    let lines = world.lines().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("EndpointSlice default/a: does not parse ("), "{lines:?}");
    assert_eq!(world.pulse().await.broken_objects, 1);
    assert_eq!(world.arrivals().await.len(), 1, "that of b");

    // Again the same, in a list too: nothing new to tell. A new version is.
    watching.events(&[event("MODIFIED", &broken("a", 13)), event("ERROR", r#"{"code":410}"#)]).await;
    assert_eq!(told_broken(&world).await, 1);
    world.api.list().await.complete("20", &[broken("a", 13), slice("b", 12, "10.0.0.3")]).await;
    let watch = world.api.watch("20").await;
    assert_eq!(told_broken(&world).await, 0);
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.3"]);
    assert_eq!(world.pulse().await.broken_objects, 3);

    let mut watching = watch.accept();
    watching.events(&[event("MODIFIED", &slice("a", 21, "10.0.0.9"))]).await;
    assert_eq!(world.served().await, ["10.0.0.3", "10.0.0.9"]);
    assert_eq!(world.lines().await, ["EndpointSlice default/a: parses again"]);
    assert_eq!(world.failures(FailureKind::Malformed).await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_parsed_refuses_its_set_and_fails_no_list() {
    let (world, watch) = World::synced("10", &[broken("a", 1), slice("b", 2, "10.0.0.2")]).await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
    assert!(world.refused().await.contains("web.default"));
    assert_eq!(told_broken(&world).await, 1);
    let events = world.events().await;
    let broken = events.iter().find(|event| matches!(event.kind, EventKind::Broken(_))).unwrap();
    assert_eq!(broken.revision, Some(1));

    let mut watching = watch.accept();
    watching.events(&[event("DELETED", &self::broken("a", 11))]).await;
    assert!(world.refused().await.is_empty());
    assert_eq!(world.lines().await, Vec::<String>::new());
    watching.events(&[event("ADDED", &self::broken("a", 12))]).await;
    assert_eq!(told_broken(&world).await, 1, "it is another one");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_gone_is_another_one_when_it_is_back() {
    let mut world = World::start();
    for (round, objects, told) in [(0, vec![broken("a", 1)], 1), (1, vec![], 0), (2, vec![broken("a", 1)], 1)]
    {
        let revision = (10 + round).to_string();
        world.api.list().await.complete(&revision, &objects).await;
        let watch = world.api.watch(&revision).await;
        assert_eq!(told_broken(&world).await, told, "round {round}");
        watch.refuse(410).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_ten_thousand_broken_objects_some_are_named() {
    let objects: Vec<String> = (0..10_000).map(|number| broken(&format!("s{number}"), 5)).collect();
    let (world, _watch) = World::synced("10", &objects).await;
    assert_eq!(world.pulse().await.broken_objects, 10_000);
    let reports = world.reports().await;
    assert!(reports.len() < 50, "{}", reports.len());
    assert!(reports.iter().any(|report| matches!(report, Report::MoreBroken { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_list_with_an_object_that_nobody_can_name_is_no_list() {
    let (mut world, watch) =
        World::synced("10", &[slice("a", 1, "10.0.0.1"), slice("b", 2, "10.0.0.2")]).await;
    let mut watching = watch.accept();
    watching.events(&[event("ADDED", NAMELESS), event("DELETED", &slice("b", 16, "10.0.0.2"))]).await;
    // It may be either of the two, so that neither is gone until a list says so.
    for _ in 0..3 {
        world.api.list().await.complete("20", &[NAMELESS.to_owned(), slice("b", 2, "10.0.0.2")]).await;
        assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.2"]);
    }
    assert_eq!(world.pulse().await.nameless_objects, 4);
    assert_eq!(world.failures(FailureKind::Malformed).await, 4);
    let told = |report: &&Report| report.to_string().contains("whose name cannot be read");
    assert_eq!(world.reports().await.iter().filter(told).count(), 1);

    world.api.list().await.complete("21", &[slice("b", 2, "10.0.0.2")]).await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
}
