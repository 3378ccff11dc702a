//! Objects and topologies from short texts.

use crate::roster::{
    Conditions, Endpoint, EndpointGroup, EndpointObject, Namespaces, ObjectKey, ObjectKind, Port, Protocol,
    Topology, Uid,
};

/// An `EndpointSlice` of a Service in the namespace `default`, with one group.
pub(super) fn slice(service: &str, name: &str) -> EndpointObject {
    EndpointObject {
        key: key(name),
        service: Some(service).filter(|service| !service.is_empty()).map(Into::into),
        labels: Vec::new(),
        groups: vec![EndpointGroup::default()],
        truncated: false,
        created: None,
    }
}

/// The key of a slice in the namespace `default`.
pub(super) fn key(name: &str) -> ObjectKey {
    ObjectKey { namespace: "default".into(), name: name.into(), kind: ObjectKind::EndpointSlice }
}

/// Words of an endpoint: addresses, `uid=`, `host=`, `ns=`, `unready`, `draining`, `serving=`, `terminating=`, `ready=`.
pub(super) fn endpoint(words: &str) -> Endpoint {
    let mut endpoint = Endpoint {
        addresses: Vec::new().into(),
        hostname: None,
        uid: None,
        namespace: None,
        conditions: Conditions::default(),
        placement: None,
    };
    let mut addresses = Vec::new();
    for word in words.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let conditions = &mut endpoint.conditions;
        let flag = || Some(value.parse().expect("true or false"));
        match name {
            "uid" => endpoint.uid = Uid::from_text(value),
            "host" => endpoint.hostname = Some(value.into()),
            "ns" => endpoint.namespace = Some(value.into()),
            "ready" => conditions.ready = flag(),
            "serving" => conditions.serving = flag(),
            "terminating" => conditions.terminating = flag(),
            "unready" => {
                *conditions =
                    Conditions { ready: Some(false), serving: Some(false), terminating: Some(false) };
            }
            "draining" => {
                *conditions = Conditions { ready: Some(false), serving: Some(true), terminating: Some(true) };
            }
            address => addresses.push(address.parse().expect("an address")),
        }
    }
    endpoint.addresses = addresses.into();
    endpoint
}

/// `name/number`, TCP.
pub(super) fn port(words: &str) -> Port {
    let (name, number) = words.split_once('/').expect("name/number");
    Port { number: number.parse().expect("a number"), protocol: Protocol::Tcp, name: name.into() }
}

impl EndpointObject {
    /// Adds an endpoint to the last group.
    pub(super) fn with(mut self, words: &str) -> EndpointObject {
        self.groups.last_mut().unwrap().endpoints.push(endpoint(words));
        self
    }

    /// Adds a port to the last group.
    pub(super) fn port(mut self, words: &str) -> EndpointObject {
        self.groups.last_mut().unwrap().ports.push(port(words));
        self
    }

    /// Begins another group.
    pub(super) fn group(mut self) -> EndpointObject {
        self.groups.push(EndpointGroup::default());
        self
    }

    pub(super) fn label(mut self, name: &str, value: &str) -> EndpointObject {
        self.labels.push((name.into(), value.into()));
        self.labels.sort();
        self
    }

    pub(super) fn namespace(mut self, namespace: &str) -> EndpointObject {
        self.key.namespace = namespace.into();
        self
    }

    pub(super) fn kind(mut self, kind: ObjectKind) -> EndpointObject {
        self.key.kind = kind;
        self
    }

    pub(super) fn truncated(mut self) -> EndpointObject {
        self.truncated = true;
        self
    }
}

/// A topology with a name, or without where that is empty; the selector as kubectl has it.
pub(super) fn topology(name: &str, selector: &str) -> Topology {
    Topology {
        name: Some(name.into()).filter(|_| !name.is_empty()),
        selector: selector.parse().expect("a selector"),
        ..Topology::every_service()
    }
}

impl Topology {
    /// Only in these namespaces, sorted.
    pub(super) fn within(self, namespaces: &[&str]) -> Topology {
        let listed = namespaces.iter().map(|namespace| (*namespace).into()).collect();
        Topology { namespaces: Namespaces::Listed(listed), ..self }
    }
}
