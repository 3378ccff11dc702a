//! The page as it is sent, without a browser; and what it shows, as JSON.

use crate::client::{Transport, ask};
use crate::http::{Answer, get, raw};
use crate::scene::{MANIFEST, Scene, wait_until};
use serde_json::json;
use std::net::SocketAddr;

/// Asks as a browser does.
fn page(address: SocketAddr, path: &str) -> Answer {
    with(address, path, "Accept: text/html,*/*;q=0.8\r\n")
}

fn with(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    raw(address, text.as_bytes()).unwrap_or_else(|| panic!("no answer to {path}"))
}

#[test]
fn every_page_is_whole_and_may_load_nothing_from_elsewhere() {
    let scene = Scene::new();
    for (path, status, says) in [
        ("/", 200, "1 peer in 2 sets"),
        ("/sets", 200, "/sets/other/db"),
        ("/sets?text=web&namespace=&after=", 200, "/sets/default/web"),
        ("/sets?text=nothing", 200, "There are no sets to show."),
        ("/sets?troubled=maybe", 400, "Not understood"),
        ("/sets/default/web", 200, "web@10.0.0.1"),
        ("/sets/default/web?from=1000", 200, "Nobody here."),
        ("/sets/default/web?from=x", 400, "Not understood"),
        ("/sets/default/none", 404, "There is no such set"),
        ("/sets/default/%FF", 400, "Not understood"),
        ("/explain", 200, "What can be asked about"),
        ("/explain?name=10.0.0.2&type=", 200, "it serves but is not ready"),
        ("/explain?name=web.default&type=SRV", 200, "0 10 80 10-0-0-1.default.pod.cluster.local."),
        ("/explain?name=a..b", 400, "a label is empty"),
        ("/explain?name=web.default&type=FOO", 400, "is no record type"),
    ] {
        let answer = page(scene.api, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(says), "{path}: {says} is not in {}", answer.body);
        assert!(answer.body.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{path}");
        assert!(answer.body.ends_with("</html>"), "{path}");
        for header in [
            "content-type: text/html; charset=utf-8",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ] {
            assert!(answer.head.contains(header), "{path}: {}", answer.head);
        }
        for inline in ["style=", "onclick", "javascript:", "http://", "https://"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
    }
}

#[test]
fn the_index_has_topologies_rates_and_ages() {
    let scene = Scene::new();
    ask(scene.server.ipv4(), Transport::Udp, "web.default.svc.peers.cluster.local.", "SRV", None);
    wait_until("the query", || page(scene.api, "/").body.contains("Queries by type"));
    let body = page(scene.api, "/").body;
    for says in
        ["id=\"topologies\"", "Queries a second", "Last change", " ago", ">SRV<", "peers.cluster.local."]
    {
        assert!(body.contains(says), "{says} is not in {body}");
    }
}

#[test]
fn the_index_is_for_programs_and_the_page_for_browsers() {
    let scene = Scene::new();
    for (headers, is_page) in [("Accept: text/html\r\n", true), ("Accept: */*\r\n", false), ("", false)] {
        let answer = with(scene.api, "/", headers);
        assert_eq!(answer.body.starts_with("<!DOCTYPE"), is_page, "{headers}");
        assert!(answer.head.contains("vary: accept"), "{}", answer.head);
    }
    assert!(get(scene.api, "/").body.contains("/api/v1/explain "));
    // The door of probes has no page, whoever asks.
    for path in ["/sets", "/sets/default/web", "/explain", "/assets/style.css", "/api/v1/status"] {
        assert_eq!(page(scene.probes, path).status, 404, "{path}");
    }
    assert!(!page(scene.probes, "/").body.contains("<html"));
}

#[test]
fn assets_are_sent_once() {
    let scene = Scene::new();
    for (path, content_type) in [
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/live.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let first = get(scene.api, path);
        assert_eq!((first.status, first.body.is_empty()), (200, false));
        assert!(first.head.contains(&format!("content-type: {content_type}")), "{}", first.head);
        let tag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
        let again = with(scene.api, path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""));
    }
}

#[test]
fn names_of_others_are_escaped_wherever_they_stand() {
    const HOSTILE: &str = "</td><script>alert(1)</script>\"'&";
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    let manifest = MANIFEST.replace("name: web-1", &format!("name: {quoted}")).replace(
        "{addresses: [10.0.0.1]",
        &format!("{{nodeName: {quoted}, zone: {quoted}, hostname: {quoted}, addresses: [10.0.0.1]"),
    );
    let scene = Scene::of(&manifest, "[server]");
    let in_url = "%3C%2Ftd%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%26";
    for path in [
        "/".to_owned(),
        "/sets/default/web".to_owned(),
        "/explain?name=10.0.0.1".to_owned(),
        format!("/sets?text={in_url}&namespace={in_url}&after={in_url}/{in_url}"),
        format!("/sets/{in_url}/{in_url}"),
        format!("/explain?name={in_url}&type={in_url}"),
        format!("/explain?name=web.default&type={in_url}"),
    ] {
        let answer = page(scene.api, &path);
        let scripts = answer.body.matches("<script").count();
        assert_eq!(scripts, 1, "{path}: {}", answer.body);
        assert!(!answer.body.contains("alert(1)</script>"), "{path}");
    }
    let set = page(scene.api, "/sets/default/web").body;
    let escaped = "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;";
    assert!(set.matches(escaped).count() >= 3, "{set}");
    // What is no word of ours is refused, not shown.
    assert_eq!(page(scene.api, "/sets/a\"><script>/b").status, 400);
}

#[test]
fn thousands_of_sets_come_in_pages() {
    let slice = |name: usize| {
        format!(
            "{{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"addressType\": \"IPv4\", \
             \"metadata\": {{\"name\": \"s\", \"namespace\": \"n{name:05}\", \
             \"labels\": {{\"kubernetes.io/service-name\": \"s\"}}}}, \"endpoints\": [{{\"addresses\": [\"10.0.0.1\"]}}]}}"
        )
    };
    let items: Vec<String> = (0..2_000).map(slice).collect();
    let list = format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}", items.join(","));
    let scene = Scene::of(&list, "[server]");
    let (mut path, mut found, mut pages) = ("/sets?text=n01&troubled=".to_owned(), Vec::new(), 0);
    // An empty field of a form is no word for yes or no.
    assert_eq!(page(scene.api, &path).status, 400);
    path = "/sets?text=n01&namespace=".to_owned();
    loop {
        let body = page(scene.api, &path).body;
        let rows = body.split("data-key=\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(rows.map(str::to_owned));
        pages += 1;
        let next = body.split("<a href=\"").find_map(|link| link.split_once("\" rel=\"next\""));
        let Some((next, _)) = next else { break };
        path = next.replace("&amp;", "&");
    }
    let expected: Vec<String> = (1_000..2_000).map(|name| format!("n{name:05}/s")).collect();
    assert_eq!((found, pages), (expected, 10));
    let overview = page(scene.api, "/").body;
    assert!(overview.matches("data-key=\"n0").count() == 25 && overview.contains("All sets"), "{overview}");
}

#[test]
fn the_status_has_everything_at_a_glance() {
    let scene = Scene::new();
    for (name, record_type) in [("web.default.svc.peers.cluster.local.", "A"), ("none.test.", "TXT")] {
        ask(scene.server.ipv4(), Transport::Udp, name, record_type, None);
    }
    wait_until("two counted queries", || {
        get(scene.api, "/api/v1/status").json()["rates"]["queries"]["total"] == 2
    });
    let status = get(scene.api, "/api/v1/status").json();
    for (key, value) in [
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("phase", json!("serving")),
        ("ready", json!(true)),
        ("why", json!([])),
        ("panics", json!(0)),
        ("watches", json!([])),
    ] {
        assert_eq!(status[key], value, "{key} in {status}");
    }
    let peers = &status["peers"];
    assert_eq!(
        (&peers["peers"], &peers["peers_left_out"], &peers["sets"]),
        (&json!(1), &json!(2), &json!(2))
    );
    assert!(status["memory_octets"].as_u64() > Some(1 << 20));
    let counted = |of: &str| -> Vec<(String, u64)> {
        let all = status["rates"][of].as_array().unwrap().iter();
        all.map(|one| (one["name"].as_str().unwrap().to_owned(), one["total"].as_u64().unwrap())).collect()
    };
    let pairs = |pairs: [(&str, u64); 2]| pairs.map(|(name, total)| (name.to_owned(), total)).to_vec();
    assert_eq!(counted("types"), pairs([("A", 1), ("TXT", 1)]));
    assert_eq!(counted("rcodes"), pairs([("NOERROR", 1), ("REFUSED", 1)]));
    assert_eq!(counted("zones"), pairs([("dropped", 1), ("peers.cluster.local.", 1)]));
}

#[test]
fn names_are_explained_by_records_and_objects() {
    let manifest =
        MANIFEST.replace("{addresses: [10.0.0.2]", "{nodeName: node-b, zone: eu-1b, addresses: [10.0.0.2]");
    let manifest =
        manifest.replace("name: web-1,", "name: web-1, creationTimestamp: \"2020-01-01T00:00:00Z\",");
    let scene = Scene::of(&manifest, "reverse_zones = ['10.0.0.0/24']\n[server]");
    let explained = |name: &str| get(scene.api, &format!("/api/v1/explain?name={name}")).json();
    // Name asked for; whole name; response code; records; verdicts.
    for (asked, name, rcode, records, verdicts) in [
        (
            "web",
            "web.default.svc.peers.cluster.local.",
            "NOERROR",
            3,
            &["listed", "draining", "not_ready"][..],
        ),
        (
            "default/web",
            "web.default.svc.peers.cluster.local.",
            "NOERROR",
            3,
            &["listed", "draining", "not_ready"],
        ),
        (
            "WEB.default.svc",
            "web.default.svc.peers.cluster.local.",
            "NOERROR",
            3,
            &["listed", "draining", "not_ready"],
        ),
        ("10-0-0-1.web.default", "10-0-0-1.web.default.svc.peers.cluster.local.", "NOERROR", 1, &["listed"]),
        (
            "10-0-0-2.web.default",
            "10-0-0-2.web.default.svc.peers.cluster.local.",
            "NXDOMAIN",
            0,
            &["draining"],
        ),
        ("three.web.default", "three.web.default.svc.peers.cluster.local.", "NXDOMAIN", 0, &["not_ready"]),
        (
            "_http._tcp.web.default",
            "_http._tcp.web.default.svc.peers.cluster.local.",
            "NOERROR",
            1,
            &["listed", "draining", "not_ready"],
        ),
        ("10-0-0-2.default.pod", "10-0-0-2.default.pod.cluster.local.", "NOERROR", 1, &["draining"]),
        ("10-0-0-2.other.pod.cluster.local.", "10-0-0-2.other.pod.cluster.local.", "NXDOMAIN", 0, &[]),
        ("10.0.0.2", "2.0.0.10.in-addr.arpa.", "NOERROR", 1, &["draining"]),
        ("web@10.0.0.1", "1.0.0.10.in-addr.arpa.", "NOERROR", 1, &["listed"]),
        ("10.9.9.9", "9.9.9.10.in-addr.arpa.", "REFUSED", 0, &[]),
        ("none.default", "none.default.svc.peers.cluster.local.", "NXDOMAIN", 0, &[]),
        ("db.other", "db.other.svc.peers.cluster.local.", "NOERROR", 0, &[]),
        ("example.org.", "example.org.", "REFUSED", 0, &[]),
        ("peers.cluster.local", "peers.cluster.local.", "NOERROR", 2, &[]),
    ] {
        let told = explained(asked);
        assert_eq!((&told["name"], &told["rcode"]), (&json!(name), &json!(rcode)), "{asked}: {told}");
        assert_eq!(told["records"].as_array().unwrap().len(), records, "{asked}: {told}");
        let peers = told["sets"].as_array().unwrap().iter().flat_map(|set| set["peers"].as_array().unwrap());
        let mut found: Vec<&str> = peers.map(|peer| peer["verdict"].as_str().unwrap()).collect();
        found
            .sort_by_key(|verdict| ["listed", "draining", "not_ready"].iter().position(|one| one == verdict));
        assert_eq!(found, verdicts, "{asked}: {told}");
    }
    let entry = &explained("10.0.0.2")["sets"][0]["peers"][0]["objects"][0];
    assert_eq!((&entry["node"], &entry["zone"]), (&json!("node-b"), &json!("eu-1b")));
    assert!(entry["object_age_seconds"].as_f64() > Some(1e8), "{entry}");
    assert_eq!(get(scene.api, "/api/v1/explain").status, 400);
}
