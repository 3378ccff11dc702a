//! Every setting: its key, the type of its value, its default, its flag.

use super::suggest::nearest;
use super::values::{self, Invalid};
use crate::config::values::{RecordType, choose};
use crate::config::{Access, DnstapMessage, LogFormat, LogLevel, Pods, Transport};
use crate::roster::{Family, Include, Mode, ObjectKind, Prefer, SrvHost, TTL_MAX, WhenEmpty};
use std::ops::RangeInclusive;

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    /// Its path in the file, lower case, parts separated by dots. Those of [`TOPOLOGY`] stand in a topology.
    pub(super) path: &'static str,
    /// What its value is.
    pub(super) kind: Kind,
    /// Its default, written as in the environment; none where it may be absent.
    pub(super) default: Option<&'static str>,
    /// Its flag, with dashes.
    pub(super) flag: Option<&'static str>,
}

/// What a value is, and what it must be.
#[derive(Debug)]
pub(super) enum Kind {
    /// A string.
    Text(Check),
    /// A list of strings.
    List {
        /// What each element must be.
        check: Check,
        /// Whether it may have no elements.
        may_be_empty: bool,
    },
    /// A list of paths, or `-`.
    Paths,
    /// A path.
    Path,
    /// A whole number.
    Integer(RangeInclusive<i64>),
    /// True or false.
    Boolean,
}

/// Says why a text cannot be a value.
pub(super) type Check = fn(&str) -> Result<(), Invalid>;

/// TTLs, in seconds.
const TTL: Kind = Kind::Integer(0..=TTL_MAX as i64);

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind, default: None, flag: None }
}

impl Key {
    const fn default(self, text: &'static str) -> Key {
        Key { default: Some(text), ..self }
    }

    const fn flag(self, flag: &'static str) -> Key {
        Key { flag: Some(flag), ..self }
    }
}

const fn list(check: Check) -> Kind {
    Kind::List { check, may_be_empty: true }
}

const fn filled_list(check: Check) -> Kind {
    Kind::List { check, may_be_empty: false }
}

const DOMAIN: Kind = Kind::Text(|text| values::domain(text).map(drop));
const DURATION: Kind = Kind::Text(|text| values::duration(text).map(drop));

/// The settings outside topologies, in the order in which they are shown.
pub(super) static ROOT: &[Key] = &[
    key("cluster_domain", DOMAIN).default("cluster.local").flag("--cluster-domain"),
    key("zone", DOMAIN).default("peers.cluster.local").flag("--zone"),
    key("pods", Kind::Text(|text| choose::<Pods>(text).map(drop))).flag("--pods"),
    key("reverse_zones", list(|text| values::reverse_zone(text).map(drop)))
        .default("")
        .flag("--reverse-zone"),
    key("label_settings", Kind::Boolean).default("true"),
    key("zone_files", Kind::Paths).default("").flag("--zone-file"),
    key("manifests", Kind::Paths).default("").flag("--manifest"),
    key("kubernetes.watch", Kind::Text(|text| choose::<ObjectKind>(text).map(drop)))
        .default("endpointslices"),
    key("kubernetes.watch_pods", Kind::Boolean).default("false"),
    key("kubernetes.kubeconfig", Kind::Path).flag("--kubeconfig"),
    key("kubernetes.context", Kind::Text(values::filled)).flag("--context"),
    // What kubectl and client-go ask for.
    key("kubernetes.page_size", Kind::Integer(1..=10_000)).default("500"),
    key("kubernetes.streaming_lists", Kind::Boolean).default("false"),
    // An API server that is restarted or replaced is back within it, and a dead connection is found within it.
    key("kubernetes.stale_after", Kind::Text(|text| values::stale_after(text).map(drop))).default("60s"),
    key("kubernetes.leave_out_after", DURATION).default("60s"),
    // IPv4 and IPv6 are separate sockets: answers then leave from the address that was asked on either.
    key("server.listen", filled_list(|text| values::listener(text).map(drop)))
        .default("0.0.0.0:53,[::]:53")
        .flag("--listen"),
    // Off unless set. RFC 7858 3.1, RFC 8484, RFC 9250 4.1.1: ports 853, 443 and, of UDP, 853.
    key("server.listen_tls", list(|text| values::listener(text).map(drop))).default(""),
    key("server.listen_https", list(|text| values::listener(text).map(drop))).default(""),
    key("server.listen_quic", list(|text| values::listener(text).map(drop))).default(""),
    key("server.advertise", list(|text| values::advertised(text).map(drop))).default("").flag("--advertise"),
    key("server.nameserver", DOMAIN),
    key("server.hostmaster", Kind::Text(|text| values::hostmaster(text).map(drop))),
    key("server.ttl", TTL).flag("--ttl"),
    key("server.negative_ttl", TTL).default("5"),
    // RFC 6891 6.2.3 sets the lower bound. The default is that of DNS Flag Day 2020: the 1280 octets that every link of
    // IPv6 carries (RFC 8200 5), less 40 of its header and 8 of UDP's. RFC 9715 3.1 recommends at most 1400.
    key("server.udp_max", Kind::Integer(512..=4096)).default("1232"),
    key("server.recursion_available", Kind::Boolean).default("false"),
    key("server.workers", Kind::Integer(1..=1024)),
    // What CoreDNS is deployed with: kube-proxies and probes have heard of the end by then.
    key("server.lameduck", Kind::Text(|text| values::pause(text).map(drop))).default("5s"),
    key("server.nsid", Kind::Text(|text| values::nsid(text).map(drop))),
    key("server.identity", Kind::Text(|text| values::chaos_text(text).map(drop))),
    key("server.version", Kind::Text(|text| values::chaos_text(text).map(drop))),
    // An answer costs 2.0 times a bare echo with 1, 1.45 times with 8, 1.35 times with 32 (benches/README.md).
    key("server.udp.batch", Kind::Integer(1..=32)).default("32"),
    // A burst of several thousand queries. The kernel lowers them to net.core.rmem_max and wmem_max.
    key("server.udp.receive_buffer", Kind::Integer(4096..=1 << 30)).default("1048576"),
    key("server.udp.send_buffer", Kind::Integer(4096..=1 << 30)).default("1048576"),
    // Off: a pinned worker waits for its CPU while others are idle, and the kernel moves threads that do not wait seldom.
    key("server.udp.pin", Kind::Boolean).default("false"),
    key("server.tcp.max_connections", Kind::Integer(1..=1_000_000)).default("4096"),
    // A resolver in front asks for many clients from one address.
    key("server.tcp.max_connections_per_address", Kind::Integer(1..=1_000_000)).default("256"),
    // CoreDNS's `forward` keeps its connections for 10 s: above that, it is never the server that hangs up first.
    key("server.tcp.idle_timeout", DURATION).default("15s"),
    // 3 s and 5 s are CoreDNS's own.
    key("server.tcp.read_timeout", DURATION).default("3s"),
    key("server.tcp.write_timeout", DURATION).default("5s"),
    key("server.tls.certificate", Kind::Path),
    key("server.tls.key", Kind::Path),
    key("server.tls.client_ca", Kind::Path),
    // A connection costs tens of kibibytes: a quarter of those without TLS.
    key("server.tls.max_connections", Kind::Integer(1..=1_000_000)).default("1024"),
    key("server.tls.max_connections_per_address", Kind::Integer(1..=1_000_000)).default("256"),
    key("server.tls.max_handshakes", Kind::Integer(1..=100_000)).default("64"),
    key("server.tls.handshake_timeout", DURATION).default("3s"),
    // Off: a forwarder that does not speak cookies but passes options on, as CoreDNS and dnsmasq do, makes its clients
    // believe that it does. c-ares then drops all answers without one for 2 minutes, those of other names among them.
    key("server.cookies.enabled", Kind::Boolean).default("false"),
    key("server.cookies.require", Kind::Boolean).default("false"),
    key("server.cookies.secret_file", Kind::Path),
    key("server.rate_limit.answers_per_second", Kind::Integer(1..=1_000_000)),
    // Prefixes and slip are those of BIND.
    key("server.rate_limit.slip", Kind::Integer(0..=100)).default("2"),
    key("server.rate_limit.ipv4_prefix", Kind::Integer(0..=32)).default("24"),
    key("server.rate_limit.ipv6_prefix", Kind::Integer(0..=128)).default("56"),
    key("server.dnstap.socket", Kind::Path),
    key("server.dnstap.messages", filled_list(|text| choose::<DnstapMessage>(text).map(drop)))
        .default("auth_query,auth_response"),
    key("server.dnstap.identity", Kind::Text(|text| values::chaos_text(text).map(drop))),
    key("server.dnstap.version", Kind::Text(|text| values::chaos_text(text).map(drop))),
    key("server.dnstap.one_in", Kind::Integer(1..=1_000_000)).default("1"),
    // Some megabytes a second: the copies cost a worker a few percent of its time.
    key("server.dnstap.per_second", Kind::Integer(1..=1_000_000)).default("10000"),
    // BIND's own `transfers-out` is 10 and NSD's 100; each here takes a thread while it runs.
    key("transfer.at_once", Kind::Integer(1..=64)).default("4"),
    // 310,000 records take a secondary that reads at all some seconds.
    key("transfer.time", DURATION).default("5m"),
    // Octets of what changed between transfers, for each zone: some 100,000 records.
    key("transfer.journal", Kind::Integer(0..=1 << 30)).default("8388608"),
    // CoreDNS keeps answers for five seconds by default: a second more is not noticed, and a rolling restart is told once.
    key("transfer.notify_interval", DURATION).default("1s"),
    key("transfer.catalog", DOMAIN),
    key("admin.listen", list(|text| values::listener(text).map(drop))).flag("--admin-listen"),
    key("admin.api", list(|text| values::listener(text).map(drop))).flag("--admin-api"),
    key("admin.ready_when_stale", Kind::Boolean).default("true"),
    key("state.directory", Kind::Path),
    // A list of the largest clusters is some megabytes: a disk does not notice these, and ten seconds are lost at most.
    key("state.interval", DURATION).default("10s"),
    key("state.max_age", DURATION).default("24h"),
    // An API server that is there has answered by then.
    key("state.ready_after", Kind::Text(|text| values::pause(text).map(drop))).default("5s"),
    key("log.format", Kind::Text(|text| choose::<LogFormat>(text).map(drop)))
        .default("auto")
        .flag("--log-format"),
    key("log.level", Kind::Text(|text| choose::<LogLevel>(text).map(drop)))
        .default("info")
        .flag("--log-level"),
    key("log.queries.one_in", Kind::Integer(1..=1_000_000)),
    key("log.queries.per_second", Kind::Integer(1..=10_000)).default("100"),
];

/// The settings of a topology, in the order in which they are shown.
pub(super) static TOPOLOGY: &[Key] = &[
    key("name", Kind::Text(|text| values::label(text).map(drop))).flag("--name"),
    key("node_basename", Kind::Text(|text| values::basename(text).map(drop))).flag("--basename"),
    key("selector", Kind::Text(|text| values::selector(text).map(drop))).default("").flag("--selector"),
    key("namespaces", filled_list(|text| values::namespace(text).map(drop))).flag("--namespace"),
    key("mode", Kind::Text(|text| choose::<Mode>(text).map(drop))).default("ip").flag("--mode"),
    key("include", Kind::Text(|text| choose::<Include>(text).map(drop))).default("ready").flag("--include"),
    key("when_empty", Kind::Text(|text| choose::<WhenEmpty>(text).map(drop))).default("nothing"),
    key("srv_host", Kind::Text(|text| choose::<SrvHost>(text).map(drop))).default("mode"),
    key("records", filled_list(|text| choose::<RecordType>(text).map(drop))).default("A,AAAA,SRV,TXT"),
    key("ttl", TTL),
    key("family", Kind::Text(|text| choose::<Family>(text).map(drop))).default("any"),
    key("prefer", Kind::Text(|text| choose::<Prefer>(text).map(drop))).default("ipv4"),
    key("ports", filled_list(|text| values::port(text).map(drop))),
];

/// The settings of a rule in the access list, in the order in which they are shown.
static ACCESS_RULE: &[Key] = &[
    key("action", Kind::Text(|text| choose::<Access>(text).map(drop))),
    key("clients", filled_list(|text| values::network(text).map(drop))),
    key("zones", filled_list(|text| values::domain(text).map(drop))),
    key("transports", filled_list(|text| choose::<Transport>(text).map(drop))),
];

/// The settings of a key, in the order in which they are shown.
static TRANSFER_KEY: &[Key] = &[key("name", DOMAIN), key("file", Kind::Path)];

/// The settings of a secondary, in the order in which they are shown.
static SECONDARY: &[Key] = &[
    key("clients", filled_list(|text| values::network(text).map(drop))),
    key("key", DOMAIN),
    key("zones", filled_list(|text| values::domain(text).map(drop))),
    key("notify", filled_list(|text| values::notified(text).map(drop))),
    key("incremental", Kind::Boolean).default("true"),
];

/// The list of topologies in the file.
pub(super) const TOPOLOGIES: &str = "topologies";

/// The access list in the file.
pub(super) const ACCESS: &str = "server.access";

/// The keys of signatures in the file.
pub(super) const TRANSFER_KEYS: &str = "transfer.keys";

/// The list of secondaries in the file.
pub(super) const SECONDARIES: &str = "transfer.secondaries";

/// A list of tables, each headed by the path in double brackets. Such lists stand in the file alone.
#[derive(Debug)]
pub(super) struct Tables {
    /// The path of the list.
    pub(super) path: &'static str,
    /// What stands in each table.
    pub(super) keys: &'static [Key],
}

static TABLES: &[Tables] = &[
    Tables { path: TOPOLOGIES, keys: TOPOLOGY },
    Tables { path: ACCESS, keys: ACCESS_RULE },
    Tables { path: TRANSFER_KEYS, keys: TRANSFER_KEY },
    Tables { path: SECONDARIES, keys: SECONDARY },
];

/// Where flags and environment describe their one topology.
pub(super) const ONE_TOPOLOGY: &str = "topology";

/// The setting outside topologies with this path.
pub(super) fn root(path: &str) -> Option<&'static Key> {
    ROOT.iter().find(|key| key.path == path)
}

/// The setting of a topology with this name.
pub(super) fn topology(name: &str) -> Option<&'static Key> {
    TOPOLOGY.iter().find(|key| key.path == name)
}

/// The list of tables at this path.
pub(super) fn tables(path: &str) -> Option<&'static Tables> {
    TABLES.iter().find(|tables| tables.path == path)
}

impl Tables {
    /// The setting of one table with this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.path == name)
    }
}

/// Whether settings stand below this path.
pub(super) fn is_table(path: &str) -> bool {
    ROOT.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The name in the file that was meant by an unknown one below `table` (empty at the top), if any is near: one of the
/// same table, else the whole path of one elsewhere.
pub(super) fn meant(table: &str, name: &str) -> Option<String> {
    if name.contains('.') && root(name).is_some() {
        return Some(format!("{name} without quotes"));
    }
    let below = |path: &'static str| match table {
        "" => Some(path),
        _ => path.strip_prefix(table)?.strip_prefix('.'),
    };
    let siblings: Vec<&str> = match in_tables(table) {
        Some(tables) => tables.keys.iter().map(|key| key.path).collect(),
        None => all_of_root().filter_map(below).filter_map(|rest| rest.split('.').next()).collect(),
    };
    if let Some(sibling) = nearest(name, siblings) {
        return Some(format!("\"{sibling}\""));
    }
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    if let Some(elsewhere) = nearest(name, all_of_root().map(last)) {
        return all_of_root().find(|path| last(path) == elsewhere).map(|path| format!("\"{path}\""));
    }
    TABLES.iter().find_map(|tables| {
        let near = nearest(name, tables.keys.iter().map(|key| key.path))?;
        Some(format!("\"{near}\" in [[{}]]", tables.path))
    })
}

/// The paths of all settings and lists outside of lists.
fn all_of_root() -> impl Iterator<Item = &'static str> {
    ROOT.iter().map(|key| key.path).chain(TABLES.iter().map(|tables| tables.path))
}

/// The list that a table such as `topologies[0]` is in.
fn in_tables(table: &str) -> Option<&'static Tables> {
    tables(table.split_once('[')?.0)
}

impl Kind {
    /// What the value is, for people.
    pub(super) fn wanted(&self) -> String {
        match self {
            Kind::Text(_) | Kind::Path => "a string".to_owned(),
            Kind::List { .. } | Kind::Paths => "a list of strings".to_owned(),
            Kind::Integer(range) => format!("a whole number from {} to {}", range.start(), range.end()),
            Kind::Boolean => "true or false".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_lower_snake_and_unique() {
        for keys in [ROOT, TOPOLOGY, ACCESS_RULE, TRANSFER_KEY, SECONDARY] {
            let mut seen = BTreeSet::new();
            for key in keys {
                assert!(seen.insert(key.path), "{}", key.path);
                let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
                assert!(key.path.chars().all(legal), "{}", key.path);
                assert!(!key.path.contains("__"), "{}: the environment separates with two", key.path);
                assert_ne!(key.path, ONE_TOPOLOGY);
            }
        }
    }

    #[test]
    fn the_near_key_is_found_in_the_table_and_elsewhere() {
        for (table, name, meant_name) in [
            ("", "topology", Some("\"topologies\"")),
            ("", "ttl", Some("\"server.ttl\"")),
            ("", "listen", Some("\"server.listen\"")),
            ("", "Server", Some("\"server\"")),
            ("server", "lissten", Some("\"listen\"")),
            ("server", "zone", Some("\"zone\"")),
            ("server.tcp", "idle", Some("\"idle_timeout\"")),
            ("topologies[0]", "namespace", Some("\"namespaces\"")),
            ("server", "topologies", Some("\"topologies\"")),
            ("", "mode", Some("\"mode\" in [[topologies]]")),
            ("server", "selector", Some("\"selector\" in [[topologies]]")),
            ("server", "acces", Some("\"access\"")),
            ("server.access[1]", "client", Some("\"clients\"")),
            ("", "actions", Some("\"action\" in [[server.access]]")),
            ("", "secondary", Some("\"transfer.secondaries\"")),
            ("", "kubeconfig", Some("\"kubernetes.kubeconfig\"")),
            ("kubernetes", "watch_pod", Some("\"watch_pods\"")),
            ("", "certificate", Some("\"server.tls.certificate\"")),
            ("", "colour", None),
        ] {
            assert_eq!(meant(table, name).as_deref(), meant_name, "{table} {name}");
        }
    }
}
