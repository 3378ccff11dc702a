//! The effective settings as TOML that reads back the same, each with its origin behind it.

use super::conflicts::prefer_left_out;
use super::key::{ACCESS, SECONDARIES, TOPOLOGIES, TRANSFER_KEYS};
use super::settings::{
    AccessRule, AdminSettings, KubernetesSettings, LogSettings, Manifest, ServerSettings, StateSettings,
    TlsSettings, TransferSettings,
};
use super::values::{
    choice_text, domain_text, duration_text, network_text, nsid_text, port_text, record_list,
};
use super::{Effective, Origin};
use crate::roster::{Namespaces, Topology};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How names of pods are answered where no setting says.
const PODS_OTHERWISE: &str =
    "\"verified\" with manifests and where the Pods of all namespaces are watched, else \"insecure\"";

/// One line of what is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShowLine {
    /// The whole key of a setting, `server.ttl` or `topologies[0].mode`; empty where the line is none.
    pub key: String,
    /// `key = value`, a table's head, or nothing.
    pub setting: String,
    /// What stands behind it as a comment: the origin, or what holds where nothing is set. Empty where there is none.
    pub comment: String,
}

/// All lines. Its text is TOML with aligned comments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Show {
    /// In order.
    pub lines: Vec<ShowLine>,
}

impl Effective {
    /// The settings in force as TOML, each with its origin. Paths are shown as they were resolved.
    pub fn show(&self) -> Show {
        let settings = &self.settings;
        let server = &settings.server;
        let mut to = Writer { effective: self, prefix: String::new(), show: Show::default() };
        to.set("cluster_domain", &text(&domain_text(&settings.cluster_domain)));
        to.set("zone", &text(&domain_text(&settings.zone)));
        to.set_or("pods", settings.pods.map(|pods| text(choice_text(pods))), PODS_OTHERWISE);
        to.set("reverse_zones", &list(settings.reverse_zones.iter().map(domain_text)));
        to.set("label_settings", &settings.label_settings.to_string());
        to.set(
            "zone_files",
            &list(settings.zone_files.iter().map(|path| path.to_string_lossy().into_owned())),
        );
        to.set("manifests", &list(settings.manifests.iter().map(manifest_text)));
        to.kubernetes(&settings.kubernetes);
        to.head("[server]", None);
        to.prefix = String::from("server.");
        to.set("listen", &list(server.listen.iter().map(ToString::to_string)));
        for (key, addresses) in [
            ("listen_tls", &server.listen_tls),
            ("listen_https", &server.listen_https),
            ("listen_quic", &server.listen_quic),
        ] {
            to.set(key, &list(addresses.iter().map(ToString::to_string)));
        }
        to.set("advertise", &list(server.advertise.iter().map(ToString::to_string)));
        let nameserver = server.nameserver.as_ref().map(|name| text(&domain_text(name)));
        to.set_or("nameserver", nameserver, "ns.dns. before the zone");
        let hostmaster = server.hostmaster.as_ref().map(|name| text(&domain_text(name)));
        to.set_or("hostmaster", hostmaster, "hostmaster. before the zone");
        to.set_or(
            "ttl",
            server.ttl.map(|ttl| ttl.to_string()),
            "5, and 0 for RRsets of more than 90 records",
        );
        to.set("negative_ttl", &server.negative_ttl.to_string());
        to.set("udp_max", &server.udp_max.to_string());
        to.set("recursion_available", &server.recursion_available.to_string());
        to.set_or("workers", server.workers.map(|count| count.to_string()), "the number of CPUs");
        to.set("lameduck", &text(&duration_text(server.lameduck)));
        to.set_or("nsid", server.nsid.as_deref().map(|octets| text(&nsid_text(octets))), "no identifier");
        to.set_or("identity", server.identity.as_deref().map(text), "id.server is refused");
        to.set_or("version", server.version.as_deref().map(text), "version.server is refused");
        to.server_tables(server);
        to.transfer(&settings.transfer);
        to.admin(&settings.admin);
        to.state(&settings.state);
        to.log(&settings.log);
        for (index, topology) in settings.topologies.iter().enumerate() {
            to.topology(index, topology);
        }
        if settings.topologies.is_empty() {
            to.line("", "");
            to.line("", "no topologies: every Service is its own set");
        }
        to.show
    }
}

struct Writer<'a> {
    effective: &'a Effective,
    prefix: String,
    show: Show,
}

impl Writer<'_> {
    fn server_tables(&mut self, server: &ServerSettings) {
        let ServerSettings { udp, tcp, tls, cookies, rate_limit, dnstap, .. } = server;
        self.head("[server.udp]", None);
        self.prefix = String::from("server.udp.");
        self.set("batch", &udp.batch.to_string());
        self.set("receive_buffer", &udp.receive_buffer.to_string());
        self.set("send_buffer", &udp.send_buffer.to_string());
        self.set("pin", &udp.pin.to_string());
        self.head("[server.tcp]", None);
        self.prefix = String::from("server.tcp.");
        self.set("max_connections", &tcp.max_connections.to_string());
        self.set("max_connections_per_address", &tcp.max_connections_per_address.to_string());
        self.set("idle_timeout", &text(&duration_text(tcp.idle_timeout)));
        self.set("read_timeout", &text(&duration_text(tcp.read_timeout)));
        self.set("write_timeout", &text(&duration_text(tcp.write_timeout)));
        self.tls(tls);
        self.head("[server.cookies]", None);
        self.prefix = String::from("server.cookies.");
        self.set("enabled", &cookies.enabled.to_string());
        self.set("require", &cookies.require.to_string());
        let file = cookies.secret_file.as_ref().map(|path| text(&path.to_string_lossy()));
        self.set_or("secret_file", file, "a random secret of this process");
        self.head("[server.rate_limit]", None);
        self.prefix = String::from("server.rate_limit.");
        let rate = rate_limit.answers_per_second.map(|rate| rate.to_string());
        self.set_or("answers_per_second", rate, "no limit");
        self.set("slip", &rate_limit.slip.to_string());
        self.set("ipv4_prefix", &rate_limit.ipv4_prefix.to_string());
        self.set("ipv6_prefix", &rate_limit.ipv6_prefix.to_string());
        self.head("[server.dnstap]", None);
        self.prefix = String::from("server.dnstap.");
        let socket = dnstap.socket.as_ref().map(|path| text(&path.to_string_lossy()));
        self.set_or("socket", socket, "no dnstap");
        self.set("messages", &list(dnstap.messages.iter().map(|kind| choice_text(*kind).to_owned())));
        self.set_or("identity", dnstap.identity.as_deref().map(text), "none is told");
        self.set_or("version", dnstap.version.as_deref().map(text), "rosterd and its version");
        self.set("one_in", &dnstap.one_in.to_string());
        self.set("per_second", &dnstap.per_second.to_string());
        for (index, rule) in server.access.iter().enumerate() {
            self.access(index, rule);
        }
    }

    fn tls(&mut self, tls: &TlsSettings) {
        self.head("[server.tls]", None);
        self.prefix = String::from("server.tls.");
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| text(&path.to_string_lossy()));
        self.set_or("certificate", path(&tls.certificate), "no encrypted transport");
        self.set_or("key", path(&tls.key), "no encrypted transport");
        self.set_or("client_ca", path(&tls.client_ca), "clients need no certificate");
        self.set("max_connections", &tls.max_connections.to_string());
        self.set("max_connections_per_address", &tls.max_connections_per_address.to_string());
        self.set("max_handshakes", &tls.max_handshakes.to_string());
        self.set("handshake_timeout", &text(&duration_text(tls.handshake_timeout)));
    }

    fn access(&mut self, index: usize, rule: &AccessRule) {
        self.table(ACCESS, index);
        self.set("action", &text(choice_text(rule.action)));
        let clients = rule.clients.as_ref().map(|networks| list(networks.iter().map(network_text)));
        self.set_or("clients", clients, "all");
        let zones = rule.zones.as_ref().map(|names| list(names.iter().map(domain_text)));
        self.set_or("zones", zones, "all names");
        let words = |transport| choice_text(transport).to_owned();
        let transports = rule.transports.as_ref().map(|all| list(all.iter().copied().map(words)));
        self.set_or("transports", transports, "all");
    }

    fn transfer(&mut self, transfer: &TransferSettings) {
        self.head("[transfer]", None);
        self.prefix = String::from("transfer.");
        self.set("at_once", &transfer.at_once.to_string());
        self.set("time", &text(&duration_text(transfer.time)));
        self.set("journal", &transfer.journal.to_string());
        self.set("notify_interval", &text(&duration_text(transfer.notify_interval)));
        let catalog = transfer.catalog.as_ref().map(|name| text(&domain_text(name)));
        self.set_or("catalog", catalog, "no zone lists the others");
        for (index, key) in transfer.keys.iter().enumerate() {
            self.table(TRANSFER_KEYS, index);
            self.set("name", &text(&domain_text(&key.name)));
            self.set("file", &text(&key.file.to_string_lossy()));
        }
        for (index, secondary) in transfer.secondaries.iter().enumerate() {
            self.table(SECONDARIES, index);
            let clients = secondary.clients.as_ref().map(|all| list(all.iter().map(network_text)));
            self.set_or("clients", clients, "any address, with the key");
            let key = secondary.key.as_ref().map(|name| text(&domain_text(name)));
            self.set_or("key", key, "signed or not");
            let zones = secondary.zones.as_ref().map(|names| list(names.iter().map(domain_text)));
            self.set_or("zones", zones, "all");
            let notify = secondary.notify.as_ref().map(|all| list(all.iter().map(ToString::to_string)));
            self.set_or("notify", notify, "nobody is told of changes");
            self.set("incremental", &secondary.incremental.to_string());
        }
        if transfer.secondaries.is_empty() {
            self.line("", "no secondaries: nobody may fetch a zone");
        }
    }

    /// The head of a table in a list.
    fn table(&mut self, list: &str, index: usize) {
        let place = format!("{list}[{index}]");
        let origin = self.effective.origins.of(&place).brief();
        self.head(&format!("[[{list}]]"), Some(origin));
        self.prefix = format!("{place}.");
    }

    fn admin(&mut self, admin: &AdminSettings) {
        self.head("[admin]", None);
        self.prefix = String::from("admin.");
        let listen = admin.listen.as_ref().map(|all| list(all.iter().map(ToString::to_string)));
        self.set_or("listen", listen, &format!("{}, where free", listed(&AdminSettings::LISTEN)));
        let api = admin.api.as_ref().map(|all| list(all.iter().map(ToString::to_string)));
        self.set_or("api", api, &format!("{}, where free", listed(&AdminSettings::API)));
        self.set("ready_when_stale", &admin.ready_when_stale.to_string());
    }

    fn state(&mut self, state: &StateSettings) {
        self.head("[state]", None);
        self.prefix = String::from("state.");
        let directory = state.directory.as_ref().map(|path| text(&path.to_string_lossy()));
        self.set_or("directory", directory, "nothing is kept for the next start");
        self.set("interval", &text(&duration_text(state.interval)));
        self.set("max_age", &text(&duration_text(state.max_age)));
        self.set("ready_after", &text(&duration_text(state.ready_after)));
    }

    fn log(&mut self, log: &LogSettings) {
        self.head("[log]", None);
        self.prefix = String::from("log.");
        self.set("format", &text(choice_text(log.format)));
        self.set("level", &text(choice_text(log.level)));
        self.head("[log.queries]", None);
        self.prefix = String::from("log.queries.");
        self.set_or("one_in", log.queries.one_in.map(|count| count.to_string()), "no query has a line");
        self.set("per_second", &log.queries.per_second.to_string());
    }

    fn kubernetes(&mut self, kubernetes: &KubernetesSettings) {
        self.head("[kubernetes]", None);
        self.prefix = String::from("kubernetes.");
        self.set("watch", &text(choice_text(kubernetes.watch)));
        self.set("watch_pods", &kubernetes.watch_pods.to_string());
        let kubeconfig = kubernetes.kubeconfig.as_ref().map(|path| text(&path.to_string_lossy()));
        self.set_or("kubeconfig", kubeconfig, "the cluster around, or the user's own where a context is set");
        self.set_or("context", kubernetes.context.as_deref().map(text), "the current one of the kubeconfig");
        self.set("page_size", &kubernetes.page_size.to_string());
        self.set("streaming_lists", &kubernetes.streaming_lists.to_string());
        self.set("stale_after", &text(&duration_text(kubernetes.stale_after)));
        self.set("leave_out_after", &text(&duration_text(kubernetes.leave_out_after)));
    }

    fn topology(&mut self, index: usize, topology: &Topology) {
        let place = format!("{TOPOLOGIES}[{index}]");
        let origin = match self.effective.origins.of(&place) {
            Origin::Default => None,
            origin => Some(origin.brief()),
        };
        self.head(&format!("[[{TOPOLOGIES}]]"), origin);
        self.prefix = format!("{place}.");
        self.set_or("name", topology.name.as_deref().map(text), "each Service is a set of its own");
        self.set_or("node_basename", topology.node_basename.as_deref().map(text), "the name of the set");
        self.set("selector", &text(&topology.selector.to_string()));
        let namespaces = match &topology.namespaces {
            Namespaces::All => None,
            Namespaces::Listed(names) => Some(list(names.iter().map(ToString::to_string))),
        };
        self.set_or("namespaces", namespaces, "all");
        self.set("mode", &text(choice_text(topology.mode)));
        self.set("include", &text(choice_text(topology.include)));
        self.set("when_empty", &text(choice_text(topology.when_empty)));
        self.set("srv_host", &text(choice_text(topology.srv_host)));
        self.set("records", &list(record_list(topology.records).into_iter().map(str::to_owned)));
        self.set_or("ttl", topology.ttl.map(|ttl| ttl.to_string()), "the server's");
        self.set("family", &text(choice_text(topology.family)));
        // The default says nothing where the family leaves it out, and would read back as a contradiction.
        let prefer = Some(text(choice_text(topology.prefer)));
        let prefer = prefer.filter(|_| !prefer_left_out(topology.family, topology.prefer));
        self.set_or("prefer", prefer, "the family that is listed");
        let ports = topology.ports.as_ref().map(|ports| list(ports.iter().map(port_text)));
        self.set_or("ports", ports, "those of the objects, else epmd/tcp/4369");
    }

    fn head(&mut self, head: &str, origin: Option<String>) {
        self.line("", "");
        self.line(head, &origin.unwrap_or_default());
    }

    fn set(&mut self, name: &str, value: &str) {
        let key = format!("{}{name}", self.prefix);
        let comment = self.effective.origins.of(&key).brief();
        self.show.lines.push(ShowLine { key, setting: format!("{name} = {value}"), comment });
    }

    /// A setting that may be absent: what holds then stands in a comment.
    fn set_or(&mut self, name: &str, value: Option<String>, otherwise: &str) {
        match value {
            Some(value) => self.set(name, &value),
            None => self.line("", &format!("{name} is not set: {otherwise}")),
        }
    }

    fn line(&mut self, setting: &str, comment: &str) {
        let (setting, comment) = (setting.to_owned(), comment.to_owned());
        self.show.lines.push(ShowLine { key: String::new(), setting, comment });
    }
}

fn manifest_text(manifest: &Manifest) -> String {
    match manifest {
        Manifest::StandardInput => "-".to_owned(),
        Manifest::Path(path) => path.to_string_lossy().into_owned(),
    }
}

/// `0.0.0.0:9153 and [::]:9153`.
fn listed(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// A TOML string.
fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A TOML list of strings.
fn list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.map(|element| text(&element)).collect::<Vec<_>>().join(", "))
}

impl Show {
    /// How wide settings are shown, so that comments behind them stand in one column; very long ones are wider.
    pub fn setting_width(&self) -> usize {
        const LONGEST: usize = 60;
        let widths = self.lines.iter().map(|line| line.setting.chars().count());
        widths.filter(|width| *width <= LONGEST).max().unwrap_or(0)
    }
}

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.setting_width();
        for line in &self.lines {
            match (line.setting.as_str(), line.comment.as_str()) {
                (setting, "") => writeln!(f, "{setting}")?,
                ("", comment) => writeln!(f, "# {comment}")?,
                (setting, comment) => writeln!(f, "{setting:<width$}  # {comment}")?,
            }
        }
        Ok(())
    }
}
