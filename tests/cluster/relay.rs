//! A way to the API server that can be cut: TCP passed on, connection by connection.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A port of 127.0.0.1 that leads to another one, until it is cut. Its threads end with the process.
pub(crate) struct Relay {
    port: u16,
    way: Arc<Mutex<Way>>,
}

#[derive(Default)]
struct Way {
    cut: bool,
    connections: Vec<TcpStream>,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Relay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let relay = Relay { port: listener.local_addr().expect("an address").port(), way: Arc::default() };
        let way = Arc::clone(&relay.way);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A connection that cannot be passed on is closed, which is what the client would see anyway.
                let _ = way.lock().expect("the way").pass(client, port);
            }
        });
        relay
    }

    /// Where clients connect.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections, and those to come.
    pub(crate) fn cut(&self) {
        let mut way = self.way.lock().expect("the way");
        way.cut = true;
        for connection in way.connections.drain(..) {
            // Its other end may have closed it.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections pass again.
    pub(crate) fn mend(&self) {
        self.way.lock().expect("the way").cut = false;
    }
}

impl Way {
    fn pass(&mut self, client: TcpStream, port: u16) -> io::Result<()> {
        if self.cut {
            return Ok(());
        }
        let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        self.connections.extend([client.try_clone()?, server.try_clone()?]);
        copy(client.try_clone()?, server.try_clone()?);
        copy(server, client);
        Ok(())
    }
}

/// Copies until one side ends, and then ends the other.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // How it ended is for the two ends to complain about.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
