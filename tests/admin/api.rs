//! `/api/v1/…` and `/config`: what is served and why.

use crate::http::get;
use crate::scene::Scene;
use serde_json::{Value, json};

fn items(scene: &Scene, path: &str) -> Vec<Value> {
    get(scene.api, path).json()["items"].as_array().unwrap().clone()
}

#[test]
fn everybody_who_is_in_a_set_or_not_is_told_with_the_rule() {
    let scene = Scene::new();
    let set = get(scene.api, "/api/v1/sets/default/web").json();
    for (key, value) in [
        ("namespace", json!("default")),
        ("set", json!("web")),
        ("topology", json!("#1")),
        ("node_basename", json!("web")),
        ("listed", json!(1)),
        ("ready", json!(1)),
        ("draining", json!(1)),
        ("not_ready", json!(1)),
        ("objects", json!(2)),
        ("refused", json!(false)),
    ] {
        assert_eq!(set[key], value, "{key} in {set}");
    }
    let mut peers = set["peers"].as_array().unwrap().clone();
    peers.sort_by_key(|peer| peer["objects"][0]["addresses"].to_string());
    let brief: Vec<_> =
        peers.iter().map(|peer| (peer["verdict"].as_str().unwrap(), peer["why"].as_str().unwrap())).collect();
    assert_eq!(
        brief,
        [
            ("listed", "in: include = \"ready\" lists it"),
            ("draining", "out: it serves but is not ready, and \"ready\" is what is listed"),
            ("not_ready", "out: it is not ready, and \"ready\" is what is listed"),
        ]
    );
    let first = &peers[0];
    assert_eq!(first["node_name"], "web@10.0.0.1");
    assert_eq!(first["ports"], json!([{ "name": "http", "protocol": "tcp", "port": 80 }]));
    let objects: Vec<_> =
        first["objects"].as_array().unwrap().iter().map(|object| object["name"].clone()).collect();
    assert_eq!(objects, ["web-1", "web-2"], "one peer of two slices");
    assert_eq!(
        (&peers[2]["objects"][0]["hostname"], &peers[2]["node_name"]),
        (&json!("three"), &Value::Null)
    );
    for (path, status) in [
        ("/api/v1/sets/default/none", 404),
        ("/api/v1/sets/default", 404),
        ("/api/v1/sets/default/web?limit=x", 400),
        ("/api/v1/sets/default/web?form=1", 400),
        ("/api/v1/sets/default/%FF", 400),
        ("/api/v1/sets?after=x", 400),
    ] {
        assert_eq!(get(scene.api, path).status, status, "{path}");
    }
    let limit =
        "this is /api/v1/sets/<namespace>/<set>, and takes limit (1 to 1000) and from (a number), each once";
    for (path, error, remedy) in [
        ("/api/v1/sets/default/none", "there is no such set", "/api/v1/sets has them all"),
        ("/api/v1/sets/default/web?limit=x", "limit: invalid digit found in string", limit),
        ("/api/v1/sets/default/web?form=1", "form: unknown field `form`, expected `limit` or `from`", limit),
        (
            "/api/v1/explain",
            "missing field `name`",
            "this takes name (a name, an address, or <namespace>/<set>) and type \
                                                     (such as SRV), each once",
        ),
    ] {
        let told: Value = serde_json::from_str(&get(scene.api, path).body).unwrap();
        assert_eq!(told, json!({ "error": error, "remedy": remedy }), "{path}");
    }
}

#[test]
fn who_stands_in_and_who_has_the_wrong_family_is_told() {
    let manifest = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a, namespace: n}\n\
                    addressType: IPv4\nendpoints:\n- {addresses: [10.0.0.1], conditions: {ready: false}}\n";
    let six = manifest.replace("name: a,", "name: b,").replace("IPv4", "IPv6").replace("10.0.0.1", "fd00::1");
    let scene = Scene::of(
        &format!("{manifest}---\n{six}"),
        "topologies = [{ name = 's', when_empty = 'all', family = 'ipv4' }]\n[server]",
    );
    let set = get(scene.api, "/api/v1/sets/n/s").json();
    assert_eq!((&set["listed_instead"], &set["include"]), (&json!("all"), &json!("ready")));
    let mut why: Vec<_> =
        set["peers"].as_array().unwrap().iter().map(|peer| peer["why"].as_str().unwrap()).collect();
    why.sort_unstable();
    assert_eq!(
        why,
        [
            "in: nobody is as include wants, and when_empty = \"all\" lists it",
            "out: it has no address that family = \"ipv4\" lists"
        ]
    );
}

#[test]
fn lists_come_in_pages_that_miss_and_repeat_nothing() {
    let slice = |namespace: usize, name: usize| {
        let addresses: Vec<String> =
            (1..=5).map(|peer| format!("{{\"addresses\": [\"10.{namespace}.{name}.{peer}\"]}}")).collect();
        format!(
            "{{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"addressType\": \"IPv4\", \
             \"metadata\": {{\"name\": \"s{name}\", \"namespace\": \"n{namespace}\", \
             \"labels\": {{\"kubernetes.io/service-name\": \"s{name}\"}}}}, \"endpoints\": [{}]}}",
            addresses.join(", ")
        )
    };
    let items = (0..3).flat_map(|namespace| (0..7).map(move |name| slice(namespace, name)));
    let list = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}",
        items.collect::<Vec<_>>().join(",")
    );
    let scene = Scene::of(&list, "[server]");
    let walk = |path: &str, of: &str| {
        let (mut path, mut all, mut pages) = (path.to_owned(), Vec::new(), 0);
        loop {
            let page = get(scene.api, &path).json();
            all.extend(page[of].as_array().unwrap().clone());
            pages += 1;
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => return (all, pages),
            }
        }
    };
    let names = |sets: &[Value]| -> Vec<String> {
        sets.iter()
            .map(|set| format!("{}/{}", set["namespace"].as_str().unwrap(), set["set"].as_str().unwrap()))
            .collect()
    };
    let (all, pages) = walk("/api/v1/sets?limit=4", "items");
    let expected: Vec<String> = (0..3).flat_map(|n| (0..7).map(move |s| format!("n{n}/s{s}"))).collect();
    assert_eq!((names(&all), pages), (expected, 6));
    let (one, pages) = walk("/api/v1/sets?limit=7&namespace=n1", "items");
    assert_eq!((names(&one), pages), ((0..7).map(|s| format!("n1/s{s}")).collect(), 1));
    let (peers, pages) = walk("/api/v1/sets/n2/s3?limit=2", "peers");
    let mut addresses: Vec<_> = peers.iter().map(|peer| peer["address"].as_str().unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["10.2.3.1", "10.2.3.2", "10.2.3.3", "10.2.3.4", "10.2.3.5"]);
    assert_eq!(pages, 3);
}

#[test]
fn topologies_zones_and_settings_are_told() {
    let scene = Scene::of(
        crate::scene::MANIFEST,
        "topologies = [{ name = 'w', selector = 'app=web' }, { namespaces = ['other'] }]\n[server]",
    );
    let topologies = items(&scene, "/api/v1/topologies");
    assert_eq!(topologies.len(), 2);
    assert_eq!((&topologies[0]["topology"], &topologies[1]["topology"]), (&json!("w"), &json!("#2")));
    assert_eq!((&topologies[0]["selector"], &topologies[0]["peers"]), (&json!("app=web"), &json!(1)));
    assert_eq!((&topologies[1]["namespaces"], &topologies[1]["empty_sets"]), (&json!(["other"]), &json!(1)));
    let zones = items(&scene, "/api/v1/zones");
    assert!(
        zones.iter().any(|zone| zone["zone"] == "peers.cluster.local." && zone["from"] == "peers"),
        "{zones:?}"
    );
    assert_eq!(items(&scene, "/api/v1/watches"), [] as [Value; 0]);
    assert_eq!(items(&scene, "/api/v1/broken"), [] as [Value; 0]);
    let config = get(scene.api, "/config");
    assert_eq!(config.status, 200);
    let read: toml::Table = config.body.parse().unwrap();
    assert_eq!(read["topologies"][0]["name"].as_str(), Some("w"));
}

#[test]
fn the_door_of_probes_names_no_peer() {
    let scene = Scene::new();
    for path in
        ["/config", "/api/v1/sets", "/api/v1/sets/default/web", "/api/v1/watches", "/api/v1/log-level"]
    {
        assert_eq!(get(scene.api, path).status, 200, "{path}");
        assert_eq!(get(scene.probes, path).status, 404, "{path}");
    }
    assert!(!get(scene.probes, "/metrics").body.contains("10.0.0.1"));
}
