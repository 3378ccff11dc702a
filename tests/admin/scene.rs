//! A server with both doors open on free ports.

use crate::http::get;
use crate::rosterd::{PATIENCE, Rosterd};
use std::net::SocketAddr;
use std::time::Instant;

/// The settings that open both doors, before `[server]`.
pub(crate) const DOORS: &str = "[admin]\nlisten = ['127.0.0.1:0']\napi = ['127.0.0.1:0']\n";

/// A running server.
pub(crate) struct Scene {
    pub(crate) server: Rosterd,
    pub(crate) probes: SocketAddr,
    pub(crate) api: SocketAddr,
}

/// Two sets: one of a ready, a draining and a broken-down peer in two slices, one without anybody.
pub(crate) const MANIFEST: &str = r"
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web, app: web}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
- {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, uid: 00000000-0000-0000-0000-000000000001}}
- {addresses: [10.0.0.2], conditions: {ready: false, serving: true, terminating: true}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-2, namespace: default, labels: {kubernetes.io/service-name: web, app: web}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
- {addresses: [10.0.0.3], conditions: {ready: false, serving: false}, hostname: three}
- {addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, uid: 00000000-0000-0000-0000-000000000001}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: other, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
endpoints: []
";

impl Scene {
    /// A server on [`MANIFEST`].
    pub(crate) fn new() -> Scene {
        Scene::of(MANIFEST, "[server]")
    }

    /// A server on a manifest. `settings` must end in the table `[server]`.
    pub(crate) fn of(manifest: &str, settings: &str) -> Scene {
        Scene::around(|settings| Rosterd::start(manifest, settings), settings)
    }

    /// A server that is started with settings, to which the doors are added.
    pub(crate) fn around(start: impl FnOnce(&str) -> Rosterd, settings: &str) -> Scene {
        let (before, table) = settings.split_at(settings.rfind("[server]").unwrap());
        let server = start(&format!("{before}{DOORS}{table}"));
        let seen = server.seen();
        let said = |what: &str| {
            let line =
                seen.iter().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {seen:?}"));
            line.rsplit_once("http://").unwrap().1.parse().unwrap()
        };
        let (probes, api) = (said("probes and metrics at "), said("what is served, and why, at "));
        // It listens for queries a moment before it can be asked about them.
        wait_until("a start", || !get(probes, "/ready").body.contains("the server is starting"));
        Scene { server, probes, api }
    }
}

/// Waits until something holds.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
