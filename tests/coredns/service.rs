//! A Service as kube-proxy makes one: an address whose datagrams go to replicas that are ready, each flow to one of them as
//! long as that is.

use crate::world::Replica;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Between two looks at what is ready, and at whether a flow still is one.
const LOOK: Duration = Duration::from_millis(20);

/// An address of 127.0.0.1 that leads to replicas. Its threads end when it is dropped.
pub(crate) struct Service {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    /// Replicas that may become ready: where they are asked, and about their readiness.
    replicas: Vec<(SocketAddr, SocketAddr)>,
    ready: Vec<SocketAddr>,
    /// By the client's address.
    flows: HashMap<SocketAddr, Flow>,
    turn: usize,
}

struct Flow {
    socket: UdpSocket,
    to: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Service {
    /// Leads to these.
    pub(crate) fn of(replicas: &[&Replica]) -> Service {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
        socket.set_read_timeout(Some(LOOK)).expect("a timeout");
        let address = socket.local_addr().expect("an address");
        let service = Service { address, state: Arc::default(), ended: Arc::default() };
        service.set(replicas);
        let (state, ended) = (Arc::clone(&service.state), Arc::clone(&service.ended));
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                look(&state);
                thread::sleep(LOOK);
            }
        });
        let (state, ended) = (Arc::clone(&service.state), Arc::clone(&service.ended));
        thread::spawn(move || {
            let mut query = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut query) else { continue };
                state.lock().expect("the state").pass(&socket, client, &query[..length]);
            }
        });
        service
    }

    /// Leads to these from now on, once they are ready.
    pub(crate) fn set(&self, replicas: &[&Replica]) {
        let replicas = replicas.iter().map(|replica| (replica.server.ipv4(), replica.probes)).collect();
        self.state.lock().expect("the state").replicas = replicas;
        look(&self.state);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes note of who is ready, and ends the flows to others.
fn look(state: &Mutex<State>) {
    let replicas = state.lock().expect("the state").replicas.clone();
    let ready =
        replicas.iter().filter(|(_, probes)| crate::world::is_ready(*probes)).map(|(address, _)| *address);
    let ready: Vec<SocketAddr> = ready.collect();
    let mut state = state.lock().expect("the state");
    // What the kernel does with flows whose entries kube-proxy removes: answers on their way are lost.
    state.flows.retain(|_, flow| {
        let stays = ready.contains(&flow.to);
        flow.over.store(!stays, Ordering::Relaxed);
        stays
    });
    state.ready = ready;
}

impl State {
    fn pass(&mut self, service: &UdpSocket, client: SocketAddr, query: &[u8]) {
        if !self.flows.contains_key(&client) {
            self.turn += 1;
            // Nobody is ready: nothing comes back, as with a Service without endpoints.
            let Some(to) = self.ready.get(self.turn % self.ready.len().max(1)) else { return };
            let flow = Flow::begin(service, client, *to);
            self.flows.insert(client, flow);
        }
        // What the replica's side refuses is lost, as it would be.
        let _ = self.flows[&client].socket.send(query);
    }
}

impl Flow {
    fn begin(service: &UdpSocket, client: SocketAddr, to: SocketAddr) -> Flow {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP socket");
        socket.connect(to).expect("a connected socket");
        socket.set_read_timeout(Some(LOOK)).expect("a timeout");
        let over = Arc::new(AtomicBool::new(false));
        let flow = Flow { socket, to, over: Arc::clone(&over) };
        let (from, back) = (flow.socket.try_clone(), service.try_clone());
        let (from, back) = (from.expect("a socket"), back.expect("a socket"));
        thread::spawn(move || {
            let mut answer = vec![0; usize::from(u16::MAX)];
            while !over.load(Ordering::Relaxed) {
                let Ok(length) = from.recv(&mut answer) else { continue };
                // A client that is gone needs no answer.
                let _ = back.send_to(&answer[..length], client);
            }
        });
        flow
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Ok(state) = self.state.lock() {
            state.flows.values().for_each(|flow| flow.over.store(true, Ordering::Relaxed));
        }
    }
}
