//! Properties: what `show` prints reads back, and nothing makes loading fail without saying why.

use super::*;
use crate::roster::{Family, Include, ObjectKind, Prefer, RecordTypes, SrvHost, WhenEmpty};
use crate::wire::Name;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

fn any_name() -> impl Strategy<Value = Name> {
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
            let mut seen = BTreeSet::new();
            ports.retain(|port| seen.insert(values::port_text(port)));
        }
        let on = |bit: u8| records & bit != 0;
        Topology {
            name, node_basename, mode, include, when_empty, srv_host, ttl, family, prefer, ports,
            selector: selector.parse().unwrap(),
            namespaces: namespaces.map_or(Namespaces::All, |names| Namespaces::Listed(names.into_iter().collect())),
            records: RecordTypes { a: on(1), aaaa: on(2), srv: on(4), txt: on(8) },
        }
    }
}

prop_compose! {
    fn any_access_rule()(
        action in prop::sample::select(vec![Access::Allow, Access::Deny]),
        clients in prop::option::of(prop::collection::btree_set((0_u8.., 1_u8..=32), 1..4)),
        zones in prop::option::of(prop::collection::btree_set("[a-z]{1,9}(\\.[a-z]{1,9})?", 1..3)),
        transports in prop::option::of(prop::sample::select(vec![
            vec![Transport::Udp], vec![Transport::Tcp], vec![Transport::Tcp, Transport::Udp],
            vec![Transport::Quic, Transport::Tls, Transport::Https],
        ])),
    ) -> AccessRule {
        let network = |(bits, length): (u8, u8)| {
            let bits = u32::from(bits) << 24;
            let bits = bits & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Network { address: IpAddr::V4(bits.into()), length }
        };
        let clients = clients.map(|networks| {
            let mut networks: Vec<_> = networks.into_iter().map(network).collect();
            let mut seen = BTreeSet::new();
            networks.retain(|network| seen.insert(values::network_text(network)));
            networks
        });
        let zones = zones.map(|names| names.iter().map(|text| name(text)).collect());
        AccessRule { action, clients, zones, transports }
    }
}

prop_compose! {
    fn any_about()(
        nsid in prop::option::of(prop::collection::vec(any::<u8>(), 1..=128)),
        identity in prop::option::of("\\PC{1,60}"),
        version in prop::option::of("[ -~]{1,255}"),
        cookies in (any::<bool>(), any::<bool>(), prop::option::of("/[^\\x00]{1,20}")),
        rate in prop::option::of(1_u32..=1_000_000),
        limits in (0_u32..=100, 0_u8..=32, 0_u8..=128),
        access in prop::collection::vec(any_access_rule(), 0..4),
        tls in any_tls().boxed(),
        dnstap in any_dnstap().boxed(),
    ) -> About {
        let (enabled, require, secret_file) = cookies;
        let (slip, ipv4_prefix, ipv6_prefix) = limits;
        About {
            nsid: nsid.map(Into::into),
            identity: identity.map(Into::into),
            version: version.map(Into::into),
            cookies: CookieSettings { enabled, require, secret_file: secret_file.map(Into::into) },
            rate_limit: RateLimitSettings { answers_per_second: rate, slip, ipv4_prefix, ipv6_prefix },
            access,
            tls,
            dnstap,
        }
    }
}

prop_compose! {
    fn any_dnstap()(
        socket in prop::option::of("/[^\\x00]{1,20}".prop_map(PathBuf::from)),
        messages in prop::sample::select(vec![
            vec![DnstapMessage::AuthQuery], vec![DnstapMessage::AuthResponse, DnstapMessage::AuthQuery],
        ]),
        words in prop::array::uniform2(prop::option::of("\\PC{1,60}")),
        (one_in, per_second) in (1_u32..=1_000_000, 1_u32..=1_000_000),
    ) -> DnstapSettings {
        let [identity, version] = words.map(|word| word.map(Into::into));
        DnstapSettings { socket, messages, identity, version, one_in, per_second }
    }
}

/// What a server says of itself, and to whom: more than one strategy takes.
#[derive(Debug, Clone)]
struct About {
    nsid: Option<Box<[u8]>>,
    identity: Option<Box<str>>,
    version: Option<Box<str>>,
    cookies: CookieSettings,
    rate_limit: RateLimitSettings,
    dnstap: DnstapSettings,
    access: Vec<AccessRule>,
    tls: (TlsSettings, [Vec<SocketAddr>; 3]),
}

prop_compose! {
    /// Listeners on ports that no other listener of a test has, and what they need.
    fn any_tls()(
        files in ("/[^\\x00]{1,20}", "/[^\\x00]{1,20}", prop::option::of("/[^\\x00]{1,20}")),
        limits in (1_usize..=1_000_000, 1_usize..=1_000_000, 1_usize..=100_000),
        timeout in 1_u64..=86_400_000,
        listening in any::<[bool; 3]>(),
    ) -> (TlsSettings, [Vec<SocketAddr>; 3]) {
        let addresses = [0, 1, 2].map(|place: usize| {
            let address = SocketAddr::from(([192, 0, 2, 1], 0));
            if listening[place] { vec![address] } else { Vec::new() }
        });
        let tls = TlsSettings {
            certificate: Some(files.0.into()),
            key: Some(files.1.into()),
            client_ca: files.2.map(Into::into),
            max_connections: limits.0,
            max_connections_per_address: limits.1,
            max_handshakes: limits.2,
            handshake_timeout: Duration::from_millis(timeout),
        };
        (tls, addresses)
    }
}

prop_compose! {
    fn any_server()(
        listen in prop::collection::btree_set(any::<SocketAddr>(), 1..4),
        advertise in prop::collection::btree_set(any::<IpAddr>(), 0..4),
        nameserver in prop::option::of(any_name()),
        hostmaster in prop::option::of(prop::collection::vec(any::<u8>(), 1..9)),
        ttl in prop::option::of(0_u32..=0x7fff_ffff),
        negative_ttl in 0_u32..=0x7fff_ffff,
        udp_max in 512_u16..=4096,
        recursion_available: bool,
        workers in prop::option::of(1_usize..=1024),
        udp in (1_usize..=32, 4096_usize..=1 << 30, 4096_usize..=1 << 30, any::<bool>()),
        limits in (1_usize..=1_000_000, 1_usize..=1_000_000),
        timeouts in prop::array::uniform4((1_u64..=86_400_000).prop_map(Duration::from_millis)),
        about in any_about().boxed(),
    ) -> ServerSettings {
        // A flow label has no text form.
        let listen = listen.into_iter().map(|address| match address {
            SocketAddr::V6(v6) => SocketAddr::new((*v6.ip()).into(), v6.port()),
            v4 @ SocketAddr::V4(_) => v4,
        });
        let mut listen: Vec<_> = listen.collect();
        listen.dedup();
        let hostmaster = hostmaster.map(|mut label| {
            label.retain(|octet| *octet != b'@');
            label.push(b'x');
            Name::below([label.as_slice()], &name("example")).unwrap()
        });
        let [idle_timeout, read_timeout, write_timeout, lameduck] = timeouts;
        let About { nsid, identity, version, cookies, rate_limit, dnstap, access, tls } = about;
        let (tls, [listen_tls, listen_https, listen_quic]) = tls;
        ServerSettings {
            listen,
            advertise: advertise.into_iter().filter(|ip| values::advertised(&ip.to_string()).is_ok()).collect(),
            nameserver, hostmaster, ttl, negative_ttl, udp_max, recursion_available, workers, lameduck,
            nsid, identity, version, cookies, rate_limit, dnstap, access, tls,
            listen_tls, listen_https, listen_quic,
            udp: UdpSettings { batch: udp.0, receive_buffer: udp.1, send_buffer: udp.2, pin: udp.3 },
            tcp: TcpSettings {
                max_connections: limits.0,
                max_connections_per_address: limits.1,
                idle_timeout, read_timeout, write_timeout,
            },
        }
    }
}

prop_compose! {
    fn any_kubernetes()(
        watch in prop::sample::select(vec![ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod]),
        watch_pods: bool,
        kubeconfig in prop::option::of("/[^\\x00]{1,20}".prop_map(PathBuf::from)),
        context in prop::option::of("\\PC{1,20}"),
        page_size in 1_u32..=10_000,
        streaming_lists: bool,
        stale_after in (10_000_u64..=86_400_000).prop_map(Duration::from_millis),
        leave_out_after in (1_u64..=86_400_000).prop_map(Duration::from_millis),
    ) -> KubernetesSettings {
        KubernetesSettings {
            watch, watch_pods, kubeconfig, context, page_size, streaming_lists, stale_after, leave_out_after,
            in_cluster: false,
        }
    }
}

prop_compose! {
    fn any_secondary()(
        clients in prop::option::of(any::<IpAddr>()),
        with_key: bool,
        zones in prop::option::of(prop::collection::btree_set("[a-z]{1,9}(\\.[a-z]{1,9})?", 1..3)),
        notify in prop::option::of(1_u16..),
        incremental: bool,
    ) -> Secondary {
        let host = |address: IpAddr| Network { address, length: if address.is_ipv4() { 32 } else { 128 } };
        let with_key = with_key || clients.is_none();
        Secondary {
            clients: clients.map(|address| vec![host(address)]),
            key: with_key.then(|| name("a.key")),
            zones: zones.map(|names| names.iter().map(|text| name(text)).collect()),
            notify: notify.map(|port| vec![SocketAddr::from(([192, 0, 2, 1], port))]),
            incremental,
        }
    }
}

prop_compose! {
    fn any_transfer()(
        at_once in 1_usize..=64,
        times in prop::array::uniform2((1_u64..=86_400_000).prop_map(Duration::from_millis)),
        journal in 0_usize..=1 << 30,
        catalog in prop::option::of(any_name()),
        file in "/[^\\x00]{1,20}".prop_map(PathBuf::from),
        secondaries in prop::collection::vec(any_secondary(), 0..3),
    ) -> TransferSettings {
        let keys = [("a.key", file.clone()), ("b.key", file)];
        TransferSettings {
            at_once, journal, catalog, secondaries,
            time: times[0],
            notify_interval: times[1],
            keys: keys.map(|(key, file)| TransferKey { name: name(key), file }).into(),
        }
    }
}

prop_compose! {
    fn any_admin()(
        ports in prop::array::uniform2(prop::option::of(prop::collection::btree_set(1_u16.., 0..3))),
        ready_when_stale: bool,
    ) -> AdminSettings {
        let addresses = |ports: BTreeSet<u16>| ports.into_iter().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let [listen, api] = ports.map(|ports| ports.map(|ports| addresses(ports).collect()));
        AdminSettings { listen, api, ready_when_stale }
    }
}

prop_compose! {
    fn any_log()(
        format in prop::sample::select(vec![LogFormat::Auto, LogFormat::Text, LogFormat::Json]),
        level in prop::sample::select(LogLevel::WORDS),
        one_in in prop::option::of(1_u32..=1_000_000),
        per_second in 1_u32..=10_000,
    ) -> LogSettings {
        LogSettings { format, level: level.1, queries: QueryLogSettings { one_in, per_second } }
    }
}

prop_compose! {
    fn any_state()(
        directory in prop::option::of("/[^\\x00]{1,20}".prop_map(PathBuf::from)),
        times in prop::array::uniform2((1_u64..=86_400_000).prop_map(Duration::from_millis)),
        ready_after in (0_u64..=86_400_000).prop_map(Duration::from_millis),
    ) -> StateSettings {
        let [interval, max_age] = times;
        StateSettings { directory, interval, max_age, ready_after }
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
        zone_files in prop::collection::btree_set("/[^\\x00]{1,20}", 0..4),
        manifests in prop::collection::btree_set("-|/[^\\x00]{1,20}", 0..4),
        kubernetes in any_kubernetes(),
        topologies in prop::collection::vec(any_topology(), 0..4),
        server in any_server().boxed(),
        (admin, state, log, transfer) in (any_admin(), any_state(), any_log(), any_transfer().boxed()),
    ) -> Settings {
        let mut topologies = topologies;
        let mut seen = BTreeSet::new();
        topologies.retain(|topology| topology.name.is_none() || seen.insert(topology.name.clone()));
        let manifest = |text: String| match text.as_str() {
            "-" => Manifest::StandardInput,
            _ => Manifest::Path(text.into()),
        };
        let mut kubernetes = kubernetes;
        if !manifests.is_empty() {
            (kubernetes.kubeconfig, kubernetes.context) = (None, None);
        }
        // Pods need names, Endpoints do not say who serves.
        let fits = |topology: &Topology| match kubernetes.watch {
            ObjectKind::EndpointSlice => true,
            ObjectKind::Endpoints => {
                topology.include != Include::Serving && topology.when_empty != WhenEmpty::Serving
            }
            ObjectKind::Pod => topology.name.is_some(),
        };
        let nameless = topologies.is_empty() && kubernetes.watch == ObjectKind::Pod;
        if nameless || !topologies.iter().all(fits) {
            kubernetes.watch = ObjectKind::EndpointSlice;
        }
        Settings {
            kubernetes,
            cluster_domain, zone, pods, label_settings, topologies, server, transfer, admin, state, log,
            reverse_zones: reverse_zones.into_iter().collect(),
            zone_files: zone_files.into_iter().map(Into::into).collect(),
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
    fn a_damaged_file_is_read_or_refused(
        from: prop::sample::Index,
        length in 0_usize..40,
        put in "(true|-1|7\\.9|\"|'|\\[|\\]|=|\\.|\n|ü|name|\\[\\[topologies\\]\\]\n){0,3}",
    ) {
        let whole: Vec<char> = include_str!("../../../deploy/rosterd.toml").chars().collect();
        let from = from.index(whole.len());
        let kept = [&whole[..from], &whole[(from + length).min(whole.len())..]].map(|part| part.iter().collect::<String>());
        if let Err(errors) = load(&file(&kept.join(&put))) {
            prop_assert!(errors.iter().count() > 0);
            prop_assert!(errors.iter().all(|error| !error.to_string().contains('\n')), "{}", errors);
        }
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
