//! `/metrics`: what was asked, answered and watched is counted, under names that dashboards of CoreDNS know.

use crate::api_server::ApiServer;
use crate::client::{Transport, ask};
use crate::exposition::Metrics;
use crate::http::get;
use crate::rosterd::Rosterd;
use crate::scene::{Scene, wait_until};

const NAME: &str = "web.default.svc.peers.cluster.local.";

fn metrics(scene: &Scene) -> Metrics {
    let answer = get(scene.probes, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    Metrics::read(&answer.body)
}

/// Metrics once they show what is waited for: a text serves for a second.
fn metrics_with(scene: &Scene, what: &str, holds: impl Fn(&Metrics) -> bool) -> Metrics {
    let mut found = None;
    wait_until(what, || {
        let read = metrics(scene);
        let there = holds(&read);
        found = Some(read);
        there
    });
    found.unwrap()
}

#[test]
fn queries_are_counted_by_zone_transport_family_type_and_code() {
    let scene = Scene::new();
    let (ipv4, ipv6) = (scene.server.ipv4(), scene.server.ipv6());
    for _ in 0..3 {
        ask(ipv4, Transport::Udp, NAME, "A", Some(1232));
    }
    ask(ipv6, Transport::Udp, NAME, "TXT", None);
    ask(ipv4, Transport::Tcp, NAME, "SRV", None);
    ask(ipv4, Transport::Tcp, "none.default.svc.peers.cluster.local.", "A", None);
    ask(ipv4, Transport::Udp, "10-0-0-1.default.pod.cluster.local.", "A", None);
    ask(ipv4, Transport::Udp, "example.", "NS", None);
    let server = format!("server=\"dns://:{}\"", ipv4.port());
    let sum =
        |read: &Metrics, name: &str, labels: &[&str]| read.sum(name, &[&[server.as_str()], labels].concat());
    let read =
        metrics_with(&scene, "eight queries", |read| sum(read, "rosterd_dns_requests_total", &[]) >= 8.0);
    let peers = "zone=\"peers.cluster.local.\"";
    let [udp, tcp, v4, v6] = ["proto=\"udp\"", "proto=\"tcp\"", "family=\"1\"", "family=\"2\""];
    for (labels, count) in [
        (&[][..], 8.0),
        (&[peers], 6.0),
        (&[peers, udp, v4, "type=\"A\""], 3.0),
        (&[udp, v6, "type=\"TXT\""], 1.0),
        (&[tcp, v4, "type=\"SRV\""], 1.0),
        (&["zone=\"pod.cluster.local.\""], 1.0),
        (&["zone=\"dropped\"", "type=\"NS\""], 1.0),
    ] {
        assert!(
            (sum(&read, "rosterd_dns_requests_total", labels) - count).abs() < 0.5,
            "{labels:?}: {read:?}"
        );
    }
    for (labels, count) in [
        (&["rcode=\"NOERROR\""][..], 6.0),
        (&[peers, tcp, "rcode=\"NXDOMAIN\""], 1.0),
        (&["zone=\"dropped\"", "rcode=\"REFUSED\""], 1.0),
    ] {
        assert!(
            (sum(&read, "rosterd_dns_responses_total", labels) - count).abs() < 0.5,
            "{labels:?}: {read:?}"
        );
    }
    for name in ["rosterd_dns_request_size_bytes", "rosterd_dns_response_size_bytes"] {
        let [all, largest] = ["_count", "_bucket"].map(|part| format!("{name}{part}"));
        assert!((sum(&read, &all, &[]) - 8.0).abs() < 0.5, "{read:?}");
        assert!((sum(&read, &largest, &["le=\"+Inf\""]) - 8.0).abs() < 0.5, "{read:?}");
        assert!((sum(&read, &largest, &["le=\"511\""]) - 8.0).abs() < 0.5, "{read:?}");
    }
    assert!(sum(&read, "rosterd_dns_request_duration_seconds_count", &[tcp, v4]) >= 2.0);
    assert!((read.sum("rosterd_tcp_connections_total", &["result=\"accepted\""]) - 2.0).abs() < 0.5);
}

#[test]
fn whoever_is_turned_away_is_counted() {
    let scene = Scene::of(
        crate::scene::MANIFEST,
        "[[server.access]]\naction = 'deny'\nzones = ['peers.cluster.local']\n\
         [server.rate_limit]\nanswers_per_second = 1\nslip = 0\n[server]",
    );
    ask(scene.server.ipv4(), Transport::Tcp, NAME, "A", None);
    let read = metrics_with(&scene, "a denied query", |read| read.sum("rosterd_dns_denied_total", &[]) > 0.5);
    assert!((read.sum("rosterd_dns_denied_total", &["proto=\"tcp\""]) - 1.0).abs() < 0.5);
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    metrics_with(&scene, "a query above the rate", |read| {
        let query = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
        for _ in 0..20 {
            client.send_to(query, scene.server.ipv4()).unwrap();
        }
        read.sum("rosterd_dns_rate_limited_total", &["proto=\"udp\""]) > 0.5
            && read.sum("rosterd_dns_dropped_total", &[]) > 0.5
    });
}

#[test]
fn sets_peers_and_zones_are_told() {
    let scene = Scene::of(crate::scene::MANIFEST, "topologies = [{ name = 'all' }]\n[server]");
    let read = metrics_with(&scene, "sets", |read| read.sum("rosterd_sets", &[]) > 0.5);
    for (sample, value) in [
        ("rosterd_sets{topology=\"all\"}", 2.0),
        ("rosterd_empty_sets{topology=\"all\"}", 1.0),
        ("rosterd_set_objects{topology=\"all\"}", 3.0),
        ("rosterd_peers{topology=\"all\"}", 1.0),
        ("rosterd_peers_left_out{topology=\"all\"}", 2.0),
        ("rosterd_objects{}", 3.0),
        ("rosterd_objects_broken{}", 0.0),
        ("rosterd_ready{}", 1.0),
        ("rosterd_ending{}", 0.0),
        ("rosterd_panics_total{}", 0.0),
        ("rosterd_oversize_rrsets{}", 0.0),
        (&format!("rosterd_build_info{{version={:?}}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert!((read.value(sample) - value).abs() < 0.5, "{sample}: {read:?}");
    }
    assert!(read.value("rosterd_zone_serial{zone=\"peers.cluster.local.\"}") > 1e9, "{read:?}");
    assert!(read.samples.contains_key("rosterd_zone_age_seconds{zone=\"peers.cluster.local.\"}"), "{read:?}");
    assert!(read.value("process_resident_memory_bytes{}") > 1e6);
    assert!(read.sum("rosterd_watch_synced", &[]) < 0.5, "no cluster is watched");
    let serial = read.value("rosterd_zone_serial{zone=\"peers.cluster.local.\"}");
    scene.server.replace_manifest(&crate::scene::MANIFEST.replace("10.0.0.1]", "10.0.9.1]"));
    let read = metrics_with(&scene, "another serial", |read| {
        read.value("rosterd_zone_serial{zone=\"peers.cluster.local.\"}") > serial
    });
    assert!(read.value("rosterd_snapshots_total{}") > 1.5, "{read:?}");
}

#[test]
fn a_cluster_that_is_watched_is_told() {
    let api = ApiServer::start();
    api.forbid("list /apis/discovery.k8s.io/v1/endpointslices", true);
    let scene = Scene::around(|settings| Rosterd::start_in_cluster(&api.kubeconfig(), settings), "[server]");
    let [synced, failures] = ["rosterd_watch_synced", "rosterd_watch_failures_total"];
    let of_watch = ["resource=\"endpointslices\"", "namespace=\"\""];
    let forbidden = [&of_watch[..], &["kind=\"forbidden\""]].concat();
    let read = metrics_with(&scene, "a failure", |read| read.sum(failures, &forbidden) > 0.5);
    assert!(read.sum(synced, &of_watch) < 0.5 && read.value("rosterd_ready{}") < 0.5, "{read:?}");
    api.forbid("list /apis/discovery.k8s.io/v1/endpointslices", false);
    let read = metrics_with(&scene, "a synchronised watch", |read| read.sum(synced, &of_watch) > 0.5);
    assert!(read.sum("rosterd_watch_lists_total", &of_watch) > 0.5, "{read:?}");
    assert!(read.sum("rosterd_watch_stale", &of_watch) < 0.5, "{read:?}");
    assert_eq!(read.types["rosterd_kubernetes_dns_programming_duration_seconds"], "histogram");
    assert!(
        read.samples.contains_key("rosterd_kubernetes_dns_programming_duration_seconds_bucket{le=\"0.001\"}")
    );
}
