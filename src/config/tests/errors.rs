//! The text of every error, and all of them at once.

use super::*;

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
        (
            "kubeconfig = 'x'",
            "1:1: kubeconfig = 'x': no such setting; did you mean \"kubernetes.kubeconfig\"?",
        ),
        ("[kubernetes]\nresource = 'pods'", "2:1: kubernetes.resource = 'pods': no such setting"),
        (
            "certificate = 'x'",
            "1:1: certificate = 'x': no such setting; did you mean \"server.tls.certificate\"?",
        ),
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
        ("ROSTERD_SERVER_TTL", "no such setting; did you mean ROSTERD__SERVER__TTL?"),
        ("ROSTERD_SERVER__TTL", "no such setting; did you mean ROSTERD__SERVER__TTL?"),
        ("ROSTERD_ZONE", "no such setting; did you mean ROSTERD__ZONE?"),
        (
            "ROSTERD__KUBECONFIG",
            "kubeconfig = \"x\": no such setting; did you mean ROSTERD__KUBERNETES__KUBECONFIG?",
        ),
    ] {
        let sources = Sources { environment: environment(&[(variable, "x")]), ..Sources::default() };
        assert_eq!(refused(&sources), format!("{variable}: {}", error.trim_start_matches(" = \"x\": ")));
    }
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    for (text, expected) in [
        ("zone = 'a'\nzone = 'b'", &["2:1: not TOML: duplicate key `zone`"][..]),
        ("[server]\nttl = 5\nttl = 6", &["3:1: not TOML: duplicate key `ttl`"]),
        ("[server]\n[server]", &["2:2: not TOML: duplicate key `server`"]),
        (
            "zone = 'a'\nserver = \n[x\n",
            &[
                "2:10: not TOML: string values must be quoted, expected literal string, in `server =`",
                "3:3: not TOML: unclosed table, expected `]`, in `[x`",
            ],
        ),
        (
            "zone = 'ü' 'b'",
            &["1:12: not TOML: unexpected key or value, expected newline, `#`, in `zone = 'ü' 'b'`"],
        ),
        (
            "zone = '\u{1b}[2J'",
            &["1:9: not TOML: invalid literal string, expected non-single-quote visible characters, in \
                 `zone = '\u{fffd}[2J'`"],
        ),
    ] {
        let errors = refused(&file(text));
        let lines: Vec<&str> = errors.lines().map(|line| line.trim_start_matches("rosterd.toml:")).collect();
        assert_eq!(lines, expected, "{text}");
    }
    let endless = refused(&file(&format!("zone = {}", "[".repeat(500))));
    assert!(endless.lines().all(|line| line.chars().count() < 200), "{endless}");
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
            "zone = 'default.pod.cluster.local'",
            "1:8: zone = \"default.pod.cluster.local\": lies below the pod zone pod.cluster.local and would hide names \
             of pods: take a zone elsewhere, or pods = \"disabled\"",
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
            "server.listen = ['127.0.0.1:53', '[::]:53', '0.0.0.0:53']",
            "1:18: server.listen = \"127.0.0.1:53\": \"0.0.0.0:53\" (rosterd.toml:1:45) takes this port at all IPv4 \
             addresses, this one among them: take one of the two away",
        ),
        (
            "server.listen = ['[::]:53', '[::1]:53']",
            "1:29: server.listen = \"[::1]:53\": \"[::]:53\" (rosterd.toml:1:18) takes this port at all IPv6 addresses, \
             this one among them: take one of the two away",
        ),
        (
            "[server]\nlisten = ['0.0.0.0:53']\nlisten_tls = ['127.0.0.1:53']\ntls.certificate = 'c'\ntls.key = 'k'",
            "3:15: server.listen_tls = \"127.0.0.1:53\": server.listen (rosterd.toml:2:11) listens there too: take another \
             port for one of the two",
        ),
        (
            "[server]\nlisten_https = ['[::1]:443']\nlisten_tls = ['[::1]:443']\ntls.certificate = 'c'\ntls.key = 'k'",
            "2:17: server.listen_https = \"[::1]:443\": server.listen_tls (rosterd.toml:3:15) listens there too: take \
             another port for one of the two",
        ),
        (
            "server.listen_quic = ['[::1]:853']",
            "1:22: server.listen_quic = \"[::1]:853\": wants a certificate and its key: set server.tls.certificate and \
             server.tls.key",
        ),
        (
            "server.tls.key = 'k'",
            "1:18: server.tls.key = \"k\": is of no use without server.tls.certificate: set both, or neither",
        ),
        ("server.tls.max_handshakes = 0", "1:29: server.tls.max_handshakes = 0: must be from 1 to 100000"),
        (
            "server.listen = ['[::1]:53', '[0::1]:53']",
            "1:30: server.listen = \"[::1]:53\": stands in the list twice",
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
        "server.listen = ['0.0.0.0:53', '[::1]:53', '127.0.0.1:5300', '[::]:5300']",
        "server.listen = ['0.0.0.0:0', '127.0.0.1:0']",
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
fn long_values_are_cut_in_errors_and_stay_on_one_line() {
    let text = format!("zone = [\n'{}',\n'b']", "a".repeat(100));
    let expected = format!("rosterd.toml:1:8: zone = [ '{}…: wants a string, not a list", "a".repeat(57));
    assert_eq!(refused(&file(&text)), expected);
}
