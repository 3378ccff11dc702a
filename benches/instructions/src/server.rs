//! The UDP worker of the server by itself: it needs no runtime and no TLS, but for the types of what it never does.
//!
//! A worker that is told to stop before it began still answers what has arrived. So a run of it takes exactly the queries
//! that were sent before, in full batches, on the thread that callgrind looks at.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the rest of the server uses what is not used here"
)]

#[path = "../../../src/server/counters.rs"]
mod counters;
#[path = "../../../src/server/dnstap/mod.rs"]
mod dnstap;
#[path = "../../../src/server/query_log.rs"]
mod query_log;
#[path = "../../../src/server/responder.rs"]
mod responder;
#[path = "../../../src/server/sampling.rs"]
mod sampling;
#[path = "../../../src/server/slots.rs"]
mod slots;
#[path = "../../../src/server/snapshots.rs"]
mod snapshots;
#[path = "../../../src/server/tally.rs"]
mod tally;
#[path = "../../../src/server/transfer.rs"]
mod transfer;
#[path = "../../../src/server/udp/mod.rs"]
mod udp;

use crate::answer::Policy;
use crate::zone::Snapshot;
use arc_swap::ArcSwap;
use snapshots::{Answering, Current, CurrentSnapshot};
use socket2::{Domain, Socket, Type};
use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use udp::{Setting, UdpOptions};

/// A worker that answers one client of this process.
pub struct Worker {
    socket: Socket,
    /// Where it listens, which may be all addresses.
    address: SocketAddr,
    client: UdpSocket,
    setting: Setting<CurrentSnapshot>,
}

impl Worker {
    /// A worker on one address or, if `wildcard`, on all of IPv4.
    pub fn new(snapshot: Arc<Snapshot>, policy: Policy, wildcard: bool) -> Result<Worker> {
        let listen = if wildcard { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        if wildcard {
            udp::ask_for_destination(&socket, false)?;
        }
        socket.bind(&SocketAddr::from((listen, 0)).into())?;
        let address = socket.local_addr()?.as_socket().ok_or_else(|| Error::other("not an address"))?;
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        client.set_read_timeout(Some(Duration::from_secs(60)))?;
        client.connect((Ipv4Addr::LOCALHOST, address.port()))?;
        let udp_max = policy.udp_max;
        let answering = Arc::new(Answering { policy, ..Answering::default() });
        let current = Arc::new(ArcSwap::from_pointee(Current { snapshot, answering }));
        let setting = Setting {
            responder: Arc::new(CurrentSnapshot {
                current,
                journal: Arc::default(),
                transfers: Arc::default(),
            }),
            counters: Arc::default(),
            tally: Arc::default(),
            stop: Arc::new(AtomicBool::new(true)),
            udp_max,
            options: UdpOptions::default(),
            number: 0,
            rotation: 0,
        };
        Ok(Worker { socket, address, client, setting })
    }

    /// Sends it a query.
    pub fn ask(&self, query: &[u8]) -> Result<()> {
        self.client.send(query).map(drop)
    }

    /// Lets it answer what has arrived.
    pub fn serve(&self) -> Result<()> {
        udp::serve(&self.socket, self.address, &self.setting)
    }

    /// The next answer.
    pub fn answer(&self) -> Result<Vec<u8>> {
        let mut answer = vec![0; 4096];
        let length = self.client.recv(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    }
}
