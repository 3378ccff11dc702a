//! The Kubernetes API as the tests use it: plain JSON, one call after the other.

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::path::Path;
use tokio::runtime::Runtime;

/// A client of the API with the rights of a kubeconfig's user.
pub(crate) struct Api {
    runtime: Runtime,
    client: Client,
}

impl Api {
    pub(crate) fn new(kubeconfig: &Path) -> Api {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a configuration");
            Client::try_from(config).expect("a client")
        });
        Api { runtime, client }
    }

    /// One call. Errors are text, with the API server's own words.
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content_type)
            .body(body)
            .expect("a request");
        self.runtime.block_on(self.client.request(request)).map_err(|error| format!("{path}: {error}"))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.try_get(path).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_get(&self, path: &str) -> Result<Value, String> {
        self.call(Method::GET, path, JSON, &Value::Null)
    }

    /// What a path says that has text and no object.
    pub(crate) fn try_text(&self, path: &str) -> Result<String, String> {
        let request = Request::get(path).body(Vec::new()).expect("a request");
        self.runtime.block_on(self.client.request_text(request)).map_err(|error| format!("{path}: {error}"))
    }

    /// Makes an object in a collection.
    pub(crate) fn create(&self, collection: &str, object: &Value) -> Value {
        self.call(Method::POST, collection, JSON, object).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Changes some fields of an object: null takes a field away (RFC 7396).
    pub(crate) fn patch(&self, path: &str, fields: &Value) -> Value {
        self.call(Method::PATCH, path, "application/merge-patch+json", fields)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Deletes an object at once, as far as no finalizer holds it.
    pub(crate) fn delete(&self, path: &str) {
        self.call(Method::DELETE, path, JSON, &json!({"gracePeriodSeconds": 0}))
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

const JSON: &str = "application/json";

/// The path of a collection in a namespace.
pub(crate) fn collection(namespace: &str, resource: &str) -> String {
    let group = match resource {
        "endpointslices" => "/apis/discovery.k8s.io/v1",
        "roles" | "rolebindings" => "/apis/rbac.authorization.k8s.io/v1",
        _ => "/api/v1",
    };
    format!("{group}/namespaces/{namespace}/{resource}")
}
