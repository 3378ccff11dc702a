//! Whole layers together: precedence, origins, and the text of every error.

use super::*;
use crate::roster::{
    Family, Include, Mode, Namespaces, PortChoice, Prefer, Protocol, SrvHost, Topology, WhenEmpty,
};
use proptest::prelude::*;
use std::path::PathBuf;

fn file(text: &str) -> Sources {
    let file = File { path: PathBuf::from("rosterd.toml"), text: text.to_owned() };
    Sources { file: Some(file), ..Sources::default() }
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn flag(name: &'static str, values: &[&str]) -> (&'static str, Vec<String>) {
    (name, values.iter().map(|value| (*value).to_owned()).collect())
}

fn loaded(sources: &Sources) -> Settings {
    load(sources).unwrap_or_else(|errors| panic!("{errors}")).settings
}

fn refused(sources: &Sources) -> String {
    load(sources).map(|effective| effective.show().to_string()).unwrap_err().to_string()
}

fn name(text: &str) -> crate::wire::Name {
    text.parse().unwrap()
}

#[test]
fn defaults_stand_alone() {
    let settings = loaded(&Sources::default());
    assert_eq!(settings.cluster_domain, name("cluster.local"));
    assert_eq!(settings.zone, name("peers.cluster.local"));
    assert_eq!(settings.pods, None);
    assert!(settings.label_settings);
    assert_eq!(settings.manifests, []);
    assert_eq!(settings.topologies, []);
    assert_eq!(settings.server.listen, ["0.0.0.0:53".parse().unwrap(), "[::]:53".parse().unwrap()]);
    assert_eq!((settings.server.ttl, settings.server.negative_ttl, settings.server.udp_max), (None, 5, 1232));
    assert_eq!(settings.server.tcp.idle_timeout, std::time::Duration::from_secs(15));
}

#[test]
fn the_example_holds_the_defaults_and_names_every_setting() {
    let text = include_str!("../../deploy/rosterd.toml");
    assert_eq!(loaded(&file(text)), loaded(&Sources::default()));
    for key in key::ROOT.iter().chain(key::TOPOLOGY) {
        let last = key.path.rsplit('.').next().unwrap();
        assert!(
            text.contains(&format!("\n{last} = ")) || text.contains(&format!("\n# {last} = ")),
            "{}",
            key.path
        );
    }
    // What is commented out is right too.
    let lines = text.lines().skip_while(|line| *line != "[server]");
    let uncommented: Vec<&str> = lines
        .map(|line| {
            let inner = line.trim_start_matches("# ");
            if inner.contains(" = ") || inner.starts_with('[') { inner } else { "" }
        })
        .collect();
    let settings = loaded(&file(&uncommented.join("\n")));
    let expected = Topology {
        name: Some("myapp".into()),
        node_basename: Some("myapp".into()),
        namespaces: Namespaces::Listed(vec!["default".into()]),
        ttl: Some(5),
        ports: Some(vec![PortChoice::Fixed { name: "epmd".into(), protocol: Protocol::Tcp, number: 4369 }]),
        ..Topology::every_service()
    };
    assert_eq!(settings.topologies, [expected]);
}

#[test]
fn a_topology_without_settings_is_every_service() {
    assert_eq!(loaded(&file("[[topologies]]")).topologies, [Topology::every_service()]);
}

#[test]
fn layers_override_each_other_and_origins_are_told() {
    let mut sources = file("zone = 'file.example'\n[server]\nttl = 1\nnegative_ttl = 1\nudp_max = 600\n");
    sources.environment =
        environment(&[("ROSTERD__SERVER__TTL", "2"), ("ROSTERD__SERVER__NEGATIVE_TTL", "2")]);
    sources.flags = vec![flag("--ttl", &["3"])];
    let effective = load(&sources).unwrap();
    let server = &effective.settings.server;
    assert_eq!((server.udp_max, server.negative_ttl, server.ttl), (600, 2, Some(3)));
    for (key, origin) in [
        ("zone", "rosterd.toml:1:8"),
        ("server.udp_max", "rosterd.toml:5:11"),
        ("server.negative_ttl", "ROSTERD__SERVER__NEGATIVE_TTL"),
        ("server.ttl", "--ttl"),
        ("server.workers", "default"),
        ("cluster_domain", "default"),
    ] {
        assert_eq!(effective.origins.of(key).to_string(), origin, "{key}");
    }
}

#[test]
fn lists_are_replaced_whole() {
    let mut sources =
        file("manifests = ['a.yaml', 'b.yaml']\n[server]\nlisten = ['127.0.0.1:1', '127.0.0.1:2']");
    sources.environment = environment(&[("ROSTERD__MANIFESTS", " c.yaml , - ")]);
    sources.flags = vec![flag("--listen", &["127.0.0.1:3"])];
    let settings = loaded(&sources);
    assert_eq!(settings.manifests, [Manifest::Path("c.yaml".into()), Manifest::StandardInput]);
    assert_eq!(settings.server.listen, ["127.0.0.1:3".parse().unwrap()]);
    sources.environment = environment(&[("ROSTERD__MANIFESTS", "")]);
    assert_eq!(loaded(&sources).manifests, []);
}

#[test]
fn paths_are_relative_to_the_file_that_names_them() {
    let mut sources = file("manifests = ['a.yaml', '/b.yaml', '-']");
    sources.file.as_mut().unwrap().path = "etc/rosterd/rosterd.toml".into();
    let path = |text: &str| Manifest::Path(text.into());
    assert_eq!(
        loaded(&sources).manifests,
        [path("etc/rosterd/a.yaml"), path("/b.yaml"), Manifest::StandardInput]
    );
    sources.flags = vec![flag("--manifest", &["a,b.yaml"])];
    assert_eq!(loaded(&sources).manifests, [path("a,b.yaml")]);
}

#[test]
fn flags_and_environment_describe_one_topology() {
    let sources = Sources {
        environment: environment(&[
            ("ROSTERD__TOPOLOGY__SELECTOR", "app in (a, b)"),
            ("ROSTERD__TOPOLOGY__MODE", "hostname"),
            ("ROSTERD__TOPOLOGY__NAMESPACES", "b, ."),
            ("ROSTERD__TOPOLOGY__PORTS", "http,epmd/tcp/4369"),
        ]),
        flags: vec![flag("--mode", &["dns"]), flag("--basename", &["my_app"])],
        own_namespace: Some("a".to_owned()),
        ..Sources::default()
    };
    let effective = load(&sources).unwrap();
    let expected = Topology {
        selector: "app in (a,b)".parse().unwrap(),
        mode: Mode::Dns,
        namespaces: Namespaces::Listed(vec!["a".into(), "b".into()]),
        node_basename: Some("my_app".into()),
        ports: Some(vec![
            PortChoice::Named("http".into()),
            PortChoice::Fixed { name: "epmd".into(), protocol: Protocol::Tcp, number: 4369 },
        ]),
        ..Topology::every_service()
    };
    assert_eq!(effective.settings.topologies, [expected]);
    assert_eq!(effective.origins.of("topologies[0].mode").to_string(), "--mode");
    assert_eq!(effective.origins.of("topologies[0].selector").to_string(), "ROSTERD__TOPOLOGY__SELECTOR");
}

#[test]
fn topologies_of_the_file_exclude_that_one() {
    let mut sources = file("\n[[topologies]]\nname = 'a'");
    sources.environment = environment(&[("ROSTERD__TOPOLOGY__NAME", "b")]);
    sources.flags = vec![flag("--mode", &["dns"])];
    assert_eq!(
        refused(&sources),
        "ROSTERD__TOPOLOGY__NAME: topology.name: describes the only topology, but the file has topologies of its own \
         (rosterd.toml:2:1): take one of the two away\n\
         --mode: topology.mode: describes the only topology, but the file has topologies of its own \
         (rosterd.toml:2:1): take one of the two away"
    );
    sources.file = file("topologies = []").file;
    assert_eq!(loaded(&sources).topologies.len(), 1);
}

#[test]
fn variables_of_kubernetes_and_others_do_not_disturb() {
    let sources = Sources {
        environment: environment(&[
            ("ROSTERD_PORT", "tcp://10.0.0.1:53"),
            ("ROSTERD_PORT_53_UDP_PROTO", "udp"),
            ("ROSTERD_SERVICE_HOST", "10.0.0.1"),
            ("rosterd__zone", "x"),
            ("PATH", "/bin"),
        ]),
        ..Sources::default()
    };
    assert_eq!(loaded(&sources), loaded(&Sources::default()));
}

/// What the `config` crate would turn into another type without a word, and every other type mismatch.
#[test]
fn nothing_is_coerced_in_the_file() {
    for (text, error) in [
        (
            "server.ttl = 7.9",
            "1:14: server.ttl = 7.9: wants a whole number from 0 to 2147483647, not a number with a fraction",
        ),
        (
            "server.ttl = 7.0",
            "1:14: server.ttl = 7.0: wants a whole number from 0 to 2147483647, not a number with a fraction",
        ),
        (
            "server.ttl = '30'",
            "1:14: server.ttl = '30': wants a whole number from 0 to 2147483647, not a string",
        ),
        (
            "server.ttl = true",
            "1:14: server.ttl = true: wants a whole number from 0 to 2147483647, not true or false",
        ),
        ("label_settings = 'yes'", "1:18: label_settings = 'yes': wants true or false, not a string"),
        ("label_settings = 1", "1:18: label_settings = 1: wants true or false, not a whole number"),
        ("zone = 5", "1:8: zone = 5: wants a string, not a whole number"),
        ("zone = 1979-05-27", "1:8: zone = 1979-05-27: wants a string, not a date or time"),
        ("zone = ['a']", "1:8: zone = ['a']: wants a string, not a list"),
        ("[zone]", "1:1: zone: wants a string, not a table"),
        ("manifests = 'a'", "1:13: manifests = 'a': wants a list of strings, not a string"),
        ("manifests = ['a', 5]", "1:19: manifests = 5: wants strings in this list, not a whole number"),
        ("server = 5", "1:10: server = 5: wants a table, [server], not a whole number"),
        ("[topologies]", "1:1: topologies: wants tables, each headed [[topologies]], not a table"),
        (
            "topologies = [1]",
            "1:15: topologies[0] = 1: wants tables, each headed [[topologies]], not a whole number",
        ),
        (
            "server.tcp.idle_timeout = 10",
            "1:27: server.tcp.idle_timeout = 10: wants a string, not a whole number",
        ),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
}

#[test]
fn nothing_is_coerced_in_the_environment() {
    for (variable, value, key, wanted) in [
        ("ROSTERD__SERVER__TTL", "7.9", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", " 7", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", "+7", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", "07", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", "1_000", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", "5s", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__SERVER__TTL", "", "server.ttl", "a whole number from 0 to 2147483647"),
        ("ROSTERD__LABEL_SETTINGS", "yes", "label_settings", "true or false"),
        ("ROSTERD__LABEL_SETTINGS", "1", "label_settings", "true or false"),
        ("ROSTERD__LABEL_SETTINGS", "True", "label_settings", "true or false"),
    ] {
        let sources = Sources { environment: environment(&[(variable, value)]), ..Sources::default() };
        let expected = format!("{variable}: {key} = {value:?}: wants {wanted}, not this text");
        assert_eq!(refused(&sources), expected);
    }
    let sources =
        Sources { environment: environment(&[("ROSTERD__SERVER__TTL", "-1")]), ..Sources::default() };
    assert_eq!(refused(&sources), "ROSTERD__SERVER__TTL: server.ttl = -1: must be from 0 to 2147483647");
}

#[test]
fn impossible_values_are_refused() {
    for (text, error) in [
        ("zone = ''", "1:8: zone = \"\": is empty"),
        ("zone = '.'", "1:8: zone = \".\": the root cannot be meant here"),
        ("zone = 'a..b'", "1:8: zone = \"a..b\": not a domain name: a label is empty"),
        (
            "zone = 'a b'",
            "1:8: zone = \"a b\": not a domain name: ' ' is neither a letter a-z, a digit, a hyphen nor an underscore",
        ),
        (
            "pods = 'verifed'",
            "1:8: pods = \"verifed\": must be \"verified\", \"insecure\" or \"disabled\"; did you mean \"verified\"?",
        ),
        (
            "reverse_zones = ['10.0.0.0/8', '10.0.0.0/9']",
            "1:32: reverse_zones = \"10.0.0.0/9\": a reverse zone ends at a whole label: the prefix length must be a \
             multiple of 8",
        ),
        (
            "reverse_zones = ['10.1.0.0/8']",
            "1:18: reverse_zones = \"10.1.0.0/8\": has bits set behind its prefix; the network is \"10.0.0.0/8\"",
        ),
        (
            "reverse_zones = ['example.org']",
            "1:18: reverse_zones = \"example.org\": not a reverse zone: wants a name such as \"10.in-addr.arpa\" or a \
             network such as \"10.0.0.0/8\"",
        ),
        ("manifests = ['']", "1:14: manifests = \"\": is empty"),
        ("manifests = ['-', '-']", "1:19: manifests = \"-\": stands in the list twice"),
        (
            "server.listen = ['127.0.0.1']",
            "1:18: server.listen = \"127.0.0.1\": not an address with a port, such as \"127.0.0.1:5300\", \
             \"[::1]:5300\" or \"0.0.0.0:53\"",
        ),
        ("server.listen = []", "1:17: server.listen = []: is an empty list; leave the setting out instead"),
        (
            "server.advertise = ['10.0.0.1:53']",
            "1:21: server.advertise = \"10.0.0.1:53\": not an IP address, such as \"192.0.2.1\" or \"2001:db8::1\"",
        ),
        (
            "server.advertise = ['::']",
            "1:21: server.advertise = \"::\": not an address that clients can ask: it is unspecified, multicast or \
             broadcast",
        ),
        (
            "server.hostmaster = 'admin@example.org'",
            "1:21: server.hostmaster = \"admin@example.org\": a mail address is written as a domain name here, with a \
             dot for the @: \"admin@example.org\" is \"admin.example.org\"",
        ),
        ("server.ttl = -1", "1:14: server.ttl = -1: must be from 0 to 2147483647"),
        ("server.ttl = 2147483648", "1:14: server.ttl = 2147483648: must be from 0 to 2147483647"),
        (
            "server.ttl = 99999999999999999999",
            "1:14: server.ttl = 99999999999999999999: must be from 0 to 2147483647",
        ),
        ("server.udp_max = 0x100", "1:18: server.udp_max = 256: must be from 512 to 4096"),
        ("server.workers = 0", "1:18: server.workers = 0: must be from 1 to 1024"),
        (
            "server.tcp.read_timeout = '10'",
            "1:27: server.tcp.read_timeout = \"10\": not a duration: a whole number and ms, s, m or h, such as \
             \"500ms\", \"10s\" or \"2m\"",
        ),
        ("server.tcp.read_timeout = '0s'", "1:27: server.tcp.read_timeout = \"0s\": must be from 1ms to 24h"),
        (
            "topologies = [{ name = 'My_App' }]",
            "1:24: topologies[0].name = \"My_App\": not a lower-case RFC 1123 label: 1 to 63 of the characters a-z, \
             0-9 and -, with no - first or last",
        ),
        (
            "topologies = [{ node_basename = 'my.app' }]",
            "1:33: topologies[0].node_basename = \"my.app\": not the first part of a node name: letters, digits, _ \
             and - only, and at least one",
        ),
        (
            "topologies = [{ selector = 'app in' }]",
            "1:28: topologies[0].selector = \"app in\": not a label selector: the end at character 7, expected `(`",
        ),
        (
            "topologies = [{ namespaces = [] }]",
            "1:30: topologies[0].namespaces = []: is an empty list; leave the setting out instead",
        ),
        (
            "topologies = [{ records = ['A', 'a'] }]",
            "1:33: topologies[0].records = \"a\": must be \"A\", \"AAAA\", \"SRV\" or \"TXT\"; did you mean \"A\"?",
        ),
        (
            "topologies = [{ ports = ['http/tcp/0'] }]",
            "1:26: topologies[0].ports = \"http/tcp/0\": not a port: wants an object's port name, \"http\", or \
             name/protocol/number, \"http/tcp/8080\"",
        ),
        (
            "topologies = [{ mode = 'ips' }]",
            "1:24: topologies[0].mode = \"ips\": must be \"ip\", \"dns\", \"hostname\" or \"peer\"; did you mean \
             \"ip\"?",
        ),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
}

#[test]
fn unknown_keys_are_refused_with_the_near_one() {
    for (text, error) in [
        ("Zone = 'a'", "1:1: Zone = 'a': no such setting; did you mean \"zone\"?"),
        ("server.lissten = []", "1:8: server.lissten = []: no such setting; did you mean \"listen\"?"),
        ("[sever]\nttl = 5", "1:2: sever: no such setting; did you mean \"server\"?"),
        ("ttl = 5", "1:1: ttl = 5: no such setting; did you mean \"server.ttl\"?"),
        ("'server.ttl' = 5", "1:1: server.ttl = 5: no such setting; did you mean server.ttl without quotes?"),
        (
            "[[topologies]]\nbasename = 'a'",
            "2:1: topologies[0].basename = 'a': no such setting; did you mean \"node_basename\"?",
        ),
        ("topology.mode = 'ip'", "1:1: topology: no such setting; did you mean \"topologies\"?"),
        ("kubeconfig = 'x'", "1:1: kubeconfig = 'x': no such setting"),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
    for (variable, error) in [
        (
            "ROSTERD__SERVER__LISTN",
            "server.listn = \"x\": no such setting; did you mean ROSTERD__SERVER__LISTEN?",
        ),
        ("ROSTERD__server__ttl", "server.ttl = \"x\": no such setting; did you mean ROSTERD__SERVER__TTL?"),
        (
            "ROSTERD__TOPOLOGIES__0__MODE",
            "topologies.0.mode = \"x\": no such setting; did you mean ROSTERD__TOPOLOGY__MODE?",
        ),
        ("ROSTERD__", " = \"x\": no such setting"),
        ("ROSTERD__KUBECONFIG", "kubeconfig = \"x\": no such setting"),
    ] {
        let sources = Sources { environment: environment(&[(variable, "x")]), ..Sources::default() };
        assert_eq!(refused(&sources), format!("{variable}: {}", error.trim_start_matches(" = \"x\": ")));
    }
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    let errors = refused(&file("zone = 'a'\nserver = \n[x\n"));
    let places: Vec<&str> = errors.lines().filter_map(|line| line.split(": not TOML: ").next()).collect();
    assert_eq!(places, ["rosterd.toml:2:10", "rosterd.toml:3:3"], "{errors}");
    assert!(
        refused(&file("zone = 'a'\nzone = 'b'")).starts_with("rosterd.toml:2:1: not TOML: duplicate key")
    );
}

#[test]
fn values_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![b'a', 0xff]);
    let sources = Sources { environment: vec![("ROSTERD__ZONE".into(), value)], ..Sources::default() };
    assert_eq!(refused(&sources), "ROSTERD__ZONE: zone = \"a\u{fffd}\": not UTF-8");
}

#[test]
fn conflicts_between_keys_are_refused() {
    for (text, error) in [
        (
            "zone = 'pod.cluster.local'",
            "1:8: zone = \"pod.cluster.local\": two zones have the apex pod.cluster.local: this one and pods (default)",
        ),
        (
            "reverse_zones = ['10.0.0.0/8', '10.in-addr.arpa']",
            "1:32: reverse_zones = \"10.in-addr.arpa\": two zones have the apex 10.in-addr.arpa: this one and \
             reverse_zones (rosterd.toml:1:18)",
        ),
        (
            "reverse_zones = ['10.0.0.0/8']\nzone = '10.in-addr.arpa'",
            "1:18: reverse_zones = \"10.in-addr.arpa\": two zones have the apex 10.in-addr.arpa: this one and zone \
             (rosterd.toml:2:8)",
        ),
        (
            "topologies = [{ name = 'a' }, {}, { name = 'a' }]",
            "1:44: topologies[2].name = \"a\": the topology at rosterd.toml:1:24 has this name too; names of \
             topologies are unique",
        ),
        (
            "topologies = [{ family = 'ipv4', prefer = 'ipv6' }]",
            "1:43: topologies[0].prefer = \"ipv6\": names peers by a family that family = \"ipv4\" leaves out: take \
             one of the two away",
        ),
        (
            "topologies = [{ namespaces = ['.'] }]",
            "1:31: topologies[0].namespaces = \".\": \".\" is the namespace rosterd runs in, which is not known here: \
             name the namespace, or set POD_NAMESPACE",
        ),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
    for fine in [
        "zone = 'pod.cluster.local'\npods = 'disabled'",
        "zone = 'cluster.local'",
        "topologies = [{}, {}]",
        "topologies = [{ family = 'ipv6' }]",
        "reverse_zones = ['10.0.0.0/8', '10.1.0.0/16']",
    ] {
        loaded(&file(fine));
    }
    let sources = Sources {
        flags: vec![flag("--namespace", &["."])],
        own_namespace: Some("No".to_owned()),
        ..Sources::default()
    };
    assert_eq!(
        refused(&sources),
        "--namespace: topologies[0].namespaces = \".\": \".\" is the namespace rosterd runs in, said to be \"No\": not \
         a lower-case RFC 1123 label: 1 to 63 of the characters a-z, 0-9 and -, with no - first or last"
    );
}

#[test]
fn the_longest_zone_leaves_room_for_the_longest_name() {
    let of_octets = |octets: usize| format!("{}.{}", "a".repeat(20), "b".repeat(octets - 23));
    for (key, limit) in [("zone", 53), ("cluster_domain", 59)] {
        let longest = of_octets(limit);
        assert_eq!(name(&longest).as_wire().len(), limit);
        loaded(&file(&format!("{key} = '{longest}'")));
        let long = of_octets(limit + 1);
        assert_eq!(
            refused(&file(&format!("{key} = '{long}'"))),
            format!(
                "rosterd.toml:1:{}: {key} = \"{long}\": too long: {} octets on the wire, and the longest names below \
                 it leave room for {limit}",
                key.len() + 4,
                limit + 1
            )
        );
    }
}

#[test]
fn all_errors_come_at_once_in_file_order() {
    let mut sources = file(
        "zone = 7\npods = 'x'\nreverse_zones = ['1', '10.0.0.0/8', '2']\n\n[[topologies]]\nmode = 'x'\nttl = '5'\n\
         [server]\nlisten = ['y']\nlissten = 5\n",
    );
    sources.environment = environment(&[("ROSTERD__SERVER__TTL", "x"), ("ROSTERD__NO", "")]);
    sources.flags = vec![flag("--listen", &["127.0.0.1:1", "z"])];
    let places: Vec<String> =
        load(&sources).unwrap_err().iter().map(|error| format!("{} {}", error.origin, error.key)).collect();
    assert_eq!(
        places,
        [
            "rosterd.toml:1:8 zone",
            "rosterd.toml:2:8 pods",
            "rosterd.toml:3:18 reverse_zones",
            "rosterd.toml:3:37 reverse_zones",
            "rosterd.toml:6:8 topologies[0].mode",
            "rosterd.toml:7:7 topologies[0].ttl",
            "rosterd.toml:9:11 server.listen",
            "rosterd.toml:10:1 server.lissten",
            "ROSTERD__NO no",
            "ROSTERD__SERVER__TTL server.ttl",
            "--listen server.listen",
        ]
    );
}

#[test]
fn wrong_settings_that_are_overridden_are_still_errors() {
    let mut sources = file("zone = 'a b'");
    sources.flags = vec![flag("--zone", &["example.org"])];
    assert!(refused(&sources).starts_with("rosterd.toml:1:8: zone = \"a b\": "));
}

#[test]
fn long_values_are_cut_in_errors_and_stay_on_one_line() {
    let text = format!("zone = [\n'{}',\n'b']", "a".repeat(100));
    let expected = format!("rosterd.toml:1:8: zone = [ '{}…: wants a string, not a list", "a".repeat(57));
    assert_eq!(refused(&file(&text)), expected);
}

#[test]
fn show_tells_settings_and_origins() {
    let mut sources = file("zone = 'p.example'\n[[topologies]]\nname = 'a'\n");
    sources.environment = environment(&[("ROSTERD__SERVER__TTL", "30")]);
    sources.flags = vec![flag("--listen", &["127.0.0.1:5300"])];
    let expected = "\
cluster_domain = \"cluster.local\"       # default
zone = \"p.example\"                     # rosterd.toml:1
# pods is not set: \"verified\" where all pods are known, else \"insecure\"
reverse_zones = []                     # default
label_settings = true                  # default
manifests = []                         # default

[server]
listen = [\"127.0.0.1:5300\"]            # --listen
advertise = []                         # default
# nameserver is not set: ns.dns. before the zone
# hostmaster is not set: hostmaster. before the zone
ttl = 30                               # ROSTERD__SERVER__TTL
negative_ttl = 5                       # default
udp_max = 1232                         # default
recursion_available = false            # default
# workers is not set: the number of CPUs

[server.tcp]
max_connections = 4096                 # default
max_connections_per_address = 256      # default
idle_timeout = \"15s\"                   # default
read_timeout = \"3s\"                    # default
write_timeout = \"5s\"                   # default

[[topologies]]                         # rosterd.toml:2
name = \"a\"                             # rosterd.toml:3
# node_basename is not set: the name of the set
selector = \"\"                          # default
# namespaces is not set: all
mode = \"ip\"                            # default
include = \"ready\"                      # default
when_empty = \"nothing\"                 # default
srv_host = \"mode\"                      # default
records = [\"A\", \"AAAA\", \"SRV\", \"TXT\"]  # default
# ttl is not set: the server's
family = \"any\"                         # default
prefer = \"ipv4\"                        # default
# ports is not set: those of the objects, else epmd/tcp/4369
";
    assert_eq!(load(&sources).unwrap().show().to_string(), expected);
}

fn any_name() -> impl Strategy<Value = crate::wire::Name> {
    "[a-z0-9_-]{1,12}(\\.[a-z0-9_-]{1,12}){0,2}".prop_map(|text| text.parse().unwrap())
}

fn any_label() -> impl Strategy<Value = Box<str>> {
    "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?".prop_map(Into::into)
}

fn any_port() -> impl Strategy<Value = PortChoice> {
    let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    let fixed = (prop_oneof![Just("".into()), any_label()], protocol, 1_u16..);
    prop_oneof![
        any_label().prop_map(PortChoice::Named),
        fixed.prop_map(|(name, protocol, number)| PortChoice::Fixed { name, protocol, number }),
    ]
}

prop_compose! {
    fn any_topology()(
        name in prop::option::of(any_label()),
        node_basename in prop::option::of("[0-9A-Za-z_-]{1,20}".prop_map(Box::from)),
        selector in prop::sample::select(vec!["", "app=myapp", "a in (x,y),!b", "c!=d,e"]),
        namespaces in prop::option::of(prop::collection::btree_set(any_label(), 1..4)),
        mode in prop::sample::select(vec![Mode::Ip, Mode::Dns, Mode::Hostname, Mode::Peer]),
        include in prop::sample::select(vec![Include::Ready, Include::Serving, Include::All]),
        when_empty in prop::sample::select(vec![WhenEmpty::Nothing, WhenEmpty::Serving, WhenEmpty::All]),
        srv_host in prop::sample::select(vec![SrvHost::Mode, SrvHost::Peer]),
        records in 1_u8..16,
        ttl in prop::option::of(0_u32..=0x7fff_ffff),
        (family, prefer) in prop::sample::select(vec![
            (Family::Any, Prefer::Ipv4), (Family::Any, Prefer::Ipv6), (Family::Ipv4, Prefer::Ipv4),
            (Family::Ipv6, Prefer::Ipv6), (Family::Ipv6, Prefer::Ipv4),
        ]),
        ports in prop::option::of(prop::collection::vec(any_port(), 1..4)),
    ) -> Topology {
        let mut ports = ports;
        if let Some(ports) = &mut ports {
            let mut seen = std::collections::BTreeSet::new();
            ports.retain(|port| seen.insert(values::port_text(port)));
        }
        let on = |bit: u8| records & bit != 0;
        Topology {
            name, node_basename, mode, include, when_empty, srv_host, ttl, family, prefer, ports,
            selector: selector.parse().unwrap(),
            namespaces: namespaces.map_or(Namespaces::All, |names| Namespaces::Listed(names.into_iter().collect())),
            records: crate::roster::RecordTypes { a: on(1), aaaa: on(2), srv: on(4), txt: on(8) },
        }
    }
}

prop_compose! {
    fn any_server()(
        listen in prop::collection::btree_set(any::<std::net::SocketAddr>(), 1..4),
        advertise in prop::collection::btree_set(any::<std::net::IpAddr>(), 0..4),
        nameserver in prop::option::of(any_name()),
        hostmaster in prop::option::of(prop::collection::vec(any::<u8>(), 1..9)),
        ttl in prop::option::of(0_u32..=0x7fff_ffff),
        negative_ttl in 0_u32..=0x7fff_ffff,
        udp_max in 512_u16..=4096,
        recursion_available: bool,
        workers in prop::option::of(1_usize..=1024),
        limits in (1_usize..=1_000_000, 1_usize..=1_000_000),
        timeouts in prop::array::uniform3((1_u64..=86_400_000).prop_map(std::time::Duration::from_millis)),
    ) -> ServerSettings {
        // A flow label has no text form.
        let listen = listen.into_iter().map(|address| match address {
            std::net::SocketAddr::V6(v6) => std::net::SocketAddr::new((*v6.ip()).into(), v6.port()),
            v4 @ std::net::SocketAddr::V4(_) => v4,
        });
        let mut listen: Vec<_> = listen.collect();
        listen.dedup();
        let hostmaster = hostmaster.map(|mut label| {
            label.retain(|octet| *octet != b'@');
            label.push(b'x');
            crate::wire::Name::below([label.as_slice()], &name("example")).unwrap()
        });
        let [idle_timeout, read_timeout, write_timeout] = timeouts;
        ServerSettings {
            listen,
            advertise: advertise.into_iter().filter(|ip| values::advertised(&ip.to_string()).is_ok()).collect(),
            nameserver, hostmaster, ttl, negative_ttl, udp_max, recursion_available, workers,
            tcp: TcpSettings {
                max_connections: limits.0,
                max_connections_per_address: limits.1,
                idle_timeout, read_timeout, write_timeout,
            },
        }
    }
}

prop_compose! {
    fn any_settings()(
        cluster_domain in any_name(),
        zone in any_name(),
        pods in prop::option::of(prop::sample::select(vec![Pods::Verified, Pods::Insecure, Pods::Disabled])),
        reverse_zones in prop::collection::btree_set(
            (0_u8.., 0_u8..).prop_map(|(a, b)| name(&format!("{a}.{b}.in-addr.arpa"))), 0..3),
        label_settings: bool,
        manifests in prop::collection::btree_set("-|/[^\\x00]{1,20}", 0..4),
        topologies in prop::collection::vec(any_topology(), 0..4),
        server in any_server(),
    ) -> Settings {
        let mut topologies = topologies;
        let mut seen = std::collections::BTreeSet::new();
        topologies.retain(|topology| topology.name.is_none() || seen.insert(topology.name.clone()));
        let manifest = |text: String| match text.as_str() {
            "-" => Manifest::StandardInput,
            _ => Manifest::Path(text.into()),
        };
        Settings {
            cluster_domain, zone, pods, label_settings, topologies, server,
            reverse_zones: reverse_zones.into_iter().collect(),
            manifests: manifests.into_iter().map(manifest).collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_show_prints_reads_back_the_same(settings in any_settings()) {
        let shown = Effective { settings: settings.clone(), origins: Origins::default() }.show().to_string();
        let read = load(&file(&shown));
        prop_assert_eq!(read.map(|effective| effective.settings), Ok(settings), "{}", shown);
    }

    #[test]
    fn any_file_and_environment_is_read_or_refused(text in "\\PC{0,200}", value in "\\PC{0,40}", index in 0_usize..40) {
        let keys: Vec<_> = key::ROOT.iter().collect();
        let variable = format!("{PREFIX}{}", keys[index % keys.len()].path.replace('.', "__").to_uppercase());
        let mut sources = file(&text);
        sources.environment = environment(&[(&variable, &value)]);
        if let Err(errors) = load(&sources) {
            prop_assert!(errors.iter().count() > 0);
        }
    }
}
