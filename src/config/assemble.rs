//! The typed settings from the merged layers.

use super::Sources;
use super::error::{Error, Problem};
use super::key::{self, ACCESS, Kind, ONE_TOPOLOGY, SECONDARIES, TOPOLOGIES, TRANSFER_KEYS};
use super::layer::{Merged, Scalar, Section};
use super::origin::{Origin, Origins};
use super::settings::{
    AccessRule, AdminSettings, CookieSettings, DnstapSettings, KubernetesSettings, LogSettings, Manifest,
    QueryLogSettings, RateLimitSettings, Secondary, ServerSettings, Settings, StateSettings, TcpSettings,
    TlsSettings, TransferKey, TransferSettings, UdpSettings,
};
use super::values::{self, Invalid, choose, record_types};
use crate::roster::{Namespaces, Topology};

/// Builds the settings and notes where each came from. `None` only with an error.
pub(super) fn settings(
    merged: &Merged,
    sources: &Sources,
    origins: &mut Origins,
    errors: &mut Vec<Error>,
) -> Option<Settings> {
    let own_namespace = sources.own_namespace.as_deref();
    let topologies = topologies(merged, own_namespace, origins, errors);
    let access = access(merged, origins, errors);
    let keys = transfer_keys(merged, origins, errors);
    let secondaries = secondaries(merged, origins, errors);
    let mut from = Reader { section: merged.root(), prefix: String::new(), own_namespace, origins, errors };
    let server = server(&mut from, access);
    let kubernetes = kubernetes(&mut from, sources.in_cluster());
    let transfer = transfer(&mut from, keys, secondaries);
    let settings = Settings {
        cluster_domain: from.required("cluster_domain", values::domain)?,
        zone: from.required("zone", values::domain)?,
        pods: from.text("pods", choose),
        reverse_zones: from.list("reverse_zones", values::reverse_zone).unwrap_or_default(),
        label_settings: from.boolean("label_settings")?,
        zone_files: from.list("zone_files", |text| Ok(text.into())).unwrap_or_default(),
        manifests: from.list("manifests", |text| Ok(manifest(text))).unwrap_or_default(),
        kubernetes: kubernetes?,
        topologies,
        server: server?,
        transfer: transfer?,
        admin: AdminSettings {
            listen: from.list("admin.listen", values::listener),
            api: from.list("admin.api", values::listener),
            ready_when_stale: from.boolean("admin.ready_when_stale")?,
        },
        state: StateSettings {
            directory: from.text("state.directory", |text| Ok(text.into())),
            interval: from.required("state.interval", values::duration)?,
            max_age: from.required("state.max_age", values::duration)?,
            ready_after: from.required("state.ready_after", values::pause)?,
        },
        log: LogSettings {
            format: from.required("log.format", choose)?,
            level: from.required("log.level", choose)?,
            queries: QueryLogSettings {
                one_in: from.integer("log.queries.one_in"),
                per_second: from.required_integer("log.queries.per_second")?,
            },
        },
    };
    Some(settings)
}

fn kubernetes(from: &mut Reader<'_>, in_cluster: bool) -> Option<KubernetesSettings> {
    Some(KubernetesSettings {
        watch: from.required("kubernetes.watch", choose)?,
        watch_pods: from.boolean("kubernetes.watch_pods")?,
        kubeconfig: from.text("kubernetes.kubeconfig", |text| Ok(text.into())),
        context: from.text("kubernetes.context", |text| Ok(text.to_owned())),
        page_size: from.required_integer("kubernetes.page_size")?,
        streaming_lists: from.boolean("kubernetes.streaming_lists")?,
        stale_after: from.required("kubernetes.stale_after", values::stale_after)?,
        leave_out_after: from.required("kubernetes.leave_out_after", values::duration)?,
        in_cluster,
    })
}

fn server(from: &mut Reader<'_>, access: Vec<AccessRule>) -> Option<ServerSettings> {
    Some(ServerSettings {
        listen: from.list("server.listen", values::listener)?,
        listen_tls: from.list("server.listen_tls", values::listener).unwrap_or_default(),
        listen_https: from.list("server.listen_https", values::listener).unwrap_or_default(),
        listen_quic: from.list("server.listen_quic", values::listener).unwrap_or_default(),
        advertise: from.list("server.advertise", values::advertised).unwrap_or_default(),
        nameserver: from.text("server.nameserver", values::domain),
        hostmaster: from.text("server.hostmaster", values::hostmaster),
        ttl: from.integer("server.ttl"),
        negative_ttl: from.required_integer("server.negative_ttl")?,
        udp_max: from.required_integer("server.udp_max")?,
        recursion_available: from.boolean("server.recursion_available")?,
        workers: from.integer("server.workers"),
        lameduck: from.required("server.lameduck", values::pause)?,
        nsid: from.text("server.nsid", values::nsid),
        identity: from.text("server.identity", values::chaos_text),
        version: from.text("server.version", values::chaos_text),
        udp: UdpSettings {
            batch: from.required_integer("server.udp.batch")?,
            receive_buffer: from.required_integer("server.udp.receive_buffer")?,
            send_buffer: from.required_integer("server.udp.send_buffer")?,
            pin: from.boolean("server.udp.pin")?,
        },
        tcp: TcpSettings {
            max_connections: from.required_integer("server.tcp.max_connections")?,
            max_connections_per_address: from.required_integer("server.tcp.max_connections_per_address")?,
            idle_timeout: from.required("server.tcp.idle_timeout", values::duration)?,
            read_timeout: from.required("server.tcp.read_timeout", values::duration)?,
            write_timeout: from.required("server.tcp.write_timeout", values::duration)?,
        },
        tls: TlsSettings {
            certificate: from.text("server.tls.certificate", |text| Ok(text.into())),
            key: from.text("server.tls.key", |text| Ok(text.into())),
            client_ca: from.text("server.tls.client_ca", |text| Ok(text.into())),
            max_connections: from.required_integer("server.tls.max_connections")?,
            max_connections_per_address: from.required_integer("server.tls.max_connections_per_address")?,
            max_handshakes: from.required_integer("server.tls.max_handshakes")?,
            handshake_timeout: from.required("server.tls.handshake_timeout", values::duration)?,
        },
        cookies: CookieSettings {
            enabled: from.boolean("server.cookies.enabled")?,
            require: from.boolean("server.cookies.require")?,
            secret_file: from.text("server.cookies.secret_file", |text| Ok(text.into())),
        },
        rate_limit: RateLimitSettings {
            answers_per_second: from.integer("server.rate_limit.answers_per_second"),
            slip: from.required_integer("server.rate_limit.slip")?,
            ipv4_prefix: from.required_integer("server.rate_limit.ipv4_prefix")?,
            ipv6_prefix: from.required_integer("server.rate_limit.ipv6_prefix")?,
        },
        dnstap: DnstapSettings {
            socket: from.text("server.dnstap.socket", |text| Ok(text.into())),
            messages: from.list("server.dnstap.messages", choose)?,
            identity: from.text("server.dnstap.identity", values::chaos_text),
            version: from.text("server.dnstap.version", values::chaos_text),
            one_in: from.required_integer("server.dnstap.one_in")?,
            per_second: from.required_integer("server.dnstap.per_second")?,
        },
        access,
    })
}

fn transfer(
    from: &mut Reader<'_>,
    keys: Vec<TransferKey>,
    secondaries: Vec<Secondary>,
) -> Option<TransferSettings> {
    Some(TransferSettings {
        at_once: from.required_integer("transfer.at_once")?,
        time: from.required("transfer.time", values::duration)?,
        journal: from.required_integer("transfer.journal")?,
        notify_interval: from.required("transfer.notify_interval", values::duration)?,
        catalog: from.text("transfer.catalog", values::domain),
        keys,
        secondaries,
    })
}

/// The keys of signatures. One without name or file is left out: there is an error for it.
fn transfer_keys(merged: &Merged, origins: &mut Origins, errors: &mut Vec<Error>) -> Vec<TransferKey> {
    let keys = merged.root().tables(TRANSFER_KEYS).into_iter().enumerate();
    keys.filter_map(|(index, (section, origin))| {
        let place = format!("{TRANSFER_KEYS}[{index}]");
        origins.insert(place.clone(), origin.clone());
        let mut from = Reader { section, prefix: format!("{place}."), own_namespace: None, origins, errors };
        let name = from.text("name", values::domain);
        let file = from.text("file", |text| Ok(text.into()));
        from.must_be_there("name", name.is_some(), &origin);
        from.must_be_there("file", file.is_some(), &origin);
        Some(TransferKey { name: name?, file: file? })
    })
    .collect()
}

fn secondaries(merged: &Merged, origins: &mut Origins, errors: &mut Vec<Error>) -> Vec<Secondary> {
    let secondaries = merged.root().tables(SECONDARIES).into_iter().enumerate();
    secondaries
        .map(|(index, (section, origin))| {
            let place = format!("{SECONDARIES}[{index}]");
            origins.insert(place.clone(), origin);
            let mut from =
                Reader { section, prefix: format!("{place}."), own_namespace: None, origins, errors };
            Secondary {
                clients: from.list("clients", values::network),
                key: from.text("key", values::domain),
                zones: from.list("zones", values::domain),
                notify: from.list("notify", values::notified),
                incremental: from.boolean_or("incremental", true),
            }
        })
        .collect()
}

/// The rules of the access list. One without a right action is left out: there is an error for it.
fn access(merged: &Merged, origins: &mut Origins, errors: &mut Vec<Error>) -> Vec<AccessRule> {
    let rules = merged.root().tables(ACCESS).into_iter().enumerate();
    rules
        .filter_map(|(index, (section, origin))| {
            let prefix = format!("{ACCESS}[{index}].");
            origins.insert(format!("{ACCESS}[{index}]"), origin.clone());
            let mut from = Reader { section, prefix, own_namespace: None, origins, errors };
            let action = from.text("action", choose);
            from.must_be_there("action", action.is_some(), &origin);
            Some(AccessRule {
                action: action?,
                clients: from.list("clients", values::network),
                zones: from.list("zones", values::domain),
                transports: from.list("transports", choose),
            })
        })
        .collect()
}

/// The file's topologies, or the one that flags and environment describe. Both are an error, and those of the file are
/// read all the same: what else is wrong with them is said in the same run.
fn topologies(
    merged: &Merged,
    own_namespace: Option<&str>,
    origins: &mut Origins,
    errors: &mut Vec<Error>,
) -> Vec<Topology> {
    let in_file = merged.root().tables(TOPOLOGIES);
    let mut one = merged.root().table(ONE_TOPOLOGY);
    if let Some((_, at)) = in_file.first()
        && let Some(one) = one.take()
    {
        errors.extend(one.all_origins().map(|(name, origin)| Error {
            origin,
            key: format!("{ONE_TOPOLOGY}.{name}"),
            value: None,
            problem: Problem::TopologyTwice(at.clone()),
        }));
    }
    let sections = in_file.into_iter().map(|(section, origin)| (section, Some(origin)));
    let sections = sections.chain(one.map(|section| (section, None))).enumerate();
    sections
        .filter_map(|(index, (section, origin))| {
            let prefix = format!("{TOPOLOGIES}[{index}].");
            if let Some(origin) = origin {
                origins.insert(format!("{TOPOLOGIES}[{index}]"), origin);
            }
            topology(&mut Reader { section, prefix, own_namespace, origins, errors })
        })
        .collect()
}

fn topology(from: &mut Reader<'_>) -> Option<Topology> {
    Some(Topology {
        name: from.text("name", values::label),
        selector: from.required("selector", values::selector)?,
        namespaces: from.namespaces()?,
        node_basename: from.text("node_basename", values::basename),
        mode: from.required("mode", choose)?,
        include: from.required("include", choose)?,
        when_empty: from.required("when_empty", choose)?,
        srv_host: from.required("srv_host", choose)?,
        records: record_types(&from.list("records", choose)?),
        ttl: from.integer("ttl"),
        family: from.required("family", choose)?,
        prefer: from.required("prefer", choose)?,
        ports: from.list("ports", values::port),
    })
}

fn manifest(text: &str) -> Manifest {
    if text == "-" { Manifest::StandardInput } else { Manifest::Path(text.into()) }
}

/// Takes typed values out of a section.
///
/// The layers have checked each value by its key, so that none is wrong here; should one be, it is an error all the
/// same.
struct Reader<'a> {
    section: Section<'a>,
    prefix: String,
    own_namespace: Option<&'a str>,
    origins: &'a mut Origins,
    errors: &'a mut Vec<Error>,
}

impl Reader<'_> {
    /// The value, else the default of a topology's key; its origin is noted.
    fn get(&mut self, path: &str) -> Option<(Scalar, Origin)> {
        let default = || {
            let key = key::topology(path).filter(|_| !self.prefix.is_empty())?;
            let text = key.default?;
            let scalar = match key.kind {
                Kind::List { .. } => Scalar::List(
                    text.split(',').map(|element| (element.to_owned(), Origin::Default)).collect(),
                ),
                _ => Scalar::Text(text.to_owned()),
            };
            Some((scalar, Origin::Default))
        };
        let (scalar, origin) = self.section.get(path).or_else(default)?;
        self.origins.insert(format!("{}{path}", self.prefix), origin.clone());
        Some((scalar, origin))
    }

    fn text<T>(&mut self, path: &str, parse: fn(&str) -> Result<T, Invalid>) -> Option<T> {
        match self.get(path)? {
            (Scalar::Text(text), origin) => self.parsed(path, &text, &origin, parse(&text)),
            _ => None,
        }
    }

    fn required<T>(&mut self, path: &str, parse: fn(&str) -> Result<T, Invalid>) -> Option<T> {
        let value = self.text(path, parse);
        self.present(path, value)
    }

    /// The list; `None` where not set or wrong.
    fn list<T>(&mut self, path: &str, parse: fn(&str) -> Result<T, Invalid>) -> Option<Vec<T>> {
        let (Scalar::List(elements), _) = self.get(path)? else { return None };
        for (index, (_, origin)) in elements.iter().enumerate() {
            self.origins.insert(format!("{}{path}[{index}]", self.prefix), origin.clone());
        }
        elements.iter().map(|(text, origin)| self.parsed(path, text, origin, parse(text))).collect()
    }

    fn integer<T: TryFrom<i64>>(&mut self, path: &str) -> Option<T> {
        match self.get(path)? {
            (Scalar::Integer(number), _) => T::try_from(number).ok(),
            _ => None,
        }
    }

    fn required_integer<T: TryFrom<i64>>(&mut self, path: &str) -> Option<T> {
        let value = self.integer(path);
        self.present(path, value)
    }

    /// An error if a setting of a table is not there and has none yet.
    fn must_be_there(&mut self, path: &str, is_there: bool, table: &Origin) {
        let key = format!("{}{path}", self.prefix);
        if !is_there && !self.errors.iter().any(|error| error.key == key) {
            self.errors.push(Error { origin: table.clone(), key, value: None, problem: Problem::Missing });
        }
    }

    /// The value, or this one where it is not set.
    fn boolean_or(&mut self, path: &str, otherwise: bool) -> bool {
        match self.section.get(path) {
            Some((Scalar::Boolean(on), origin)) => {
                self.origins.insert(format!("{}{path}", self.prefix), origin);
                on
            }
            _ => otherwise,
        }
    }

    fn boolean(&mut self, path: &str) -> Option<bool> {
        let value = match self.get(path) {
            Some((Scalar::Boolean(on), _)) => Some(on),
            _ => None,
        };
        self.present(path, value)
    }

    /// The namespaces of a topology, with `"."` resolved. One that cannot be is an error and left out: a topology that
    /// is missing would shift the places of those behind it.
    fn namespaces(&mut self) -> Option<Namespaces> {
        const PATH: &str = "namespaces";
        let Some((Scalar::List(elements), _)) = self.get(PATH) else { return Some(Namespaces::All) };
        let mut names = Vec::new();
        for (text, origin) in &elements {
            if text != "." {
                names.push(self.parsed(PATH, text, origin, values::label(text))?);
                continue;
            }
            let problem = match self.own_namespace.map(|own| (own, values::label(own))) {
                Some((_, Ok(own))) => {
                    names.push(own);
                    continue;
                }
                Some((own, Err(invalid))) => Problem::OwnNamespaceInvalid(own.to_owned(), invalid),
                None => Problem::OwnNamespaceUnknown,
            };
            self.error(PATH, text, origin, problem);
        }
        names.sort();
        names.dedup();
        Some(Namespaces::Listed(names))
    }

    fn parsed<T>(
        &mut self,
        path: &str,
        text: &str,
        origin: &Origin,
        parsed: Result<T, Invalid>,
    ) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.error(path, text, origin, Problem::Invalid(invalid));
                None
            }
        }
    }

    fn present<T>(&mut self, path: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let key = format!("{}{path}", self.prefix);
            self.errors.push(Error { origin: Origin::Default, key, value: None, problem: Problem::Missing });
        }
        value
    }

    fn error(&mut self, path: &str, text: &str, origin: &Origin, problem: Problem) {
        self.errors.push(Error {
            origin: origin.clone(),
            key: format!("{}{path}", self.prefix),
            value: Some(format!("{text:?}")),
            problem,
        });
    }
}
