//! Corefiles: CoreDNS's own, the one that EKS installs, that of NodeLocal DNSCache.

use super::{Stanza, Text, notes};
use serde_json::json;

/// What asks on where a server does not know a name (forward, since CoreDNS 1.11.4).
const OTHERWISE: &str = "next NXDOMAIN";

/// Lines for a Corefile that is edited.
pub(super) fn coredns(stanza: &Stanza) -> Text {
    let mut body = String::new();
    if !stanza.reverse.is_empty() {
        body += "# 1. Into the block `.:53`, above its line `forward . /etc/resolv.conf`:\n";
        body += &falling_through(stanza, 0);
        body += "\n# 2. Below that block:\n";
    }
    body += &blocks(stanza);
    let head = notes::head(stanza, "coredns", "CoreDNS asks rosterd");
    let apply = notes::lines(&[
        "Apply:  kubectl -n kube-system edit configmap coredns",
        "        and paste these blocks below the one that begins with `.:53`. The plugin reload sees it within a minute;",
        "        without it: kubectl -n kube-system rollout restart deployment coredns",
    ]);
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body }
}

/// Server blocks: a zone, and where it is asked.
pub(super) fn blocks(stanza: &Stanza) -> String {
    let blocks: Vec<String> = stanza.zones.iter().map(|zone| block(stanza, zone, None)).collect();
    blocks.join("\n")
}

fn block(stanza: &Stanza, zone: &str, bind: Option<&str>) -> String {
    let (bind, cache) = (bound(bind), cache(stanza));
    format!("{zone}:53 {{\n    errors\n{bind}{cache}{}}}\n", forward(stanza, ".", None, 4))
}

fn bound(bind: Option<&str>) -> String {
    bind.map(|bind| format!("    bind {bind}\n")).unwrap_or_default()
}

/// The line that forwards a zone, with what it says more.
fn forward(stanza: &Stanza, zone: &str, more: Option<&str>, indent: usize) -> String {
    let order = stanza.in_order.then_some("policy sequential");
    let (to, indent) = (stanza.upstreams().join(" "), " ".repeat(indent));
    let options: String = [order, more]
        .iter()
        .flatten()
        .fold(String::new(), |options, option| options + &indent + "    " + option + "\n");
    let options = if options.is_empty() { options } else { format!(" {{\n{options}{indent}}}") };
    format!("{indent}forward {zone} {to}{options}\n")
}

fn cache(stanza: &Stanza) -> String {
    stanza.cache.map(|seconds| format!("    cache {seconds}\n")).unwrap_or_default()
}

/// Reverse zones inside of a block that knows names of its own before, and asks somebody else behind.
fn falling_through(stanza: &Stanza, indent: usize) -> String {
    stanza.reverse.iter().map(|zone| forward(stanza, zone, Some(OTHERWISE), indent)).collect()
}

/// Server blocks of reverse zones that stand alone: the names that the cluster's DNS makes come first, and what nobody
/// knows here is asked where the node asks.
pub(super) fn reverse_blocks(stanza: &Stanza) -> String {
    let (domain, cache) = (&stanza.cluster_domain, cache(stanza));
    let forward = forward(stanza, ".", Some(OTHERWISE), 4);
    let one = |zone: &String| {
        format!(
            "\n{zone}:53 {{\n    errors\n    kubernetes {domain} {zone} {{\n        fallthrough {zone}\n    }}\n{cache}{forward}    \
             forward . /etc/resolv.conf\n}}\n"
        )
    };
    stanza.reverse.iter().map(one).collect()
}

/// The configuration values of the EKS add-on: a whole Corefile, since they replace it. What it begins with is what the
/// add-on installs.
pub(super) fn eks(stanza: &Stanza) -> Text {
    let domain = &stanza.cluster_domain;
    let corefile = format!(
        ".:53 {{\n    errors\n    health {{\n        lameduck 5s\n    }}\n    ready\n    \
         kubernetes {domain} in-addr.arpa ip6.arpa {{\n        pods insecure\n        fallthrough in-addr.arpa ip6.arpa\n    \
         }}\n    prometheus :9153\n{}    forward . /etc/resolv.conf\n    cache 30\n    loop\n    reload\n    loadbalance\n}}\n\n{}",
        falling_through(stanza, 4),
        blocks(stanza)
    );
    let head = notes::head(stanza, "eks", "the EKS add-on coredns asks rosterd");
    let apply = notes::lines(&[
        "These values replace the whole Corefile of the add-on. Compare with yours before:",
        "        kubectl -n kube-system get configmap coredns -o jsonpath={.data.Corefile}",
        "Apply:  aws eks update-addon --cluster-name CLUSTER --addon-name coredns --resolve-conflicts OVERWRITE \\",
        "            --configuration-values file://values.json",
    ]);
    let body = format!("{:#}\n", json!({ "corefile": corefile }));
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: None, body }
}

/// Blocks for NodeLocal DNSCache, whose program puts addresses in place of `__PILLAR__…__`.
pub(super) fn nodelocal(stanza: &Stanza) -> Text {
    const BIND: &str = "__PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__";
    const CLUSTER_DNS: &str = "__PILLAR__CLUSTER__DNS__";
    let blocks: Vec<String> = stanza.zones.iter().map(|zone| block(stanza, zone, Some(BIND))).collect();
    let (bind, cache) = (bound(Some(BIND)), cache(stanza));
    let forward = forward(stanza, ".", Some(OTHERWISE), 4);
    let reverse = stanza.reverse.iter().map(|zone| {
        format!(
            "\n{zone}:53 {{\n    errors\n{bind}{cache}{forward}    forward . {CLUSTER_DNS} {{\n        force_tcp\n    }}\n}}\n"
        )
    });
    let body = blocks.join("\n") + &reverse.collect::<String>();
    let head = notes::head(stanza, "nodelocal", "NodeLocal DNSCache asks rosterd");
    let apply = notes::lines(&[
        "Apply:  kubectl -n kube-system edit configmap node-local-dns",
        "        and paste these blocks below the others. Where these say `bind` with addresses and without `__PILLAR__`, take",
        "        over what they say. Then: kubectl -n kube-system rollout restart daemonset node-local-dns",
    ]);
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body }
}
