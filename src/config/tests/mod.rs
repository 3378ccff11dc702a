//! Whole layers together: precedence, origins, what is shown.

mod errors;
mod kubernetes;
mod round_trip;

use super::*;
use crate::roster::{Mode, Namespaces, PortChoice, Protocol, Topology};
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
    let server = &settings.server;
    assert_eq!((&server.nsid, &server.identity, &server.version), (&None, &None, &None));
    assert_eq!(server.cookies, CookieSettings { enabled: false, require: false, secret_file: None });
    assert_eq!((server.rate_limit.answers_per_second, &server.access), (None, &Vec::new()));
}

#[test]
fn the_example_holds_the_defaults_and_names_every_setting() {
    let text = include_str!("../../../deploy/rosterd.toml");
    assert_eq!(loaded(&file(text)), loaded(&Sources::default()));
    let tables = [key::TOPOLOGIES, key::ACCESS, key::TRANSFER_KEYS, key::SECONDARIES]
        .map(|path| key::tables(path).unwrap().keys);
    for key in key::ROOT.iter().chain(tables.into_iter().flatten()) {
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
    assert_eq!(settings.server.access.len(), 2);
}

#[test]
fn access_rules_are_read_in_their_order() {
    let sources = file(
        "[[server.access]]\naction = 'allow'\nclients = ['10.0.0.0/8', '::1']\nzones = ['a.example']\n\
         [[server.access]]\naction = 'deny'\ntransports = ['tcp']\n",
    );
    let effective = load(&sources).unwrap();
    let network = |text| values::network(text).unwrap();
    assert_eq!(
        effective.settings.server.access,
        [
            AccessRule {
                action: Access::Allow,
                clients: Some(vec![network("10.0.0.0/8"), network("::1/128")]),
                zones: Some(vec![name("a.example")]),
                transports: None,
            },
            AccessRule {
                action: Access::Deny,
                clients: None,
                zones: None,
                transports: Some(vec![Transport::Tcp]),
            },
        ]
    );
    assert_eq!(effective.origins.of("server.access[1].transports[0]").to_string(), "rosterd.toml:7:15");
    for (text, error) in [
        ("server.access = [{}]", "1:18: server.access[0].action: has no value"),
        (
            "server.access = [{ action = 'drop' }]",
            "1:29: server.access[0].action = \"drop\": must be \"allow\" or \"deny\"",
        ),
        (
            "server.access = [{ action = 'deny', clients = ['10.0.0.1/8'] }]",
            "1:48: server.access[0].clients = \"10.0.0.1/8\": has bits set behind its prefix; the network is \"10.0.0.0/8\"",
        ),
        (
            "server.access = [{ action = 'deny', client = [] }]",
            "1:37: server.access[0].client = []: no such setting; did you mean \"clients\"?",
        ),
        (
            "server.access = [{ action = 'deny', zones = [] }]",
            "1:45: server.access[0].zones = []: is an empty list; leave the setting out instead",
        ),
    ] {
        assert_eq!(refused(&file(text)), format!("rosterd.toml:{error}"), "{text}");
    }
}

#[test]
fn files_of_tls_are_relative_to_the_file_that_names_them() {
    let mut sources = file("server.tls.certificate = 'tls.crt'\nserver.tls.key = '/tls.key'\n");
    sources.file.as_mut().unwrap().path = "etc/rosterd.toml".into();
    let tls = loaded(&sources).server.tls;
    assert_eq!((tls.certificate, tls.key), (Some("etc/tls.crt".into()), Some("/tls.key".into())));
    assert_eq!(tls.client_ca, None);
}

#[test]
fn the_secret_file_is_relative_to_the_file_that_names_it() {
    let mut sources = file("server.cookies.secret_file = 'cookie'");
    sources.file.as_mut().unwrap().path = "etc/rosterd.toml".into();
    assert_eq!(loaded(&sources).server.cookies.secret_file, Some("etc/cookie".into()));
    assert!(refused(&file("server.cookies.secret_file = ''")).ends_with(": is empty"));
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
    sources.environment.clear();
    sources.file = file(
        "topologies = [{ name = 'a', namespaces = ['.', 'b'] }, { name = 'a' }, { name = 'b' }, \
         { family = 'ipv4', prefer = 'ipv6' }]",
    )
    .file;
    let errors = load(&sources).unwrap_err();
    let keys: Vec<String> = errors.iter().map(|error| format!("{} {}", error.origin, error.key)).collect();
    assert_eq!(
        keys,
        [
            "rosterd.toml:1:43 topologies[0].namespaces",
            "rosterd.toml:1:65 topologies[1].name",
            "rosterd.toml:1:116 topologies[3].prefer",
            "--mode topology.mode",
        ]
    );
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

#[test]
fn wrong_settings_that_are_overridden_are_still_errors() {
    let mut sources = file("zone = 'a b'");
    sources.flags = vec![flag("--zone", &["example.org"])];
    assert!(refused(&sources).starts_with("rosterd.toml:1:8: zone = \"a b\": "));
}

const SHOWN: &str = "\
cluster_domain = \"cluster.local\"            # default
zone = \"p.example\"                          # rosterd.toml:1
# pods is not set: \"verified\" with manifests and where the Pods of all namespaces are watched, else \"insecure\"
reverse_zones = []                          # default
label_settings = true                       # default
zone_files = []                             # default
manifests = []                              # default

[kubernetes]
watch = \"endpointslices\"                    # default
watch_pods = false                          # default
# kubeconfig is not set: the cluster around, or the user's own where a context is set
# context is not set: the current one of the kubeconfig
page_size = 500                             # default
streaming_lists = false                     # default
stale_after = \"1m\"                          # default
leave_out_after = \"1m\"                      # default

[server]
listen = [\"127.0.0.1:5300\"]                 # --listen
listen_tls = []                             # default
listen_https = []                           # default
listen_quic = []                            # default
advertise = []                              # default
# nameserver is not set: ns.dns. before the zone
# hostmaster is not set: hostmaster. before the zone
ttl = 30                                    # ROSTERD__SERVER__TTL
negative_ttl = 5                            # default
udp_max = 1232                              # default
recursion_available = false                 # default
# workers is not set: the number of CPUs
lameduck = \"5s\"                             # default
# nsid is not set: no identifier
# identity is not set: id.server is refused
# version is not set: version.server is refused

[server.udp]
batch = 32                                  # default
receive_buffer = 1048576                    # default
send_buffer = 1048576                       # default
pin = false                                 # default

[server.tcp]
max_connections = 4096                      # default
max_connections_per_address = 256           # default
idle_timeout = \"15s\"                        # default
read_timeout = \"3s\"                         # default
write_timeout = \"5s\"                        # default

[server.tls]
# certificate is not set: no encrypted transport
# key is not set: no encrypted transport
# client_ca is not set: clients need no certificate
max_connections = 1024                      # default
max_connections_per_address = 256           # default
max_handshakes = 64                         # default
handshake_timeout = \"3s\"                    # default

[server.cookies]
enabled = false                             # default
require = false                             # default
# secret_file is not set: a random secret of this process

[server.rate_limit]
# answers_per_second is not set: no limit
slip = 2                                    # default
ipv4_prefix = 24                            # default
ipv6_prefix = 56                            # default

[server.dnstap]
# socket is not set: no dnstap
messages = [\"auth_query\", \"auth_response\"]  # default
# identity is not set: none is told
# version is not set: rosterd and its version
one_in = 1                                  # default
per_second = 10000                          # default

[transfer]
at_once = 4                                 # default
time = \"5m\"                                 # default
journal = 8388608                           # default
notify_interval = \"1s\"                      # default
# catalog is not set: no zone lists the others
# no secondaries: nobody may fetch a zone

[admin]
# listen is not set: 0.0.0.0:9153 and [::]:9153, where free
# api is not set: 127.0.0.1:9154, where free
ready_when_stale = true                     # default

[state]
# directory is not set: nothing is kept for the next start
interval = \"10s\"                            # default
max_age = \"24h\"                             # default
ready_after = \"5s\"                          # default

[log]
format = \"auto\"                             # default
level = \"info\"                              # default

[log.queries]
# one_in is not set: no query has a line
per_second = 100                            # default

[[topologies]]                              # rosterd.toml:2
name = \"a\"                                  # rosterd.toml:3
# node_basename is not set: the name of the set
selector = \"\"                               # default
# namespaces is not set: all
mode = \"ip\"                                 # default
include = \"ready\"                           # default
when_empty = \"nothing\"                      # default
srv_host = \"mode\"                           # default
records = [\"A\", \"AAAA\", \"SRV\", \"TXT\"]       # default
# ttl is not set: the server's
family = \"any\"                              # default
prefer = \"ipv4\"                             # default
# ports is not set: those of the objects, else epmd/tcp/4369
";

#[test]
fn show_tells_settings_and_origins() {
    let mut sources = file("zone = 'p.example'\n[[topologies]]\nname = 'a'\n");
    sources.environment = environment(&[("ROSTERD__SERVER__TTL", "30")]);
    sources.flags = vec![flag("--listen", &["127.0.0.1:5300"])];
    assert_eq!(load(&sources).unwrap().show().to_string(), SHOWN);
}
