//! The effective settings, as the rest of the program reads them.

use crate::roster::{ObjectKind, Topology};
use crate::wire::Name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All settings, valid in themselves and with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `cluster_domain`: the cluster's own domain, `cluster.local`.
    pub cluster_domain: Name,
    /// `zone`: the apex of the peer zone, `peers.cluster.local`.
    pub zone: Name,
    /// `pods`: how pod names are served; what is right depends on the source where it is not set.
    pub pods: Option<Pods>,
    /// `reverse_zones`: apexes of reverse zones, each at or below `in-addr.arpa` or `ip6.arpa` on a whole label.
    pub reverse_zones: Vec<Name>,
    /// `label_settings`: whether labels `rosterd.io/…` on Services act.
    pub label_settings: bool,
    /// `zone_files`: master files, and folders with `*.zone` files, followed when they change. Relative ones are resolved
    /// already.
    pub zone_files: Vec<PathBuf>,
    /// `manifests`: where endpoint objects are read from; empty means the Kubernetes API.
    pub manifests: Vec<Manifest>,
    /// `[kubernetes]`.
    pub kubernetes: KubernetesSettings,
    /// `[[topologies]]`, in file order. Empty: every Service is its own set.
    pub topologies: Vec<Topology>,
    /// `[server]`.
    pub server: ServerSettings,
    /// `[transfer]`: zones given to other servers.
    pub transfer: TransferSettings,
    /// `[admin]`.
    pub admin: AdminSettings,
    /// `[state]`.
    pub state: StateSettings,
    /// `[log]`.
    pub log: LogSettings,
}

/// How pod names are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pods {
    /// Addresses that a watched object holds.
    Verified,
    /// Any address below any legal namespace label.
    Insecure,
    /// No pod zone.
    Disabled,
}

/// Where endpoint objects are read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Manifest {
    /// Standard input, `-`, read once to its end.
    StandardInput,
    /// A file or a folder, followed when it changes. Relative ones are resolved already.
    Path(PathBuf),
}

/// `[kubernetes]`: what is watched at the Kubernetes API, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// `watch`: the resource whose objects are peers.
    pub watch: ObjectKind,
    /// `watch_pods`: whether Pods are watched too, for their addresses alone.
    pub watch_pods: bool,
    /// `kubeconfig`: the file that says how the API is reached. A relative one is resolved already.
    pub kubeconfig: Option<PathBuf>,
    /// `context`: the context of the kubeconfig; its current one where not set.
    pub context: Option<String>,
    /// `page_size`: how many objects a page of a list has at most, 1 to 10,000.
    pub page_size: u32,
    /// `streaming_lists`: whether lists are asked for as the beginning of a watch.
    pub streaming_lists: bool,
    /// `stale_after`: how long the API may be unheard until answers say that they may be old.
    pub stale_after: Duration,
    /// `leave_out_after`: after how long a watch that has never delivered no longer holds readiness back.
    pub leave_out_after: Duration,
    /// Whether the environment says that this program runs in a cluster.
    pub in_cluster: bool,
}

/// Where endpoint objects come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// Manifests, at least one.
    Manifests(&'a [Manifest]),
    /// The Kubernetes API, as a kubeconfig says.
    Kubeconfig {
        /// The file; the user's own where not set.
        path: Option<&'a Path>,
        /// The context; the file's current one where not set.
        context: Option<&'a str>,
    },
    /// The Kubernetes API of the cluster that this program runs in.
    InCluster,
}

impl Settings {
    /// The source of endpoint objects: manifests, else what a kubeconfig says, else the cluster around; `None` where
    /// nothing names one.
    pub fn source(&self) -> Option<Source<'_>> {
        let KubernetesSettings { kubeconfig, context, in_cluster, .. } = &self.kubernetes;
        if !self.manifests.is_empty() {
            Some(Source::Manifests(&self.manifests))
        } else if kubeconfig.is_some() || context.is_some() {
            Some(Source::Kubeconfig { path: kubeconfig.as_deref(), context: context.as_deref() })
        } else {
            in_cluster.then_some(Source::InCluster)
        }
    }
}

/// `[server]`: how it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// `listen`: addresses for UDP and TCP. Port 0 takes a free one, the same for both.
    pub listen: Vec<SocketAddr>,
    /// `listen_tls`: addresses for DNS over TLS; none where empty.
    pub listen_tls: Vec<SocketAddr>,
    /// `listen_https`: addresses for DNS over HTTPS; none where empty.
    pub listen_https: Vec<SocketAddr>,
    /// `listen_quic`: addresses for DNS over QUIC; none where empty.
    pub listen_quic: Vec<SocketAddr>,
    /// `advertise`: the addresses of `ns.dns.<zone>`; found out at start where empty.
    pub advertise: Vec<IpAddr>,
    /// `nameserver`: MNAME and NS of the generated zones where they are not `ns.dns.<zone>`.
    pub nameserver: Option<Name>,
    /// `hostmaster`: RNAME of the generated zones, as a domain name; `hostmaster.<zone>` where not set.
    pub hostmaster: Option<Name>,
    /// `ttl`: TTL in seconds; `None` where no setting gave it: 5, and 0 for `RRset`s of more than 90 RRs.
    pub ttl: Option<u32>,
    /// `negative_ttl`: TTL of negative answers in seconds, 5.
    pub negative_ttl: u32,
    /// `udp_max`: the largest UDP answer in octets, 512 to 4096, 1232 (DNS Flag Day 2020).
    pub udp_max: u16,
    /// `recursion_available`: whether answers carry RA, for stubs that insist on it.
    pub recursion_available: bool,
    /// `workers`: UDP threads per listening address; the number of CPUs where not set.
    pub workers: Option<usize>,
    /// `lameduck`: how long it goes on answering, without being ready, once it has been asked to end.
    pub lameduck: Duration,
    /// `nsid`: what a client is told that asks for the name server's identifier (RFC 5001), 1 to 128 octets.
    pub nsid: Option<Box<[u8]>>,
    /// `identity`: what `id.server` says in class CH, 1 to 255 octets.
    pub identity: Option<Box<str>>,
    /// `version`: what `version.server` says in class CH, 1 to 255 octets.
    pub version: Option<Box<str>>,
    /// `[server.udp]`.
    pub udp: UdpSettings,
    /// `[server.tcp]`.
    pub tcp: TcpSettings,
    /// `[server.tls]`.
    pub tls: TlsSettings,
    /// `[server.cookies]`.
    pub cookies: CookieSettings,
    /// `[server.rate_limit]`.
    pub rate_limit: RateLimitSettings,
    /// `[server.dnstap]`.
    pub dnstap: DnstapSettings,
    /// `[[server.access]]`: rules in file order, of which the first that fits decides.
    pub access: Vec<AccessRule>,
}

/// `[server.dnstap]`: queries and answers for a collector of dnstap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnstapSettings {
    /// `socket`: the collector's Unix socket; no dnstap where not set. A relative one is resolved already.
    pub socket: Option<PathBuf>,
    /// `messages`: what it is sent.
    pub messages: Vec<DnstapMessage>,
    /// `identity`: this server's name in each message; none where not set.
    pub identity: Option<Box<str>>,
    /// `version`: the program's; its own name and version where not set.
    pub version: Option<Box<str>>,
    /// `one_in`: every how manieth query is noted.
    pub one_in: u32,
    /// `per_second`: how many queries are noted in a second at most.
    pub per_second: u32,
}

/// A type of message of dnstap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnstapMessage {
    /// `AUTH_QUERY`.
    AuthQuery,
    /// `AUTH_RESPONSE`.
    AuthResponse,
}

/// `[admin]`: what is told over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSettings {
    /// `listen`: where probes and metrics are. Not set: [`AdminSettings::LISTEN`], as far as these are free.
    pub listen: Option<Vec<SocketAddr>>,
    /// `api`: where what is served is told, and the log's level set. Not set: [`AdminSettings::API`], if that is free.
    pub api: Option<Vec<SocketAddr>>,
    /// `ready_when_stale`: whether a server counts as ready while the API server is not heard.
    pub ready_when_stale: bool,
}

impl AdminSettings {
    /// Port 9153 is where CoreDNS has its metrics.
    pub const LISTEN: [SocketAddr; 2] = [
        SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9153),
        SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 9153),
    ];

    /// Of this host alone: it names every peer.
    pub const API: [SocketAddr; 1] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9154)];
}

/// `[state]`: what is kept on disk for the next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSettings {
    /// `directory`: where it is kept; nowhere where not set. A relative one is resolved already.
    pub directory: Option<PathBuf>,
    /// `interval`: the least time between two writes.
    pub interval: Duration,
    /// `max_age`: how long ago what was kept may have been current for a start to serve it.
    pub max_age: Duration,
    /// `ready_after`: how long a start waits for the API before it counts as ready with what was kept.
    pub ready_after: Duration,
}

/// `[log]`: what is said on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `format`: how a line looks.
    pub format: LogFormat,
    /// `level`: what is said, where `RUST_LOG` does not say it.
    pub level: LogLevel,
    /// `[log.queries]`.
    pub queries: QueryLogSettings,
}

/// `[log.queries]`: which queries have a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLogSettings {
    /// `one_in`: every how manieth query has one; none where not set.
    pub one_in: Option<u32>,
    /// `per_second`: how many there are in a second at most.
    pub per_second: u32,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// As text on a terminal, as JSON elsewhere.
    Auto,
    /// As text.
    Text,
    /// As an object of JSON.
    Json,
}

/// The least that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures.
    Error,
    /// Also what somebody should look at.
    Warn,
    /// Also what happens.
    Info,
    /// Also how.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every value with its word.
    pub const WORDS: &'static [(&'static str, LogLevel)] = &[
        ("off", LogLevel::Off),
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        LogLevel::WORDS.iter().find(|(_, level)| *level == self).map_or("", |(word, _)| word)
    }
}

/// `[server.cookies]`: DNS cookies (RFC 7873).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    /// `enabled`: whether they are spoken.
    pub enabled: bool,
    /// `require`: whether a client that sends one must have it right to be answered over UDP.
    pub require: bool,
    /// `secret_file`: where the secrets stand that replicas share; a random one of this process where not set.
    pub secret_file: Option<PathBuf>,
}

/// `[server.rate_limit]`: how many UDP answers a network of clients gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// `answers_per_second`; as many as it asks for where not set.
    pub answers_per_second: Option<u32>,
    /// `slip`: every how manieth answer above that is a truncated one instead of none; 0: none of them.
    pub slip: u32,
    /// `ipv4_prefix`: bits that make a network, up to 32.
    pub ipv4_prefix: u8,
    /// `ipv6_prefix`: bits that make a network, up to 128.
    pub ipv6_prefix: u8,
}

/// `[[server.access]]`: a rule. It fits a query that each of its lists has something for; one that is not set has
/// something for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// `action`: what becomes of queries that it fits.
    pub action: Access,
    /// `clients`: networks.
    pub clients: Option<Vec<Network>>,
    /// `zones`: names that a question is at or below.
    pub zones: Option<Vec<Name>>,
    /// `transports`: what carries the query.
    pub transports: Option<Vec<Transport>>,
}

/// What becomes of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is answered.
    Allow,
    /// It is refused.
    Deny,
}

/// What carries a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
    /// DNS over TLS.
    Tls,
    /// DNS over HTTPS.
    Https,
    /// DNS over QUIC.
    Quic,
}

/// A network: an address and how many of its bits make the prefix; the others are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// Bits of the prefix, at most as many as the address has.
    pub length: u8,
}

/// How UDP is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpSettings {
    /// `batch`: datagrams per system call, 1 to 32.
    pub batch: usize,
    /// `receive_buffer`: octets asked for in each socket's receive buffer.
    pub receive_buffer: usize,
    /// `send_buffer`: the same of its send buffer.
    pub send_buffer: usize,
    /// `pin`: whether each worker of an address keeps to a CPU of its own.
    pub pin: bool,
}

/// `[transfer]`: zones given to other servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferSettings {
    /// `at_once`: transfers at a time.
    pub at_once: usize,
    /// `time`: how long one may take.
    pub time: Duration,
    /// `journal`: octets of what changed between transfers that are kept for each zone.
    pub journal: usize,
    /// `notify_interval`: how long after one NOTIFY about a zone the next one is sent at the earliest.
    pub notify_interval: Duration,
    /// `catalog`: apex of a zone that lists the others, where there is one.
    pub catalog: Option<Name>,
    /// `[[transfer.keys]]`: keys that messages may be signed with, by unique names.
    pub keys: Vec<TransferKey>,
    /// `[[transfer.secondaries]]`: who may fetch zones, and is told of changes.
    pub secondaries: Vec<Secondary>,
}

/// `[[transfer.keys]]`: a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferKey {
    /// `name`: the name that both sides know it by.
    pub name: Name,
    /// `file`: what holds its secret.
    pub file: PathBuf,
}

/// `[[transfer.secondaries]]`: servers that fetch zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secondary {
    /// `clients`: networks that they ask from; any with the key where not set.
    pub clients: Option<Vec<Network>>,
    /// `key`: the name of the key that they sign with.
    pub key: Option<Name>,
    /// `zones`: apexes; all zones where not set.
    pub zones: Option<Vec<Name>>,
    /// `notify`: where they are told of changes.
    pub notify: Option<Vec<SocketAddr>>,
    /// `incremental`: whether they are given what has changed; otherwise whole zones.
    pub incremental: bool,
}

/// `[server.tcp]`: the limits of TCP connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSettings {
    /// `max_connections`: in total.
    pub max_connections: usize,
    /// `max_connections_per_address`: from one IPv4 address, or from one IPv6 network of 64 bits.
    pub max_connections_per_address: usize,
    /// `idle_timeout`: how long a connection may stay without a query that is answered. `CoreDNS` keeps upstream connections for 10 s.
    pub idle_timeout: Duration,
    /// `read_timeout`: how long one message may take from its first octet to its last.
    pub read_timeout: Duration,
    /// `write_timeout`: how long answers may take to be accepted by the client's side.
    pub write_timeout: Duration,
}

/// `[server.tls]`: certificates and limits of DNS over TLS, HTTPS and QUIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// `certificate`: a file with the certificate, and those that lead to an authority, in PEM. A relative one is resolved
    /// already, like those below.
    pub certificate: Option<PathBuf>,
    /// `key`: a file with its private key, in PEM.
    pub key: Option<PathBuf>,
    /// `client_ca`: a file with authorities, in PEM: clients must have a certificate by one of them. None is asked for where
    /// not set.
    pub client_ca: Option<PathBuf>,
    /// `max_connections`: in total.
    pub max_connections: usize,
    /// `max_connections_per_address`: from one IPv4 address, or from one IPv6 network of 64 bits.
    pub max_connections_per_address: usize,
    /// `max_handshakes`: connections at a time that have not finished their handshake.
    pub max_handshakes: usize,
    /// `handshake_timeout`: how long a handshake may take.
    pub handshake_timeout: Duration,
}

impl ServerSettings {
    /// Whether anything is listened on for TLS.
    pub fn is_encrypted(&self) -> bool {
        !(self.listen_tls.is_empty() && self.listen_https.is_empty() && self.listen_quic.is_empty())
    }
}
