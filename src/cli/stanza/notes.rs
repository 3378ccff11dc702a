//! What stands above a stanza: what it does, how to apply it, how to see that it works.

use super::Stanza;

/// What it does.
pub(super) fn head(stanza: &Stanza, what: &str, does: &str) -> Vec<String> {
    let zones = [&stanza.zones[..], &stanza.reverse[..]].concat().join(", ");
    let at = stanza.upstreams().join(", ");
    vec![format!("rosterd stanza --for {what}: {does} at {at} about {zones}"), String::new()]
}

/// How to see that it works.
pub(super) fn check(stanza: &Stanza) -> Vec<String> {
    let version = format!("dns-version.{}", stanza.peers());
    lines(&[
        "See:    kubectl run dns-check --rm -i --restart=Never --image=busybox -- \\",
        &format!("            nslookup -type=txt {version}"),
        "        prints text = \"1.1.0\"; NXDOMAIN comes from a DNS server that does not ask rosterd yet.",
    ])
}

/// How to see whether the cluster's DNS knows names of pods.
pub(super) fn pod_names(domain: &str) -> Vec<String> {
    lines(&[
        "",
        "Targets of SRV, and nodes with mode = \"dns\", have names of pods. The cluster's DNS answers these if",
        &format!("        nslookup 10-0-0-1.default.pod.{domain}"),
        "in a Pod is 10.0.0.1 (`pods insecure` in its Corefile). Otherwise --with-pods forwards them too.",
    ])
}

/// Lines as they are kept.
pub(super) fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}
