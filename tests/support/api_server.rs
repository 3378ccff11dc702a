//! A Kubernetes API server as small as can be: HTTP without TLS on a loopback address, lists and watches of what a test
//! puts in. What it is asked in which way is not checked here.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// A running API server. Its threads end with the test's process.
pub(crate) struct ApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    revision: u64,
    /// By path of their collection: objects by name.
    collections: BTreeMap<String, BTreeMap<String, Value>>,
    /// What watches are sent: path, revision, line.
    events: Vec<(String, u64, Value)>,
    /// Verbs and paths that are not allowed, `list /api/v1/pods`.
    forbidden: BTreeSet<String>,
    /// Whether lists wait.
    held: bool,
    /// Whether nobody is answered, and who is being told is cut off.
    dead: bool,
    /// Verbs, paths and queries that were asked for.
    requests: Vec<String>,
}

impl ApiServer {
    pub(crate) fn start() -> ApiServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        shared.change(|state| state.revision = 100);
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                // A client that goes away ends its own connection.
                std::thread::spawn(move || drop(server.answer(&connection)));
            }
        });
        ApiServer { address, shared }
    }

    /// A kubeconfig with one context, `test`.
    pub(crate) fn kubeconfig(&self) -> String {
        ApiServer::kubeconfig_of(self.address)
    }

    /// The same for whoever has the address.
    pub(crate) fn kubeconfig_of(address: SocketAddr) -> String {
        let cluster = json!({"server": format!("http://{address}")});
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        });
        kubeconfig.to_string()
    }

    /// Lists wait from now on, or not any more.
    pub(crate) fn hold(&self, held: bool) {
        self.shared.change(|state| state.held = held);
    }

    /// Answers nobody from now on, and ends what it tells, or is back.
    pub(crate) fn die(&self, dead: bool) {
        self.shared.change(|state| state.dead = dead);
    }

    /// Forgets what it has told: who was not told by now lists.
    pub(crate) fn forget(&self) {
        self.shared.change(|state| state.events.clear());
    }

    /// Takes an object out of its namespace's collection.
    pub(crate) fn remove(&self, namespace: &str, name: &str, group: &str, plural: &str) {
        self.shared.change(|state| {
            state.revision += 1;
            for path in [format!("{group}/{plural}"), format!("{group}/namespaces/{namespace}/{plural}")] {
                let objects = state.collections.entry(path.clone()).or_default();
                if let Some(mut object) = objects.remove(&format!("{namespace}/{name}")) {
                    object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
                    state.events.push((path, state.revision, json!({"type": "DELETED", "object": object})));
                }
            }
        });
    }

    /// Refuses a verb on a path (`list /api/v1/pods`), or allows it again.
    pub(crate) fn forbid(&self, what: &str, forbidden: bool) {
        self.shared.change(|state| {
            if forbidden {
                state.forbidden.insert(what.to_owned());
            } else {
                state.forbidden.remove(what);
            }
        });
    }

    /// Puts an object into its namespace's collection of a resource, `/api/v1/…/pods`.
    pub(crate) fn put(&self, mut object: Value, group: &str, plural: &str) {
        let text = |key: &str| object["metadata"][key].as_str().expect("a name and a namespace").to_owned();
        let (name, namespace) = (text("name"), text("namespace"));
        self.shared.change(|state| {
            state.revision += 1;
            object["metadata"]["resourceVersion"] = json!(state.revision.to_string());
            let mut kind = "ADDED";
            for path in [format!("{group}/{plural}"), format!("{group}/namespaces/{namespace}/{plural}")] {
                let objects = state.collections.entry(path.clone()).or_default();
                let key = format!("{namespace}/{name}");
                if objects.insert(key, object.clone()).is_some() {
                    kind = "MODIFIED";
                }
                state.events.push((path, state.revision, json!({"type": kind, "object": object})));
            }
        });
    }

    /// What was asked for so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.state.lock().expect("no panic").requests.clone()
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no panic"));
        self.changed.notify_all();
    }

    fn answer(&self, connection: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request)? == 0 {
                return Ok(());
            }
            let mut header = String::new();
            while reader.read_line(&mut header)? > 2 {
                header.clear();
            }
            let target = request.split(' ').nth(1).unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let from = query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion=")?.parse().ok());
            let verb = if query.contains("watch=") { "watch" } else { "list" };
            let mut state = self.state.lock().expect("no panic");
            state.requests.push(format!("{verb} {target}"));
            while state.held && !state.dead {
                state = self.changed.wait(state).expect("no panic");
            }
            if state.dead {
                return Ok(());
            }
            let refused = state.forbidden.contains(&format!("{verb} {path}"));
            let objects: Vec<Value> =
                state.collections.get(path).into_iter().flat_map(|all| all.values().cloned()).collect();
            let revision = state.revision;
            drop(state);
            if refused {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
                    "message": "not for you",
                });
                whole(connection, "403 Forbidden", &status)?;
            } else if verb == "list" {
                let list = json!({
                    "kind": "List", "apiVersion": "v1",
                    "metadata": {"resourceVersion": revision.to_string()}, "items": objects,
                });
                whole(connection, "200 OK", &list)?;
            } else {
                return self.stream(connection, path, from.unwrap_or(revision));
            }
        }
    }

    /// Sends what happens after a revision, until the client has gone.
    fn stream(&self, mut connection: &TcpStream, path: &str, mut from: u64) -> std::io::Result<()> {
        connection.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        loop {
            let mut state = self.state.lock().expect("no panic");
            let new = |state: &State| {
                let after = state.events.iter().filter(|(of, at, _)| of == path && *at > from);
                after.map(|(_, at, line)| (*at, line.clone())).collect::<Vec<_>>()
            };
            let mut lines = new(&state);
            while lines.is_empty() && !state.dead {
                state = self.changed.wait(state).expect("no panic");
                lines = new(&state);
            }
            if state.dead {
                return Ok(());
            }
            drop(state);
            for (revision, line) in lines {
                let line = format!("{line}\n");
                connection.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes())?;
                from = revision;
            }
        }
    }
}

fn whole(mut connection: &TcpStream, status: &str, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(format!("{head}{body}").as_bytes())
}
