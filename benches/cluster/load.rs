//! 150,000 endpoints: 50 namespaces with 3 sets of 250, 25 of 30 and 300 of 5 each; 16,400 headless Services in 16,700
//! slices of at most 100 endpoints, as the EndpointSlice controller cuts them.

use crate::api::{Api, collection};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many namespaces make the whole load.
pub(crate) const NAMESPACES: usize = 50;

/// How many Services of a namespace have how many endpoints.
const SETS: [(usize, usize); 3] = [(3, 250), (25, 30), (300, 5)];

/// "Defaults to 100": `--max-endpoints-per-slice` of kube-controller-manager.
const PER_SLICE: usize = 100;

/// How many clients write at once: more do not make the API server faster.
const WRITERS: usize = 4;

/// A set and its addresses.
pub(crate) struct Set {
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) size: usize,
}

/// What was made.
#[derive(Default)]
pub(crate) struct Made {
    services: AtomicUsize,
    slices: AtomicUsize,
    endpoints: AtomicUsize,
}

impl fmt::Display for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made { services, slices, endpoints } = self;
        let [services, slices, endpoints] =
            [services, slices, endpoints].map(|count| count.load(Ordering::Relaxed));
        write!(formatter, "made {endpoints} endpoints in {slices} slices of {services} Services")
    }
}

/// The set whose first whole answer makes a server ready.
pub(crate) fn large_set() -> Set {
    Set { namespace: namespace(0), service: service(250, 0), size: 250 }
}

/// A set of five.
pub(crate) fn small_set() -> Set {
    Set { namespace: namespace(0), service: service(5, 0), size: 5 }
}

/// Makes the load of so many namespaces.
pub(crate) fn make(kubeconfig: &Path, namespaces: usize) -> Made {
    let next = AtomicUsize::new(0);
    let made = Made::default();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let api = Api::new(kubeconfig);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= namespaces {
                        break;
                    }
                    make_namespace(&api, number, &made);
                }
            });
        }
    });
    made
}

fn make_namespace(api: &Api, number: usize, made: &Made) {
    let namespace = namespace(number);
    api.create("/api/v1/namespaces", &json!({"metadata": {"name": namespace}}));
    // 256 namespaces of 65,536 addresses each.
    let mut pods = (0_u16..).map(|pod| format!("10.{number}.{}.{}", pod >> 8, pod & 0xff));
    for (count, size) in SETS {
        for index in 0..count {
            let service = service(size, index);
            let metadata = json!({"name": service, "labels": {"app": service}});
            let ports = json!([{"name": "epmd", "port": 4369, "protocol": "TCP"}]);
            let object = json!({"metadata": metadata, "spec": {"clusterIP": "None", "ports": ports}});
            api.create(&collection(&namespace, "services"), &object);
            made.services.fetch_add(1, Ordering::Relaxed);
            let addresses: Vec<String> = pods.by_ref().take(size).collect();
            for (place, addresses) in addresses.chunks(PER_SLICE).enumerate() {
                let slice = slice(&namespace, &service, place, addresses);
                api.create(&collection(&namespace, "endpointslices"), &slice);
                made.slices.fetch_add(1, Ordering::Relaxed);
                made.endpoints.fetch_add(addresses.len(), Ordering::Relaxed);
            }
        }
    }
}

/// A slice as the controller writes it.
fn slice(namespace: &str, service: &str, place: usize, addresses: &[String]) -> Value {
    let endpoints: Vec<Value> =
        addresses.iter().map(|address| endpoint(namespace, service, address)).collect();
    json!({
        "metadata": {
            "name": format!("{service}-{place}"),
            "labels": {
                "app": service,
                "endpointslice.kubernetes.io/managed-by": "benchmark",
                "kubernetes.io/service-name": service,
                "service.kubernetes.io/headless": "",
            },
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-11-22T12:00:00Z"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "epmd", "port": 4369, "protocol": "TCP"}],
        "endpoints": endpoints,
    })
}

fn endpoint(namespace: &str, service: &str, address: &str) -> Value {
    let octets: Vec<u16> = address.split('.').filter_map(|octet| octet.parse().ok()).collect();
    let name = format!("{service}-{:02x}{:02x}{:02x}", octets[1], octets[2], octets[3]);
    let uid = format!("00000000-0000-4000-8000-{:04x}{:04x}{:04x}", octets[1], octets[2], octets[3]);
    json!({
        "addresses": [address],
        "conditions": {"ready": true, "serving": true, "terminating": false},
        "nodeName": format!("node-{:03}", octets[3]),
        "zone": format!("zone-{}", octets[3] % 3),
        "targetRef": {"kind": "Pod", "name": name, "namespace": namespace, "uid": uid},
    })
}

/// Writes something that no watch of slices sees, so that the revision moves on.
pub(crate) fn touch(kubeconfig: &Path) {
    Api::new(kubeconfig)
        .create(&collection("default", "configmaps"), &json!({"metadata": {"name": "touch"}}));
}

/// Adds a slice with one endpoint to the first set of five.
pub(crate) fn change(kubeconfig: &Path) -> Set {
    let set = small_set();
    let slice = slice(&set.namespace, &set.service, 9, &["10.255.255.1".to_owned()]);
    Api::new(kubeconfig).create(&collection(&set.namespace, "endpointslices"), &slice);
    Set { size: set.size + 1, ..set }
}

fn namespace(number: usize) -> String {
    format!("team-{number:02}")
}

fn service(size: usize, index: usize) -> String {
    format!("app-{size}-{index:03}")
}
