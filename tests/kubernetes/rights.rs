//! Watches without rights: what is told, what still answers, and how it heals.

use crate::fake::{slice, slice_in};
use crate::world::{World, options, plan};
use rosterd::roster::ObjectKind;
use rosterd::source::kubernetes::{FailureKind, Report, Verb};
use std::time::Duration;
use tokio::time::{Instant, advance};

const FORBIDDEN: &str = r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"endpointslices.discovery.k8s.io is forbidden: User \"system:serviceaccount:dns:rosterd\" cannot list"}"#;

#[tokio::test(start_paused = true)]
async fn one_line_says_what_is_missing_and_what_grants_it() {
    for (resource, namespace, line) in [
        (
            ObjectKind::EndpointSlice,
            Some("b"),
            "endpointslices in namespace b: not allowed to list endpointslices.discovery.k8s.io in namespace \"b\"; a Role in b with apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch] grants it; trying again",
        ),
        (
            ObjectKind::Endpoints,
            None,
            "endpoints in all namespaces: not allowed to list endpoints in all namespaces; a ClusterRole with apiGroups: [\"\"], resources: [endpoints], verbs: [list, watch] grants it; trying again",
        ),
        (
            ObjectKind::Pod,
            Some("web"),
            "pods in namespace web: not allowed to list pods in namespace \"web\"; a Role in web with apiGroups: [\"\"], resources: [pods], verbs: [list, watch] grants it; trying again",
        ),
    ] {
        let mut world = World::with(vec![plan(resource, namespace)], options());
        world.api.list().await.answer(403, &[], "").await;
        world.api.list().await.answer(403, &[], "").await;
        assert_eq!(world.lines().await, [line]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_api_servers_words_stand_at_the_end_and_time_tells_how_long() {
    let mut world = World::start();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(301) {
        world.api.list().await.answer(403, &[], FORBIDDEN).await;
    }
    let reports = world.reports().await;
    assert!(reports.iter().all(Report::is_warning));
    let lines: Vec<String> = reports.iter().map(ToString::to_string).collect();
    let says = "; the API server says: endpointslices.discovery.k8s.io is forbidden: User \"system:serviceaccount:dns:rosterd\" cannot list";
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with(&format!("grants it; trying again{says}")), "{}", lines[0]);
    assert!(lines[1].ends_with(&format!("grants it; trying again, for 5 min{says}")), "{}", lines[1]);
    assert!(lines.iter().all(|line| !line.contains('\n')));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_without_rights_keeps_only_its_own_names_waiting_and_heals() {
    let plans = ["a", "b"].map(|namespace| plan(ObjectKind::EndpointSlice, Some(namespace)));
    let mut world = World::with(plans.to_vec(), options());
    let mut watching = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(100) {
        let asked = world.api.next().await;
        if asked.path.contains("/namespaces/b/") {
            asked.answer(403, &[], FORBIDDEN).await;
        } else if asked.is_list() {
            asked.complete("10", &[slice_in("a", "x", 5, "10.0.0.1")]).await;
        } else {
            watching.push(asked.accept());
        }
        assert!(begun.elapsed() < Duration::from_secs(1) || world.is_ready("a").await);
    }
    assert_eq!(world.served_in("a").await, ["10.0.0.1"]);
    assert!(!world.is_ready("b").await);
    let pulses = world.health.watches();
    assert!(pulses[0].synced && !pulses[1].synced);
    assert!(pulses[1].failures[&FailureKind::Forbidden] > 3);
    world.reports().await;

    // Someone grants the right.
    let mut granted = 0;
    while granted < 2 {
        let asked = world.api.next().await;
        if asked.path.contains("/namespaces/b/") {
            granted += 1;
            if asked.is_list() {
                asked.complete("20", &[slice_in("b", "x", 6, "10.0.0.2")]).await;
            } else {
                watching.push(asked.accept());
            }
        } else {
            watching.push(asked.accept());
        }
    }
    assert_eq!(world.served_in("b").await, ["10.0.0.2"]);
    assert!(world.is_ready("b").await);
    advance(Duration::from_secs(6)).await;
    // The other watch may have gone silent meanwhile.
    let lines = world.lines().await.into_iter().filter(|line| line.contains("namespace b"));
    let lines: Vec<String> = lines.collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "endpointslices in namespace b: 1 object");
    assert!(lines[1].starts_with("endpointslices in namespace b: works again, after "), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_right_to_list_alone_is_told_as_such() {
    let (mut world, mut watch) = World::synced("10", &[slice("a", 1, "10.0.0.1")]).await;
    for _ in 0..4 {
        watch.answer(403, &[], "").await;
        world.api.check().await.complete("10", &[]).await;
        watch = world.api.watch("10").await;
    }
    let reports = world.reports().await;
    assert!(matches!(&reports[1..], [Report::Forbidden { verb: Verb::Watch, .. }]), "{reports:?}");
    assert!(reports[1].to_string().contains("not allowed to watch endpointslices.discovery.k8s.io"));
    assert_eq!(world.served().await, ["10.0.0.1"]);
}
