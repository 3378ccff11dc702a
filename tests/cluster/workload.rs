//! Namespaces with Services and Pods, as an administrator and a kubelet would make them.

use crate::api::{Api, collection};
use crate::control_plane::{ControlPlane, NODE};
use crate::wait::wait_for;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

/// A namespace of a test.
#[derive(Clone, Copy)]
pub(crate) struct Namespace<'a> {
    pub(crate) api: &'a Api,
    pub(crate) name: &'a str,
}

/// A Pod's place in DNS: `spec.hostname` and `spec.subdomain`.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) subdomain: &'a str,
}

/// Labels of Services that tests select by.
pub(crate) const MYAPP: &str = "myapp";

impl<'a> Namespace<'a> {
    /// Makes a namespace, which must be new.
    pub(crate) fn create(plane: &'a ControlPlane, name: &'a str) -> Namespace<'a> {
        plane.api.create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
        Namespace { api: &plane.api, name }
    }

    pub(crate) fn collection(&self, resource: &str) -> String {
        collection(self.name, resource)
    }

    pub(crate) fn path(&self, resource: &str, object: &str) -> String {
        format!("{}/{object}", self.collection(resource))
    }

    /// A headless Service with the label `app=myapp`, which selects Pods with `app=<name>`, with more fields of `spec`.
    pub(crate) fn service(&self, name: &str, more: &Value) {
        let mut spec = json!({
            "clusterIP": "None",
            "selector": {"app": name},
            "ports": [{"name": "epmd", "protocol": "TCP", "port": 4369}],
        });
        merge(&mut spec, more);
        let object = json!({"metadata": {"name": name, "labels": {"app": MYAPP}}, "spec": spec});
        self.api.create(&self.collection("services"), &object);
    }

    /// Waits until the controllers have written a Service's only address, that it is ready, and its label `app`.
    pub(crate) fn wait_for_slice(&self, service: &str, address: &str, app: &str) {
        let label = format!("kubernetes.io%2Fservice-name%3D{service}%2Capp%3D{app}");
        let list = || self.api.get(&format!("{}?labelSelector={label}", self.collection("endpointslices")));
        let address = format!("\"{address}\"");
        let there = || {
            let text = list().to_string();
            (text.contains(&address) && text.contains("\"ready\":true")).then_some(())
        };
        wait_for("a slice", || list().to_string(), there);
    }

    /// A Pod of a Service, running and ready at its addresses.
    pub(crate) fn ready_pod(&self, service: &str, name: &str, addresses: &[&str]) {
        self.pod(service, name, None);
        self.run(name, addresses, true);
    }

    /// A Pod of a Service, scheduled and not yet running.
    pub(crate) fn pod(&self, service: &str, name: &str, host: Option<Host<'_>>) {
        let mut spec = json!({
            "nodeName": NODE,
            "containers": [{"name": "app", "image": "app", "ports": [{"name": "epmd", "containerPort": 4369}]}],
        });
        if let Some(Host { hostname, subdomain }) = host {
            merge(&mut spec, &json!({"hostname": hostname, "subdomain": subdomain}));
        }
        // The finalizer keeps a deleted Pod terminating until `finish`.
        let metadata = json!({"name": name, "labels": {"app": service}, "finalizers": ["rosterd.test/held"]});
        self.api.create(&self.collection("pods"), &json!({"metadata": metadata, "spec": spec}));
    }

    /// What a kubelet writes once the Pod runs.
    pub(crate) fn run(&self, pod: &str, addresses: &[&str], ready: bool) {
        let ips: Vec<Value> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let status = json!({"phase": "Running", "podIP": addresses[0], "podIPs": ips});
        self.patch_status(pod, &status);
        self.set_ready(pod, ready);
    }

    pub(crate) fn set_ready(&self, pod: &str, ready: bool) {
        let status = if ready { "True" } else { "False" };
        let condition =
            json!({"type": "Ready", "status": status, "lastTransitionTime": transition_time().to_string()});
        self.patch_status(pod, &json!({"conditions": [condition]}));
    }

    pub(crate) fn patch_status(&self, pod: &str, status: &Value) {
        self.api.patch(&format!("{}/status", self.path("pods", pod)), &json!({"status": status}));
    }

    /// Deletes a Pod, which terminates until it is finished.
    pub(crate) fn terminate(&self, pod: &str) {
        self.api.delete(&self.path("pods", pod));
    }

    /// Lets a terminating Pod go.
    pub(crate) fn finish(&self, pod: &str) {
        self.api.patch(&self.path("pods", pod), &json!({"metadata": {"finalizers": null}}));
    }

    /// Sets labels of a Service; null takes one away.
    pub(crate) fn label_service(&self, service: &str, labels: &Value) {
        self.api.patch(&self.path("services", service), &json!({"metadata": {"labels": labels}}));
    }
}

/// The time of a transition, later than all before. The controllers name it as the trigger of what they write, but only
/// where it is later than the last one; and Kubernetes keeps whole seconds, within which tests make many transitions.
fn transition_time() -> Timestamp {
    static SECONDS: AtomicI64 = AtomicI64::new(0);
    Timestamp::now() + SignedDuration::from_secs(SECONDS.fetch_add(1, Ordering::Relaxed))
}

/// Adds and replaces fields of an object.
fn merge(object: &mut Value, more: &Value) {
    let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) else { return };
    object.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
}
