//! The world that is listed and changed: the shape of `benches/cluster`, as an API server prints it.

use std::fmt::Write as _;

/// How many sets of how many endpoints a namespace of 3,000 has.
const SETS: [(usize, usize); 3] = [(3, 250), (25, 30), (300, 5)];

/// Endpoints of a whole namespace.
const NAMESPACE: usize = 3000;

/// "Defaults to 100": `--max-endpoints-per-slice` of kube-controller-manager.
const PER_SLICE: usize = 100;

/// A slice: which pods it has, and where its text comes from.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    namespace: u16,
    set: u16,
    size: u16,
    place: u8,
    deleted: bool,
    /// Of its pods in [`World::pods`].
    first: u32,
    count: u8,
}

/// Everything there is. Flat, so that it takes little memory beside what is measured.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) slices: Vec<Slice>,
    /// The number of each pod; the highest bit says that it is not ready.
    pods: Vec<u32>,
    next_pod: u32,
    revision: u64,
    /// All pods have the address of one node and a slice each, in a set of its own.
    one_address: bool,
    random: u64,
}

const NOT_READY: u32 = 1 << 31;

impl World {
    /// A world of so many pods, in namespaces of 3,000; the last one has as much of everything as is left.
    pub(crate) fn new(pods: usize) -> World {
        let mut world = World::empty();
        let mut left = pods;
        for namespace in 0.. {
            if left == 0 {
                break;
            }
            let here = left.min(NAMESPACE);
            left -= here;
            for (count, size) in SETS {
                for set in 0..(count * here).div_ceil(NAMESPACE) {
                    world.add_set(namespace, set, size);
                }
            }
        }
        world
    }

    /// Sets of one pod each, all at one address.
    pub(crate) fn at_one_address(pods: usize) -> World {
        let mut world = World { one_address: true, ..World::empty() };
        for set in 0..pods {
            world.add_set(0, set, 1);
        }
        world
    }

    fn empty() -> World {
        World {
            slices: Vec::new(),
            pods: Vec::new(),
            next_pod: 0,
            revision: 1_000_000,
            one_address: false,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn add_set(&mut self, namespace: u16, set: usize, size: usize) {
        for place in 0..size.div_ceil(PER_SLICE) {
            let count = PER_SLICE.min(size - place * PER_SLICE);
            let first = u32::try_from(self.pods.len()).expect("fewer pods");
            for _ in 0..count {
                self.pods.push(self.next_pod);
                self.next_pod += 1;
            }
            self.slices.push(Slice {
                namespace,
                set: u16::try_from(set).expect("fewer sets"),
                size: u16::try_from(size).expect("smaller sets"),
                place: u8::try_from(place).expect("fewer slices"),
                deleted: false,
                first,
                count: u8::try_from(count).expect("smaller slices"),
            });
        }
    }

    pub(crate) fn endpoints(&self) -> usize {
        self.pods.len()
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Lets every object have another revision, and nothing else.
    pub(crate) fn move_on(&mut self) {
        self.revision += 1_000_000;
    }

    /// Pages of a list in pieces: one slice, and what stands around it.
    pub(crate) fn pages(&self, page: usize) -> impl Iterator<Item = Vec<&Slice>> {
        let there: Vec<&Slice> = self.slices.iter().filter(|slice| !slice.deleted).collect();
        let pages: Vec<Vec<&Slice>> = there.chunks(page).map(<[&Slice]>::to_vec).collect();
        pages.into_iter()
    }

    /// What stands before the first item of a page.
    pub(crate) fn head(&self) -> String {
        format!(
            r#"{{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{{"resourceVersion":"{}","continue":"eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTIzNDU2fQ","remainingItemCount":1000}},"items":["#,
            self.revision
        )
    }

    /// One event of a watch: a pod replaced by another, a pod that stops or begins to be ready, a slice that goes or
    /// comes back with other pods. Returns the line.
    pub(crate) fn change(&mut self) -> String {
        self.revision += 1;
        let draw = self.draw();
        // Weighed by pods: where there are more, more happens.
        let pod = usize::try_from(draw >> 16).expect("64 bits") % self.pods.len();
        let at = self.slices.partition_point(|slice| slice.first as usize <= pod) - 1;
        let slice = self.slices.get(at).expect("a slice").clone();
        let kind = match draw % 20 {
            0 | 1 if !slice.deleted => "DELETED",
            _ if slice.deleted => {
                for pod in slice.first..slice.first + u32::from(slice.count) {
                    self.replace(pod as usize);
                }
                "ADDED"
            }
            2..5 => {
                *self.pods.get_mut(pod).expect("a pod") ^= NOT_READY;
                "MODIFIED"
            }
            _ => {
                self.replace(pod);
                "MODIFIED"
            }
        };
        if let Some(slice) = self.slices.get_mut(at) {
            slice.deleted = kind == "DELETED";
        }
        format!("{{\"type\":\"{kind}\",\"object\":{}}}\n", self.text(&slice))
    }

    fn replace(&mut self, pod: usize) {
        *self.pods.get_mut(pod).expect("a pod") = self.next_pod;
        self.next_pod += 1;
    }

    /// xorshift64.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// A slice as the controller writes it and an API server prints it.
    pub(crate) fn text(&self, slice: &Slice) -> String {
        let Slice { namespace, set, size, place, .. } = slice;
        let (namespace, service) = (format!("team-{namespace:02}"), format!("app-{size}-{set:03}"));
        let mut text = String::with_capacity(1500 + 340 * usize::from(slice.count));
        let revision = self.revision - u64::from(slice.first) % 1000;
        write!(
            text,
            r#"{{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{{"name":"{service}-{place}","namespace":"{namespace}","uid":"5d7e3c52-0000-4000-9000-{:012x}","resourceVersion":"{revision}","generation":3,"creationTimestamp":"2026-11-22T12:00:00Z","labels":{{"app":"{service}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{service}","service.kubernetes.io/headless":""}},"annotations":{{"endpoints.kubernetes.io/last-change-trigger-time":"2026-11-22T12:00:00Z"}},"ownerReferences":[{{"apiVersion":"v1","kind":"Service","name":"{service}","uid":"6d7e3c52-0000-4000-9000-{:012x}","controller":true,"blockOwnerDeletion":true}}],"managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"discovery.k8s.io/v1","time":"2026-11-22T12:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:addressType":{{}},"f:endpoints":{{}},"f:metadata":{{"f:annotations":{{".":{{}},"f:endpoints.kubernetes.io/last-change-trigger-time":{{}}}},"f:labels":{{".":{{}},"f:app":{{}},"f:kubernetes.io/service-name":{{}}}}}},"f:ports":{{}}}}}}]}},"addressType":"IPv4","endpoints":["#,
            slice.first, slice.first
        )
        .expect("a string");
        let first = slice.first as usize;
        let pods = self.pods.get(first..first + usize::from(slice.count)).expect("its pods");
        for (index, pod) in pods.iter().enumerate() {
            let (number, ready) = (pod & !NOT_READY, pod & NOT_READY == 0);
            let [_, a, b, c] = if self.one_address { [0; 4] } else { number.to_be_bytes() };
            let comma = if index == 0 { "" } else { "," };
            write!(
                text,
                r#"{comma}{{"addresses":["10.{a}.{b}.{c}"],"conditions":{{"ready":{ready},"serving":{ready},"terminating":false}},"targetRef":{{"kind":"Pod","namespace":"{namespace}","name":"{service}-7d9c5b8f6-{number:05x}","uid":"0b6dbe5e-9a3c-4c1e-8f00-{number:012x}"}},"nodeName":"node-{:03}","zone":"zone-{}"}}"#,
                number % 500,
                number % 3
            )
            .expect("a string");
        }
        text.push_str(r#"],"ports":[{"name":"epmd","port":4369,"protocol":"TCP"}]}"#);
        text
    }
}
