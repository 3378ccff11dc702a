//! What a well-behaved client notices of bad ones: its latency over UDP, over one TCP connection, and over a new TCP
//! connection for each question, while others misbehave and while nobody does.

use crate::attack::KINDS;
use crate::manifest::Shape;
use crate::process::Server;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Connections that the server allows in this measurement: few, so that ten times as many fit into one process.
pub const MAX_CONNECTIONS: usize = 400;

/// A question without an answer within this time has failed.
const FAILED_AFTER: Duration = Duration::from_secs(2);

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(1);

/// How long bad clients have to take their places before anything is measured.
const SETTLE: Duration = Duration::from_secs(1);

/// How a well-behaved client asks.
const WAYS: [&str; 3] = ["UDP", "TCP", "TCP, new each"];

/// What one client noticed.
#[derive(Default, Clone)]
struct Noticed {
    /// Microseconds for each answer, by way.
    latencies: [Vec<f64>; 3],
    failures: [usize; 3],
    /// The server's resident memory in KiB at the end.
    resident: u64,
}

/// Measures all kinds in turn, each after a time without any; prints a table.
pub fn measure(server: &Server, shape: &Shape, rounds: usize, seconds: Duration) -> io::Result<()> {
    let mut quiet = Noticed::default();
    let mut noticed = vec![Noticed::default(); KINDS.len()];
    let before = server.resident()?;
    for _ in 0..rounds {
        for ((word, _, _, times), noticed) in KINDS.iter().zip(&mut noticed) {
            client(server.address, shape, seconds, &mut quiet)?;
            let bad = Bad::start(word, server.address, times * MAX_CONNECTIONS)?;
            std::thread::sleep(SETTLE);
            client(server.address, shape, seconds, noticed)?;
            noticed.resident = noticed.resident.max(server.resident()?);
            drop(bad);
            std::thread::sleep(SETTLE);
        }
    }
    quiet.resident = server.resident()?;
    println!("a limit of {MAX_CONNECTIONS} connections, {rounds} rounds of {} s each", seconds.as_secs_f64());
    println!("resident memory of the server before: {:.1} MB", before as f64 / 1024.0);
    print!("{:<24}", "latency in us");
    WAYS.iter().for_each(|way| print!("{:>34}", format!("{way}: p50     p99 failed/of")));
    println!("{:>10}", "MB");
    let rows = KINDS.iter().map(|kind| kind.1).zip(&mut noticed);
    for (label, noticed) in std::iter::once(("nobody (and afterwards)", &mut quiet)).chain(rows) {
        print!("{label:<24}");
        for (latencies, failures) in noticed.latencies.iter_mut().zip(noticed.failures) {
            latencies.sort_by(f64::total_cmp);
            let at = |part: f64| {
                latencies.get((latencies.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
            };
            print!(
                "{:>17.0} {:>7.0} {:>8}",
                at(0.5),
                at(0.99),
                format!("{failures}/{}", latencies.len() + failures)
            );
        }
        println!("{:>10.1}", noticed.resident as f64 / 1024.0);
    }
    Ok(())
}

/// Bad clients, ended when dropped. They run at the lowest priority: what they burn of the CPU is not what is measured.
struct Bad(Child);

impl Bad {
    fn start(word: &str, server: SocketAddr, connections: usize) -> io::Result<Bad> {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(std::env::current_exe()?).args(["attack", word]);
        command.args([server.to_string(), connections.to_string()]);
        Ok(Bad(command.stdin(Stdio::null()).spawn()?))
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks in all ways in turn, for `duration`.
fn client(server: SocketAddr, shape: &Shape, duration: Duration, noticed: &mut Noticed) -> io::Result<()> {
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    udp.connect(server)?;
    udp.set_read_timeout(Some(FAILED_AFTER))?;
    let mut kept = None;
    let start = Instant::now();
    for query in shape.questions.iter().cycle() {
        if start.elapsed() >= duration {
            return Ok(());
        }
        let asked = [
            timed(|| ask_udp(&udp, query)),
            timed(|| ask_kept(&mut kept, server, query)),
            timed(|| ask_kept(&mut None, server, query)),
        ];
        for (way, taken) in asked.into_iter().enumerate() {
            match taken {
                Ok(microseconds) => noticed.latencies[way].push(microseconds),
                Err(_) => noticed.failures[way] += 1,
            }
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn timed(ask: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    ask().map(|()| start.elapsed().as_secs_f64() * 1e6)
}

fn ask_udp(socket: &UdpSocket, query: &[u8]) -> io::Result<()> {
    socket.send(query)?;
    let mut answer = [0; 4096];
    // An answer to an earlier question that had failed is passed over.
    while socket.recv(&mut answer)? < 12 || answer[..2] != query[..2] {}
    Ok(())
}

/// Asks over the connection that is kept, or over a new one where there is none; one that fails is kept no longer.
fn ask_kept(kept: &mut Option<TcpStream>, server: SocketAddr, query: &[u8]) -> io::Result<()> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&server, FAILED_AFTER)?;
            stream.set_read_timeout(Some(FAILED_AFTER))?;
            stream.set_nodelay(true)?;
            stream
        }
    };
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    if answer.get(..2) != query.get(..2) {
        return Err(io::Error::other("the answer to another question"));
    }
    *kept = Some(stream);
    Ok(())
}
