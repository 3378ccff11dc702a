//! `rosterd stanza`: what makes pods ask rosterd for its zones, to paste where it belongs.
//!
//! The peer zone is nobody else's. Names of pods and reverse zones are shared with the rest of the cluster: they are printed
//! on demand only, and only in a form in which the names of others keep their answers.

mod corefile;
mod notes;
mod resolver;
mod yaml;

use super::arguments::{StanzaArguments, Target};
use super::{Failure, print};
use crate::config::Settings;
use crate::run::{self, OtherPods};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

/// The plugin forward: "The number of upstreams is limited to 15."
const UPSTREAMS_MAX: usize = 15;

/// What is said: zones as text without a final dot, and who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stanza {
    /// The cluster's own domain.
    cluster_domain: String,
    /// The zone of peers, and that of pods where it is wanted: served whole.
    zones: Vec<String>,
    /// Reverse zones, where they are wanted: others have names in them.
    reverse: Vec<String>,
    /// Where rosterd is asked.
    servers: Vec<SocketAddr>,
    /// Whether the first of these is asked as long as it answers.
    in_order: bool,
    /// Seconds that answers are kept for, at least.
    cache: Option<u32>,
    /// The cluster's own DNS.
    cluster_dns: Option<IpAddr>,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    /// How to apply it, and how to see that it works. Stands above the body, as comments, where the body has some.
    notes: Vec<String>,
    /// What begins a comment.
    comment: Option<&'static str>,
    body: String,
}

/// Prints the stanza for what is to ask.
pub(super) fn stanza(settings: &Settings, what: Target, wanted: &StanzaArguments) -> Result<(), Failure> {
    let stanza = Stanza::of(settings, what, wanted).map_err(Failure::Failed)?;
    let Text { mut notes, comment, body } = stanza.text(what).map_err(Failure::Failed)?;
    notes.extend(hints(settings, what, wanted));
    let Some(comment) = comment else {
        print::notes(&notes);
        return print::results(|out| out.write_all(body.as_bytes()));
    };
    print::results(|out| {
        for note in &notes {
            writeln!(out, "{}", format!("{comment} {note}").trim_end())?;
        }
        write!(out, "\n{body}")
    })
}

impl Stanza {
    fn of(settings: &Settings, what: Target, wanted: &StanzaArguments) -> Result<Stanza, String> {
        let advertised = || settings.server.advertise.iter().map(|address| SocketAddr::new(*address, 53));
        let servers: Vec<SocketAddr> =
            if wanted.at.is_empty() { advertised().collect() } else { wanted.at.clone() };
        if servers.is_empty() {
            return Err(
                "where is rosterd asked? --at has its address, such as the clusterIP of its Service: \
                        kubectl -n rosterd get service rosterd -o jsonpath={.spec.clusterIP}"
                    .to_owned(),
            );
        }
        if servers.len() > UPSTREAMS_MAX {
            return Err(format!("--at: {} addresses; CoreDNS takes {UPSTREAMS_MAX} at most", servers.len()));
        }
        let mut zones = vec![plain(&settings.zone)];
        if wanted.with_pods {
            zones.push(pod_zone(settings)?);
        }
        let reverse = if wanted.with_reverse { reverse_zones(settings, what)? } else { Vec::new() };
        if wanted.cache.is_some() && !what.caches_by_choice() {
            return Err(
                "--cache: only a Corefile can say it (coredns, coredns-custom, eks, nodelocal)".to_owned()
            );
        }
        if wanted.cluster_dns.is_some() && !what.asks_for_everything() {
            return Err("--cluster-dns: what forwards zones here asks the cluster's DNS for the rest already; only inetrc \
                        and dnsconfig are told of it"
                .to_owned());
        }
        if wanted.in_order && what == Target::Gke {
            return Err("--in-order: kube-dns has no order of stub domains' servers".to_owned());
        }
        let cluster_domain = plain(&settings.cluster_domain);
        let StanzaArguments { in_order, cache, cluster_dns, .. } = *wanted;
        Ok(Stanza { cluster_domain, zones, reverse, servers, in_order, cache, cluster_dns })
    }

    fn text(&self, what: Target) -> Result<Text, String> {
        match what {
            Target::Coredns => Ok(corefile::coredns(self)),
            Target::CorednsCustom => Ok(yaml::coredns_custom(self)),
            Target::Eks => Ok(corefile::eks(self)),
            Target::Gke => Ok(yaml::gke(self)),
            Target::Nodelocal => Ok(corefile::nodelocal(self)),
            Target::Openshift => Ok(yaml::openshift(self)),
            Target::Inetrc => Ok(resolver::inetrc(self)),
            Target::Dnsconfig => resolver::dnsconfig(self),
        }
    }

    /// The zone of peers.
    fn peers(&self) -> &str {
        self.zones.first().map_or("", String::as_str)
    }

    /// The servers as a Corefile and most others have them: without the port of DNS.
    fn upstreams(&self) -> Vec<String> {
        let alone = |server: &SocketAddr| match server {
            SocketAddr::V4(v4) if v4.port() == 53 => v4.ip().to_string(),
            server => server.to_string(),
        };
        self.servers.iter().map(alone).collect()
    }
}

impl Target {
    /// Whether what asks has a cache that a stanza turns on.
    fn caches_by_choice(self) -> bool {
        matches!(self, Target::Coredns | Target::CorednsCustom | Target::Eks | Target::Nodelocal)
    }

    /// Whether what one server does not know can be asked of another. Otherwise a zone is either asked here or there.
    fn falls_through(self) -> bool {
        self.caches_by_choice()
    }

    /// Whether it asks for all names, so that zones are none of its business.
    fn asks_for_everything(self) -> bool {
        matches!(self, Target::Inetrc | Target::Dnsconfig)
    }
}

/// The pod zone, if its answers about pods that nobody has told rosterd of are those that the cluster's DNS could give.
fn pod_zone(settings: &Settings) -> Result<String, String> {
    match run::other_pods(settings) {
        OtherPods::Answered | OtherPods::None => Ok(format!("pod.{}", plain(&settings.cluster_domain))),
        OtherPods::NotServed => Err("--with-pods: pods = \"disabled\" serves no names of pods".to_owned()),
        OtherPods::Denied => Err("--with-pods: with these settings pods that no object names do not exist, those of \
                                  other teams; pods = \"insecure\" answers for every address, kubernetes.watch_pods = true \
                                  knows all Pods"
            .to_owned()),
    }
}

fn reverse_zones(settings: &Settings, what: Target) -> Result<Vec<String>, String> {
    if settings.reverse_zones.is_empty() {
        return Err("--with-reverse: the settings have no reverse_zones".to_owned());
    }
    if !what.falls_through() && !what.asks_for_everything() {
        return Err("--with-reverse: what forwards a zone here asks nobody else about it, and addresses that rosterd does \
                    not know would lose their names; only a Corefile can ask on (coredns, coredns-custom, eks, nodelocal)"
            .to_owned());
    }
    Ok(settings.reverse_zones.iter().map(plain).collect())
}

/// A zone as files of others have it. Settings allow letters, digits, hyphens and underscores, which mean nothing there.
fn plain(zone: &impl Display) -> String {
    zone.to_string().trim_end_matches('.').to_owned()
}

/// What else should be known of these settings.
fn hints(settings: &Settings, what: Target, wanted: &StanzaArguments) -> Vec<String> {
    if what.asks_for_everything() {
        return Vec::new();
    }
    let mut hints = Vec::new();
    if !wanted.with_pods && run::names_pods(settings) {
        hints.extend(notes::pod_names(&plain(&settings.cluster_domain)));
    }
    if !wanted.with_reverse && !settings.reverse_zones.is_empty() && what.falls_through() {
        hints.push(String::new());
        hints.push("Reverse zones of the settings are left out; --with-reverse prints them.".to_owned());
    }
    hints
}

#[cfg(test)]
mod tests;
