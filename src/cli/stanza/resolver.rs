//! Those who ask rosterd themselves: an Erlang node, and a Pod by its resolv.conf.

use super::{Stanza, Text, notes};
use std::net::{IpAddr, SocketAddr};

/// Kubernetes, "DNS for Services and Pods", on `nameservers` of `dnsConfig`: "There can be at most 3 IP addresses specified."
const NAMESERVERS_MAX: usize = 3;

/// The file that `ERL_INETRC` names.
pub(super) fn inetrc(stanza: &Stanza) -> Text {
    let nameserver = |server: &SocketAddr| {
        let port = if server.port() == 53 { String::new() } else { format!(", {}", server.port()) };
        format!("{{nameserver, {}{port}}}.\n", erlang_address(server.ip()))
    };
    let servers: String = stanza.servers.iter().map(nameserver).collect();
    let cluster_dns =
        stanza.cluster_dns.map(|address| nameserver(&SocketAddr::new(address, 53))).unwrap_or_default();
    let body = format!("{{resolv_conf, \"\"}}.\n{servers}{cluster_dns}{{lookup, [file, dns]}}.\n");
    let head = notes::head(stanza, "inetrc", "an Erlang node asks rosterd");
    let mut apply = notes::lines(&[
        "Apply:  mount it as a file, and set ERL_INETRC to its path in the node's environment.",
        "See:    inet_res:lookup(\"dns-version.ZONE.\", in, txt) in the node is [[\"1.1.0\"]].",
    ]);
    for line in &mut apply {
        *line = line.replace("ZONE", stanza.peers());
    }
    apply.extend(notes::lines(match stanza.cluster_dns {
        None => &[
            "",
            "The node resolves nothing but the names that rosterd serves. --cluster-dns ADDRESS adds the cluster's DNS for",
            "all others: rosterd refuses them, and Erlang asks the next nameserver then.",
        ],
        Some(_) => &["", "What rosterd refuses is asked of the next nameserver, the cluster's own DNS."],
    }));
    Text { notes: [head, apply].concat(), comment: Some("%%"), body }
}

/// The fields of a Pod's `spec`.
pub(super) fn dnsconfig(stanza: &Stanza) -> Result<Text, String> {
    let Some(cluster_dns) = stanza.cluster_dns else {
        return Err("--for dnsconfig: --cluster-dns has the address that all other names are asked at: kubectl -n kube-system \
                    get service kube-dns -o jsonpath={.spec.clusterIP}"
            .to_owned());
    };
    if let Some(server) = stanza.servers.iter().find(|server| server.port() != 53) {
        return Err(format!("--at {server}: resolv.conf knows no ports; rosterd must be asked at port 53"));
    }
    if stanza.servers.len() >= NAMESERVERS_MAX {
        return Err(format!(
            "--at: a Pod has {NAMESERVERS_MAX} nameservers at most, and one is the cluster's DNS"
        ));
    }
    let addresses = stanza.servers.iter().map(SocketAddr::ip).chain([cluster_dns]);
    let addresses: Vec<String> = addresses.map(|address| format!("  - \"{address}\"\n")).collect();
    let addresses = addresses.concat();
    let domain = &stanza.cluster_domain;
    let body = format!(
        "dnsPolicy: None\ndnsConfig:\n  nameservers:\n{addresses}  searches:\n  - svc.{domain}\n  - {domain}\n  options:\n  \
         - name: ndots\n    value: \"5\"\n"
    );
    let head = notes::head(stanza, "dnsconfig", "a Pod asks rosterd");
    let mut apply = notes::lines(&[
        "Apply:  put these fields into spec of the Pod, or of a template of Pods. For short names, put the Pod's own",
        "        NAMESPACE.svc.DOMAIN first under searches.",
        "",
        "What rosterd refuses is asked of the next nameserver, the cluster's own DNS. glibc and Erlang do that. musl (Alpine)",
        "asks all nameservers at once and takes the first answer, \"does not exist\" among them: not for these.",
    ]);
    for line in &mut apply {
        *line = line.replace("DOMAIN", domain);
    }
    Ok(Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body })
}

/// An address as a term: `{10,96,0,53}`, `{16#fd00,0,0,0,0,0,0,16#53}`.
fn erlang_address(address: IpAddr) -> String {
    let parts: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(v6) => v6.segments().iter().map(|part| format!("16#{part:x}")).collect(),
    };
    format!("{{{}}}", parts.join(","))
}
