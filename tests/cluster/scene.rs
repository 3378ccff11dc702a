//! A set in two views: what the API says, and what DNS answers.

use crate::api::Api;
use crate::client::{Transport, ask, data};
use crate::rosterd::Rosterd;
use crate::wait::wait_until_equal;
use crate::workload::{MYAPP, Namespace};
use hickory_proto::op::ResponseCode;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A server whose topology `myapp` takes what has the label `app=myapp` in a namespace.
pub(crate) struct Scene<'a> {
    pub(crate) namespace: Namespace<'a>,
    pub(crate) rosterd: Rosterd,
    watch: &'a str,
}

/// What is watched, as the setting calls it.
pub(crate) const SLICES: &str = "endpointslices";
pub(crate) const ENDPOINTS: &str = "endpoints";

/// The addresses of a set, sorted.
type Addresses = BTreeSet<String>;

impl<'a> Scene<'a> {
    pub(crate) fn start(namespace: Namespace<'a>, kubeconfig: &Path, watch: &'a str) -> Scene<'a> {
        let rosterd = Rosterd::watch(kubeconfig, &topology(namespace.name, watch));
        Scene { namespace, rosterd, watch }
    }

    /// Waits until the API lists these addresses, and then until DNS does: `kubectl get endpoints -l app=myapp` has those
    /// of the primary family, which is IPv6 where there is no IPv4; slices have those of both.
    pub(crate) fn comes_to(&self, step: &str, ipv4: &[&str], ipv6: &[&str]) {
        let Namespace { api, name } = self.namespace;
        let (ipv4, ipv6) = (sorted(ipv4), sorted(ipv6));
        let primary = if ipv4.is_empty() { &ipv6 } else { &ipv4 };
        wait_until_equal(&format!("{step}: endpoints"), primary, || endpoints(api, name));
        wait_until_equal(&format!("{step}: slices of IPv4"), &ipv4, || slices(api, name, "IPv4"));
        wait_until_equal(&format!("{step}: slices of IPv6"), &ipv6, || slices(api, name, "IPv6"));

        let served = self.served(&ipv4, &ipv6);
        wait_until_equal(&format!("{step}: answers"), &served, || self.answers());
    }

    /// What DNS should answer for a set with these addresses. A peer that has both is named by its IPv4 address.
    fn served(&self, ipv4: &Addresses, ipv6: &Addresses) -> Answers {
        let primary = if ipv4.is_empty() { ipv6 } else { ipv4 };
        // Endpoints know nothing of the other family.
        let second = if self.watch == ENDPOINTS && !ipv4.is_empty() { &Addresses::new() } else { ipv6 };
        Answers {
            codes: BTreeSet::from([format!("{:?}", ResponseCode::NoError)]),
            txt: primary.iter().map(|address| format!("{MYAPP}@{address}")).collect(),
            a: ipv4.clone(),
            aaaa: second.clone(),
        }
    }

    fn answers(&self) -> Answers {
        Answers::of(&self.rosterd, &set(self.namespace.name))
    }
}

/// Settings of a server with the topology `myapp` in a namespace.
pub(crate) fn topology(namespace: &str, watch: &str) -> String {
    format!(
        "[[topologies]]\nname = \"{MYAPP}\"\nselector = \"app={MYAPP}\"\nnamespaces = [\"{namespace}\"]\n\
         [kubernetes]\nwatch = \"{watch}\"\n[server]"
    )
}

/// The name of the set `myapp` of a namespace.
pub(crate) fn set(namespace: &str) -> String {
    format!("{MYAPP}.{namespace}.svc.peers.cluster.local.")
}

/// What DNS answers for a set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answers {
    /// The response codes; more than one only for a moment.
    pub(crate) codes: BTreeSet<String>,
    pub(crate) txt: Addresses,
    pub(crate) a: Addresses,
    pub(crate) aaaa: Addresses,
}

impl Answers {
    pub(crate) fn of(rosterd: &Rosterd, name: &str) -> Answers {
        let mut codes = BTreeSet::new();
        let [txt, a, aaaa] = ["TXT", "A", "AAAA"].map(|record_type| {
            let answer = ask(rosterd.ipv4(), Transport::Udp, name, record_type, Some(1232));
            codes.insert(format!("{:?}", answer.metadata.response_code));
            data(&answer.answers).into_iter().collect()
        });
        Answers { codes, txt, a, aaaa }
    }
}

/// The addresses that `kubectl get endpoints -l app=myapp` shows in a namespace.
fn endpoints(api: &Api, namespace: &str) -> Addresses {
    let list = api.get(&format!("/api/v1/namespaces/{namespace}/endpoints?labelSelector=app%3D{MYAPP}"));
    let subsets = elements(&list["items"]).flat_map(|item| elements(&item["subsets"]));
    subsets
        .flat_map(|subset| elements(&subset["addresses"]))
        .filter_map(|address| address["ip"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The ready addresses of one family that slices with the label list in a namespace.
fn slices(api: &Api, namespace: &str, family: &str) -> Addresses {
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    let list = api.get(&format!("{path}?labelSelector=app%3D{MYAPP}"));
    elements(&list["items"])
        .filter(|slice| slice["addressType"] == family)
        .flat_map(|slice| elements(&slice["endpoints"]))
        .filter(|endpoint| endpoint["conditions"]["ready"] != false)
        .flat_map(|endpoint| elements(&endpoint["addresses"]))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The elements of a list that may be absent or null.
fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn sorted(addresses: &[&str]) -> Addresses {
    addresses.iter().map(ToString::to_string).collect()
}
