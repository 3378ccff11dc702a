//! Lists as streams, and servers that have none.

use crate::fake::{Asked, bookmark, event, list_end, slice, status_object};
use crate::world::{World, options, slices};
use rosterd::source::kubernetes::{FailureKind, Options, Report};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, advance};

fn start() -> World {
    World::with(vec![slices()], Options { streaming_lists: true, ..options() })
}

async fn streamed_list(world: &mut World) -> Asked {
    let asked = world.api.next().await;
    assert_eq!(asked.query["sendInitialEvents"], "true", "{asked:?}");
    asked
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_is_shown_when_its_end_is_said() {
    let mut world = start();
    let asked = streamed_list(&mut world).await;
    let expected = [
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", ""),
        ("resourceVersionMatch", "NotOlderThan"),
        ("sendInitialEvents", "true"),
        ("watch", "1"),
    ];
    for (key, value) in expected {
        assert_eq!(asked.query[key], value, "{key}");
    }
    let mut list = asked.accept();
    let lines = [
        event("ADDED", &slice("a", 9, "10.0.0.1")),
        event("ADDED", &slice("b", 5, "10.0.0.2")),
        event("ADDED", &slice("c", 7, "10.0.0.3")),
        event("MODIFIED", &slice("b", 11, "10.0.0.9")),
        event("DELETED", &slice("c", 12, "10.0.0.3")),
        event("RENAMED", &slice("a", 12, "10.0.0.3")),
        bookmark("12"),
    ];
    list.events(&lines).await;
    assert!(world.served().await.is_empty() && !world.is_ready("default").await);
    list.events(&[list_end("13"), event("ADDED", &slice("d", 14, "10.0.0.4"))]).await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.9"]);
    assert!(world.is_ready("default").await);
    assert_eq!(world.arrivals().await, []);
    assert_eq!(world.pulse().await.unknown_events, 1);

    let mut watching = world.api.watch("13").await.accept();
    watching.events(&[event("ADDED", &slice("d", 14, "10.0.0.4"))]).await;
    assert_eq!(world.served().await, ["10.0.0.1", "10.0.0.4", "10.0.0.9"]);
    assert_eq!(world.arrivals().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn servers_that_refuse_streams_are_read_page_by_page() {
    for status in [400, 404, 405, 406, 415, 422, 501] {
        for in_stream in [false, true] {
            let mut world = start();
            let asked = streamed_list(&mut world).await;
            let before = Instant::now();
            if in_stream {
                asked.accept().events(&[event("ERROR", &status_object(status))]).await;
            } else {
                asked.refuse(status).await;
            }
            world.api.list().await.complete("10", &[slice("a", 1, "10.0.0.1")]).await;
            assert!(before.elapsed() < Duration::from_millis(1), "at once");
            world.api.watch("10").await.refuse(410).await;
            assert_eq!(world.served().await, ["10.0.0.1"]);
            world.api.list().await.complete("12", &[]).await;
            world.api.watch("12").await;
            let told = |report: &Report| matches!(report, Report::Paged { .. });
            assert_eq!(world.reports().await.iter().filter(|report| told(report)).count(), 1, "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_failures_try_the_stream_again() {
    for status in [401, 403, 410, 429, 503] {
        for in_stream in [false, true] {
            let mut world = start();
            for _ in 0..4 {
                let asked = streamed_list(&mut world).await;
                if in_stream {
                    let mut list = asked.accept();
                    list.events(&[
                        event("ADDED", &slice("a", 1, "10.0.0.1")),
                        event("ERROR", &status_object(status)),
                    ])
                    .await;
                } else {
                    asked.refuse(status).await;
                }
                assert!(world.served().await.is_empty());
            }
            let mut list = streamed_list(&mut world).await.accept();
            list.events(&[event("ADDED", &slice("b", 2, "10.0.0.2")), list_end("13")]).await;
            world.api.watch("13").await;
            assert_eq!(world.served().await, ["10.0.0.2"], "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_on_every_stream_is_read_page_by_page() {
    // Kubernetes 1.36 on an etcd that cannot tell its progress: status 500, in the stream.
    for in_stream in [false, true] {
        let fail = async |asked: Asked| {
            if in_stream {
                asked.accept().events(&[event("ERROR", &status_object(500))]).await;
            } else {
                asked.refuse(500).await;
            }
        };
        let mut world = start();
        fail(streamed_list(&mut world).await).await;
        // Connections that fail say nothing of streams, and a list that comes shows that the server has them.
        for _ in 0..4 {
            streamed_list(&mut world).await.fail(io::Error::from(io::ErrorKind::ConnectionRefused));
        }
        let mut list = streamed_list(&mut world).await.accept();
        list.events(&[event("ADDED", &slice("a", 1, "10.0.0.1")), list_end("10")]).await;
        world.api.watch("10").await.refuse(410).await;
        assert_eq!(world.served().await, ["10.0.0.1"]);

        for _ in 0..2 {
            fail(streamed_list(&mut world).await).await;
        }
        world.api.list().await.complete("12", &[slice("a", 2, "10.0.0.2")]).await;
        world.api.watch("12").await;
        assert_eq!(world.served().await, ["10.0.0.2"]);
        assert!(world.lines().await.iter().any(|line| line.contains("page by page")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_the_list_does_begins_again() {
    let mut world = start();
    let mut list = streamed_list(&mut world).await.accept();
    list.events(&[event("ADDED", &slice("a", 1, "10.0.0.1"))]).await;
    assert!(world.served().await.is_empty());
    drop(list);
    let mut list = streamed_list(&mut world).await.accept();
    assert_eq!(world.failures(FailureKind::Cut).await, 1);
    list.events(&[event("ADDED", &slice("b", 2, "10.0.0.2")), list_end("13")]).await;
    world.api.watch("13").await;
    assert_eq!(world.served().await, ["10.0.0.2"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_ends_a_stream_is_read_page_by_page() {
    // Before Kubernetes 1.27 the parameter is ignored: a watch that has begun, and says nothing of the list.
    let mut world = start();
    let mut old = Vec::new();
    for _ in 0..2 {
        let mut list = streamed_list(&mut world).await.accept();
        list.events(&[event("ADDED", &slice("a", 1, "10.0.0.1"))]).await;
        world.idle().await;
        advance(Duration::from_secs(31)).await;
        old.push(list);
    }
    world.api.list().await.complete("10", &[slice("a", 1, "10.0.0.1")]).await;
    world.api.watch("10").await;
    assert_eq!(world.served().await, ["10.0.0.1"]);
    assert_eq!(world.failures(FailureKind::Timeout).await, 1, "the second is why lists are paged");
    assert!(world.lines().await.iter().any(|line| line.contains("page by page")));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_begins_the_stream_again() {
    for line in ["no JSON".to_owned(), list_end(""), "x".repeat(9 << 20)] {
        let mut world = start();
        let mut list = streamed_list(&mut world).await.accept();
        list.events(&[event("ADDED", &slice("a", 1, "10.0.0.1")), line]).await;
        let again = streamed_list(&mut world).await;
        assert!(world.served().await.is_empty());
        let mut list = again.accept();
        list.events(&[list_end("10")]).await;
        world.api.watch("10").await;
        assert!(world.is_ready("default").await && world.served().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_streamed_list_is_put_aside_too() {
    let mut world = start();
    for (revision, name, address, served) in [
        ("1000", "a", "10.0.0.1", "10.0.0.1"),
        ("500", "b", "10.0.0.2", "10.0.0.1"),
        ("500", "b", "10.0.0.2", "10.0.0.2"),
    ] {
        let mut list = streamed_list(&mut world).await.accept();
        list.events(&[event("ADDED", &slice(name, 400, address)), list_end(revision)]).await;
        assert_eq!(world.served().await, [served]);
        if revision == "1000" {
            world.api.watch(revision).await.refuse(410).await;
        }
    }
    world.api.watch("500").await;
}
