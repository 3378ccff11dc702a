//! Objects of the API: ConfigMaps that a Corefile includes or is made from, and OpenShift's operator.

use super::{Stanza, Text, corefile, notes};
use serde_json::{Map, Value};

/// The ConfigMap whose keys `*.server` the Corefile imports, as AKS and k3s install it.
pub(super) fn coredns_custom(stanza: &Stanza) -> Text {
    let text = corefile::blocks(stanza) + &corefile::reverse_blocks(stanza);
    let body = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coredns-custom\n  namespace: kube-system\ndata:\n  \
         rosterd.server: |\n{}",
        indented(&text, 4)
    );
    let head = notes::head(stanza, "coredns-custom", "CoreDNS asks rosterd");
    let mut apply = notes::lines(&[
        "Apply:  kubectl apply -f FILE (other keys of the ConfigMap stay), then",
        "        kubectl -n kube-system rollout restart deployment coredns",
    ]);
    if !stanza.reverse.is_empty() {
        apply.extend(notes::lines(&[
            "",
            "The plugin kubernetes in a reverse zone gives Services and endpoints there the names that they had. It holds",
            "all of them once more: look at the memory of CoreDNS.",
        ]));
    }
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body }
}

/// The ConfigMap of kube-dns.
pub(super) fn gke(stanza: &Stanza) -> Text {
    let servers = || Value::from(stanza.upstreams());
    let domains: Map<String, Value> = stanza.zones.iter().map(|zone| (zone.clone(), servers())).collect();
    let body = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-dns\n  namespace: kube-system\n  labels:\n    \
         addonmanager.kubernetes.io/mode: EnsureExists\ndata:\n  stubDomains: |\n{}",
        indented(&format!("{:#}\n", Value::Object(domains)), 4)
    );
    let head = notes::head(stanza, "gke", "kube-dns of GKE asks rosterd");
    let apply = notes::lines(&[
        "Apply:  kubectl apply -f FILE. If there are stubDomains already, take the lines over into them:",
        "        kubectl -n kube-system get configmap kube-dns -o jsonpath={.data.stubDomains}",
        "NodeLocal DNSCache takes stub domains over from there, and keeps answers for up to 30 s.",
        "",
        "Not with Cloud DNS (Autopilot): it reaches no address inside of a cluster. Pods then ask rosterd themselves:",
        "        rosterd stanza --for dnsconfig, or --for inetrc",
    ]);
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body }
}

/// The operator's object, which is there already.
pub(super) fn openshift(stanza: &Stanza) -> Text {
    let list = |items: &[String], indent: usize| {
        let one = |item: &String| format!("{}- {}\n", " ".repeat(indent), quoted(item));
        items.iter().map(one).collect::<String>()
    };
    let body = format!(
        "apiVersion: operator.openshift.io/v1\nkind: DNS\nmetadata:\n  name: default\nspec:\n  servers:\n  - name: rosterd\n    \
         zones:\n{}    forwardPlugin:\n      policy: {}\n      upstreams:\n{}",
        list(&stanza.zones, 4),
        if stanza.in_order { "Sequential" } else { "Random" },
        list(&stanza.upstreams(), 6)
    );
    let head = notes::head(stanza, "openshift", "the DNS of OpenShift asks rosterd");
    let apply = notes::lines(&[
        "Apply:  oc edit dns.operator/default, and add the item to spec.servers; where that is empty:",
        "        oc patch dns.operator/default --type=merge --patch-file FILE",
        "The operator puts a cache before every zone: a TTL below 5 s becomes 5 s.",
    ]);
    Text { notes: [head, apply, notes::check(stanza)].concat(), comment: Some("#"), body }
}

/// A string of YAML, in the form of JSON, where it would otherwise be something else.
fn quoted(text: &str) -> String {
    if text.contains([':', '[']) { Value::from(text).to_string() } else { text.to_owned() }
}

fn indented(text: &str, by: usize) -> String {
    let indent = " ".repeat(by);
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") };
    text.lines().map(line).collect()
}
