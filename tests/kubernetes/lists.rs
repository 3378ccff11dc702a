//! Full lists, page by page: visible whole or not at all, whatever happens to them.

use crate::fake::{page, slice, slice_in, status_object};
use crate::world::{World, options, plan};
use rosterd::roster::{EventKind, ObjectKind, WatchId};
use rosterd::source::kubernetes::{FailureKind, Report, State};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, advance};

#[tokio::test(start_paused = true)]
async fn a_list_is_read_page_by_page_and_shown_at_its_end() {
    let mut world = World::start();
    let first = world.api.next().await;
    assert_eq!(
        (first.method.as_str(), first.accept.as_str()),
        ("GET", "application/vnd.kubernetes.protobuf, application/json")
    );
    assert_eq!(first.path, "/apis/discovery.k8s.io/v1/endpointslices");
    assert_eq!(first.query.iter().collect::<Vec<_>>(), [(&"limit".to_owned(), &"500".to_owned())]);
    let batches = world.batches().await;
    let [begin] = batches.as_slice() else { panic!("{batches:?}") };
    let [started, named] = begin.as_slice() else { panic!("{begin:?}") };
    assert!(matches!(started.kind, EventKind::Started(..)) && started.watch == WatchId(0));
    assert_eq!(named.kind, EventKind::Named("endpointslices in all namespaces".into()));
    assert_eq!(world.pulse().await.state, State::Listing);

    first.answer(200, &[], &page("70", &[slice("a", 5, "10.0.0.1")], "eyJ2 +/=")).await;
    let second = world.api.next().await;
    assert_eq!(second.query["continue"], "eyJ2 +/=");
    assert_eq!(second.query["limit"], "500");
    assert!(!second.query.contains_key("resourceVersion"));
    let mut body = second.accept();
    let last = page("70", &[slice("b", 9, "10.0.0.2")], "");
    let (head, tail) = last.split_at(last.len() - 20);
    body.send(head).await;
    assert!(world.served().await.is_empty() && !world.is_ready("default").await);
    assert!(!world.pulse().await.synced);
    body.send(tail).await;
    drop(body);

    let watch = world.api.watch("70").await;
    assert_eq!(watch.query["allowWatchBookmarks"], "true");
    let seconds: u64 = watch.query["timeoutSeconds"].parse().unwrap();
    assert!((45..=50).contains(&seconds), "{seconds}");
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.2"]);
    assert!(world.is_ready("default").await);
    let synced = world.events().await.into_iter().find(|event| event.kind == EventKind::Synced);
    assert_eq!(synced.unwrap().revision, Some(70));
    assert_eq!(
        world.reports().await,
        [Report::Synced { watch: "endpointslices in all namespaces".into(), objects: 2 }]
    );
    assert_eq!(world.arrivals().await, [], "a list is no change");

    let _watching = watch.accept();
    let pulse = world.pulse().await;
    assert_eq!((pulse.state, pulse.synced, pulse.revision), (State::Watching, true, Some(70)));
    assert_eq!((pulse.lists, pulse.watches, pulse.events), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn each_watch_asks_for_its_resource_namespace_and_selector() {
    let mut plans = vec![
        plan(ObjectKind::EndpointSlice, Some("a")),
        plan(ObjectKind::Endpoints, Some("a")),
        plan(ObjectKind::Endpoints, None),
        plan(ObjectKind::Pod, Some("b")),
    ];
    plans[3].selector = Some("app in (x, y),!old".into());
    let mut world = World::with(plans, options());
    let mut asked = Vec::new();
    for _ in 0..4 {
        let request = world.api.next().await;
        let selector = request.query.get("labelSelector").cloned().unwrap_or_default();
        asked.push(format!("{} {selector}", request.path));
        // Unanswered for the rest of the test.
        std::mem::forget(request);
    }
    asked.sort();
    assert_eq!(
        asked,
        [
            "/api/v1/endpoints ",
            "/api/v1/namespaces/a/endpoints ",
            "/api/v1/namespaces/b/pods app in (x, y),!old",
            "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices ",
        ]
    );
    let names: Vec<EventKind> = world.events().await.into_iter().map(|event| event.kind).collect();
    for name in [
        "endpointslices in namespace a",
        "endpoints in namespace a",
        "endpoints in all namespaces",
        "pods in namespace b",
    ] {
        assert!(names.contains(&EventKind::Named(name.into())), "{name}");
    }
}

/// What a list can end with instead of its end.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The continue token has expired.
    Expired,
    ServerError,
    /// The connection breaks in the middle of an object.
    Cut,
    /// The body ends as if it were complete, in the middle of an object.
    Half,
    /// Nothing comes any more.
    Stall,
    NoJson,
    /// A `Status` with HTTP status 200.
    NoList,
    Unversioned,
    OtherRevision,
    SamePageAgain,
    ObjectTooLarge,
}

/// Whatever ends a list, first or later: the list begins again, and what was served stays until it is complete.
#[tokio::test(start_paused = true)]
async fn a_list_that_fails_begins_again_and_shows_nothing() {
    for (fault, kind) in [
        (Fault::Expired, FailureKind::Gone),
        (Fault::ServerError, FailureKind::Server),
        (Fault::Cut, FailureKind::Cut),
        (Fault::Half, FailureKind::Cut),
        (Fault::Stall, FailureKind::Timeout),
        (Fault::NoJson, FailureKind::Malformed),
        (Fault::NoList, FailureKind::Malformed),
        (Fault::Unversioned, FailureKind::Malformed),
        (Fault::OtherRevision, FailureKind::Malformed),
        (Fault::SamePageAgain, FailureKind::Malformed),
        (Fault::ObjectTooLarge, FailureKind::TooLarge),
    ] {
        let mut world = World::start();
        for (round, old) in [vec![], vec!["10.0.0.1"]].into_iter().enumerate() {
            let revision = if round == 0 { "10" } else { "20" };
            let first = page(revision, &[slice("b", 2, "10.0.0.2"), slice("c", 3, "10.0.0.3")], "next");
            world.api.list().await.answer(200, &[], &first).await;
            let second = world.api.next().await;
            assert_eq!(second.query["continue"], "next", "{fault:?}");
            let mut held = None;
            let half = first.split_at(first.len() - 30).0;
            match fault {
                Fault::Expired => second.refuse(410).await,
                Fault::ServerError => second.refuse(500).await,
                Fault::Cut => {
                    let mut body = second.accept();
                    body.send(half).await;
                    body.cut();
                }
                Fault::Half => second.answer(200, &[], half).await,
                Fault::Stall => {
                    let mut body = second.accept();
                    body.send(half).await;
                    world.idle().await;
                    advance(Duration::from_secs(29)).await;
                    world.idle().await;
                    assert!(world.api.is_quiet());
                    body.send(" ").await;
                    world.idle().await;
                    advance(Duration::from_secs(29)).await;
                    world.idle().await;
                    assert!(world.api.is_quiet(), "an octet is a sign of life");
                    advance(Duration::from_secs(2)).await;
                    held = Some(body);
                }
                Fault::NoJson => second.answer(200, &[], "<html>sign in</html>").await,
                Fault::NoList => second.answer(200, &[], &status_object(500)).await,
                Fault::Unversioned => second.answer(200, &[], &page("", &[], "")).await,
                Fault::OtherRevision => second.answer(200, &[], &page("999", &[], "")).await,
                Fault::SamePageAgain => second.answer(200, &[], &page(revision, &[], "next")).await,
                Fault::ObjectTooLarge => {
                    let mut body = second.accept();
                    body.send(half).await;
                    body.send(&"x".repeat(9 << 20)).await;
                }
            }
            assert_eq!(world.served().await, old, "{fault:?}");
            let again = world.api.list().await;
            drop(held);
            // The first round ended with a history that was gone.
            let expected = if kind == FailureKind::Gone { 2 * round + 1 } else { round + 1 };
            assert_eq!(world.failures(kind).await, expected as u64, "{fault:?}");
            assert_eq!(world.served().await, old, "{fault:?}");
            again.complete(revision, &[slice("a", 1, "10.0.0.1")]).await;
            // The next round begins where the history has been forgotten.
            let watch = world.api.watch(revision).await;
            assert_eq!(world.served().await, ["10.0.0.1"], "{fault:?}");
            watch.refuse(410).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_asked_for_while_one_is_read() {
    let mut world = World::start();
    let first = page("10", &[slice("a", 1, "10.0.0.1"), slice("b", 2, "10.0.0.2")], "next");
    let (head, tail) = first.split_at(first.len() - 30);
    let mut body = world.api.list().await.accept();
    body.send(head).await;
    let second = world.api.next().await;
    assert_eq!(second.query["continue"], "next");
    // Answered before the first one is complete, and asked for once.
    second.answer(200, &[], &page("10", &[slice("c", 3, "10.0.0.3")], "")).await;
    world.idle().await;
    assert!(world.api.is_quiet());
    body.send(tail).await;
    drop(body);
    world.api.watch("10").await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_list_is_a_difference_and_takes_away_what_is_gone() {
    let before = [slice("a", 1, "10.0.0.1"), slice("b", 2, "10.0.0.2"), slice("c", 3, "10.0.0.3")];
    let (mut world, watch) = World::synced("10", &before).await;
    watch.refuse(410).await;
    let after = [slice("a", 1, "10.0.0.1"), slice("c", 12, "10.0.0.9"), slice("d", 13, "10.0.0.4")];
    world.api.list().await.complete("20", &after).await;
    world.api.watch("20").await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.4", "10.0.0.9"]);
    let lengths: Vec<usize> =
        world.states().iter().map(|state| state.get("web.default").map_or(0, BTreeSet::len)).collect();
    assert_eq!(lengths, [0, 3, 3], "nothing between the two lists was visible");
}

#[tokio::test(start_paused = true)]
async fn a_list_may_tell_its_revision_at_its_end() {
    let mut world = World::start();
    let body = format!(
        r#"{{"items":[{}],"kind":"EndpointSliceList","metadata":{{"resourceVersion":"70"}}}}"#,
        slice("a", 5, "10.0.0.1")
    );
    world.api.list().await.answer(200, &[], &body).await;
    world.api.watch("70").await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
}

#[tokio::test(start_paused = true)]
async fn the_head_of_an_answer_is_awaited_for_thirty_seconds() {
    let mut world = World::start();
    let asked = world.api.list().await;
    advance(Duration::from_secs(29)).await;
    world.idle().await;
    assert!(!asked.is_given_up());
    advance(Duration::from_secs(2)).await;
    world.idle().await;
    assert!(asked.is_given_up());
    assert_eq!(world.failures(FailureKind::Timeout).await, 1);
    world.api.list().await.complete("5", &[]).await;
    world.api.watch("5").await;
}

#[tokio::test(start_paused = true)]
async fn a_list_without_end_is_given_up() {
    for drips in [true, false] {
        let mut world = World::start();
        let begun = Instant::now();
        if drips {
            let mut body = world.api.list().await.accept();
            while world.failures(FailureKind::Timeout).await == 0 {
                assert!(begun.elapsed() < Duration::from_secs(900));
                body.send(" ").await;
                advance(Duration::from_secs(20)).await;
            }
        } else {
            // Pages that lead to each other.
            world.api.list().await.answer(200, &[], &page("7", &[], "a")).await;
            for token in ["b", "a"].into_iter().cycle() {
                let asked = world.api.next().await;
                if !asked.query.contains_key("continue") {
                    asked.complete("8", &[slice("a", 1, "10.0.0.1")]).await;
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(900));
                asked.answer(200, &[], &page("7", &[], token)).await;
                advance(Duration::from_secs(20)).await;
            }
            assert_eq!(world.served().await, ["10.0.0.1"]);
        }
        assert!(begun.elapsed() >= Duration::from_secs(600));
        assert_eq!(world.failures(FailureKind::Timeout).await, 1);
        let told: Vec<String> = world.reports().await.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("brings no end of the list for 600 s"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_larger_than_the_queue_arrive_whole() {
    let objects: Vec<String> = (0..2_000_u32)
        .map(|number| slice(&format!("s{number}"), 5, &format!("10.1.{}.{}", number / 250, number % 250)))
        .collect();
    let (world, _watch) = World::synced("70", &objects).await;
    assert_eq!(world.served().await.len(), 2_000);
    let states: Vec<usize> =
        world.states().iter().map(|state| state.values().map(BTreeSet::len).sum()).collect();
    assert_eq!(states, [0, 2_000]);
}

#[tokio::test(start_paused = true)]
async fn the_lists_of_several_watches_do_not_wait_for_each_other() {
    let plans = ["a", "b"].map(|namespace| plan(ObjectKind::EndpointSlice, Some(namespace)));
    let mut world = World::with(plans.to_vec(), options());
    let (first, second) = (world.api.next().await, world.api.next().await);
    let (a, b) = if first.path.contains("/a/") { (first, second) } else { (second, first) };
    b.complete("7", &[slice_in("b", "x", 5, "10.0.0.2")]).await;
    assert_eq!(world.served_in("b").await, ["10.0.0.2"]);
    assert!(world.is_ready("b").await && !world.is_ready("a").await);
    a.complete("9", &[slice_in("a", "x", 6, "10.0.0.1")]).await;
    assert_eq!(world.served_in("a").await, ["10.0.0.1"]);
    assert!(world.is_ready("a").await);
}
