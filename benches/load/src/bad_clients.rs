//! What a well-behaved client notices of bad ones: its latency over UDP, over one TCP connection, and over a new TCP
//! connection for each question, while nobody misbehaves, while others misbehave towards its server, and while they
//! misbehave towards another process on the same CPU. The last tells what the machine alone makes of it.

use crate::attack::{self, Door, KINDS};
use load::process::Server;
use load::questions::Shape;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Connections that the server allows in this measurement: few, so that ten times as many fit into one process.
pub const MAX_CONNECTIONS: usize = 400;

/// How long the server waits for slow readers and writers in this measurement. As long as one run, so that those that are cut
/// off and come again are there all the time.
pub const TIMEOUT: &str = "1s";

/// A question without an answer within this time is lost, and asked again.
const LOST_AFTER: Duration = Duration::from_secs(2);

/// How often a question is asked before it counts as lost for ever.
const ATTEMPTS: usize = 5;

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(1);

/// How long bad clients have to open their first [`MAX_CONNECTIONS`] connections: a machine with other work to do takes its
/// time, and without them nothing is measured.
const ARRIVED_AFTER: Duration = Duration::from_secs(30);

/// How long bad clients misbehave before anything is measured, and the server has to be rid of them.
const SETTLE: Duration = Duration::from_millis(500);

/// By how much the server's resident memory may grow, in KiB: 40 KiB for each of [`MAX_CONNECTIONS`]. A connection's task and
/// input take less than 4 KiB; the rest is for allocators of threads that had not answered before.
const GROWTH_MAX: u64 = 16 << 10;

/// The same over encrypted transports: 320 KiB for each of [`MAX_CONNECTIONS`], of which those over HTTPS that have begun all
/// their streams take some 170 KiB.
const GROWTH_ENCRYPTED_MAX: u64 = 128 << 10;

/// How a well-behaved client asks.
const WAYS: [&str; 3] = ["UDP", "TCP", "TCP, new each"];

/// Parts of a sorted list that stand in the table: half of the answers come sooner, and all but one in a hundred.
const PARTS: [f64; 2] = [0.5, 0.99];

/// Where the bad clients are.
const NOBODY: usize = 0;
const ELSEWHERE: usize = 1;
const HERE: usize = 2;

/// Microseconds by [`PARTS`], by way, by where the bad clients were.
type Figures = [[[f64; 2]; 3]; 3];

/// What a client noticed of one kind, round by round.
#[derive(Default)]
struct Noticed {
    rounds: Vec<Figures>,
    /// Questions asked under attack, and those of them that were lost, by way.
    asked: [usize; 3],
    lost: [usize; 3],
    /// The server's resident memory in KiB: without anybody, at first; the most while under attack; the last after it.
    resident: Option<[u64; 3]>,
    opened: u64,
    closed: u64,
}

/// Measures all kinds in turn and prints a table. Fails where an answer is wrong, does not come however often it is asked
/// for, or the server's memory grows by more than [`GROWTH_MAX`].
pub fn measure(
    server: &Server,
    elsewhere: &Server,
    shape: &Shape,
    (door, only): (Door, &str),
    rounds: usize,
    seconds: Duration,
) -> io::Result<()> {
    let mut kinds: Vec<_> = KINDS
        .iter()
        .filter(|(word, .., target)| word.contains(only) && target.door() == door)
        .map(|kind| (kind, Noticed::default()))
        .collect();
    // Memory that is used for the first time is not memory that grows.
    client(server.address, shape, SETTLE)?;
    let before = server.resident()?;
    for round in 0..rounds {
        for ((word, _, _, times, at), noticed) in &mut kinds {
            let mut figures = [[[0.0; 2]; 3]; 3];
            let quiet = server.resident()?;
            // What comes first changes, so that a machine that grows slower harms neither.
            let order = if round % 2 == 0 { [NOBODY, ELSEWHERE, HERE] } else { [HERE, ELSEWHERE, NOBODY] };
            for place in order {
                let target = [None, Some(elsewhere), Some(server)][place];
                let target = target.map(|target| at.of(target).ok_or_else(|| io::Error::other("no HTTP")));
                let bad =
                    target.map(|target| Bad::start(word, target?, *times * MAX_CONNECTIONS)).transpose()?;
                std::thread::sleep(SETTLE);
                let seen = client(server.address, shape, seconds)?;
                figures[place] = seen.figures();
                let resident = server.resident()?;
                let counted = bad.map(Bad::end).unwrap_or_default();
                if place == HERE {
                    noticed.count(&seen, quiet, resident, counted);
                }
            }
            std::thread::sleep(SETTLE);
            noticed.rounds.push(figures);
            if let Some([_, _, after]) = &mut noticed.resident {
                *after = server.resident()?;
            }
        }
    }
    println!(
        "a limit of {MAX_CONNECTIONS} connections; medians of {rounds} interleaved rounds of {} s each",
        seconds.as_secs_f64()
    );
    print(&kinds);
    let most = kinds.iter().filter_map(|(_, noticed)| noticed.resident).flatten().max().unwrap_or(0);
    let bound = if matches!(door, Door::Dns | Door::Http) { GROWTH_MAX } else { GROWTH_ENCRYPTED_MAX };
    if most.saturating_sub(before) > bound {
        return Err(io::Error::other(format!(
            "the server's memory grew from {before} to {most} KiB, more than {bound} KiB"
        )));
    }
    Ok(())
}

fn print(kinds: &[(&attack::Row, Noticed)]) {
    println!(
        "{:<21}{:<15}{:>15}{:>18}{:>16}{:>13}{:>24}{:>16}",
        "", "", "idle, us", "x, elsewhere", "x, attacked", "lost/of", "MB before, in, after", "closed/opened"
    );
    println!("{:<36}{:>7}{:>8}{:>10}{:>8}{:>8}{:>8}", "", "p50", "p99", "p50", "p99", "p50", "p99");
    for ((_, label, ..), noticed) in kinds {
        for (way, name) in WAYS.iter().enumerate() {
            let median = |of: &dyn Fn(&Figures) -> f64| {
                let mut values: Vec<f64> = noticed.rounds.iter().map(of).collect();
                values.sort_by(f64::total_cmp);
                values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
            };
            let idle = [0, 1].map(|part| median(&|round| round[NOBODY][way][part]));
            let ratio = |place: usize| {
                [0, 1].map(|part| median(&|round| round[place][way][part] / round[NOBODY][way][part]))
            };
            let [elsewhere, here] = [ratio(ELSEWHERE), ratio(HERE)];
            let lost = format!("{}/{}", noticed.lost[way], noticed.asked[way]);
            print!(
                "{:<21}{name:<15}{:>7.0}{:>8.0}{:>10.2}{:>8.2}{:>8.2}{:>8.2}{lost:>13}",
                if way == 0 { label } else { "" },
                idle[0],
                idle[1],
                elsewhere[0],
                elsewhere[1],
                here[0],
                here[1],
            );
            if way == 0 {
                let megabytes =
                    noticed.resident.unwrap_or_default().map(|kib| format!("{:.1}", kib as f64 / 1024.0));
                print!("{:>24}{:>16}", megabytes.join(" "), format!("{}/{}", noticed.closed, noticed.opened));
            }
            println!();
        }
    }
}

impl Noticed {
    fn count(&mut self, seen: &Seen, quiet: u64, resident: u64, (opened, closed): (u64, u64)) {
        for way in 0..WAYS.len() {
            self.asked[way] += seen.latencies[way].len();
            self.lost[way] += seen.lost[way];
        }
        let [_, most, _] = self.resident.get_or_insert([quiet, resident, resident]);
        *most = resident.max(*most);
        self.opened += opened;
        self.closed += closed;
    }
}

/// Bad clients, ended when dropped. They run at a low priority: what they burn of the client's CPU is not what is
/// measured.
struct Bad {
    child: Child,
    /// What they print: connections opened, and closed by the server, until then.
    counts: Arc<[AtomicU64; 2]>,
    /// Reads it; ends with them.
    reader: Option<JoinHandle<()>>,
}

impl Bad {
    fn start(word: &str, server: SocketAddr, connections: usize) -> io::Result<Bad> {
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(std::env::current_exe()?).args(["attack", word]);
        command.args([server.to_string(), connections.to_string()]);
        #[cfg(feature = "encrypted")]
        command.env(crate::attack_encrypted::AUTHORITY, crate::credentials::certificate());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let counts = Arc::<[AtomicU64; 2]>::default();
        let reader = child.stdout.take().map(|stdout| {
            let counts = Arc::clone(&counts);
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    for (count, number) in counts.iter().zip(line.split(' ')) {
                        count.store(number.parse().unwrap_or(0), Ordering::Relaxed);
                    }
                }
            })
        });
        let bad = Bad { child, counts, reader };
        let start = Instant::now();
        while bad.counts[0].load(Ordering::Relaxed) < MAX_CONNECTIONS as u64 {
            if start.elapsed() > ARRIVED_AFTER {
                return Err(io::Error::other(format!(
                    "bad clients ({word}) did not come in {ARRIVED_AFTER:?}"
                )));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(bad)
    }

    /// Ends them; how many connections they had opened, and how many of those the server had closed.
    fn end(mut self) -> (u64, u64) {
        let _ = self.child.kill();
        let _ = self.reader.take().map(JoinHandle::join);
        let [opened, closed] = self.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        (opened, closed)
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the client saw in one run.
#[derive(Default)]
struct Seen {
    /// Microseconds from the first attempt to the answer, by way.
    latencies: [Vec<f64>; 3],
    lost: [usize; 3],
}

impl Seen {
    fn figures(&self) -> [[f64; 2]; 3] {
        self.latencies.each_ref().map(|latencies| {
            let mut sorted = latencies.clone();
            sorted.sort_by(f64::total_cmp);
            PARTS.map(|part| sorted.get((sorted.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN))
        })
    }
}

/// Asks in all ways in turn, for `duration`.
fn client(server: SocketAddr, shape: &Shape, duration: Duration) -> io::Result<Seen> {
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    udp.connect(server)?;
    udp.set_read_timeout(Some(LOST_AFTER))?;
    let mut kept = None;
    let mut seen = Seen::default();
    let start = Instant::now();
    for query in shape.questions.iter().cycle() {
        if start.elapsed() >= duration {
            break;
        }
        seen.ask(0, || ask_udp(&udp, query, shape))?;
        seen.ask(1, || ask_tcp(&mut kept, server, query, shape))?;
        seen.ask(2, || ask_tcp(&mut None, server, query, shape))?;
        std::thread::sleep(PAUSE);
    }
    Ok(seen)
}

impl Seen {
    /// Asks until there is an answer; an error where it is wrong, or none came at all.
    fn ask(&mut self, way: usize, mut ask: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let start = Instant::now();
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            match ask() {
                Ok(()) => {
                    self.latencies[way].push(start.elapsed().as_secs_f64() * 1e6);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::InvalidData => return Err(error),
                Err(error) => failure = Some(error),
            }
            self.lost[way] += 1;
        }
        let why = failure.map(|error| error.to_string()).unwrap_or_default();
        Err(io::Error::other(format!("no answer over {} in {ATTEMPTS} attempts: {why}", WAYS[way])))
    }
}

fn ask_udp(socket: &UdpSocket, query: &[u8], shape: &Shape) -> io::Result<()> {
    socket.send(query)?;
    let mut answer = [0; 4096];
    // An answer to an earlier question that was lost is passed over.
    loop {
        let length = socket.recv(&mut answer)?;
        if answer[..2] == query[..2] {
            return check(&answer[..length], shape);
        }
    }
}

/// Asks over the connection that is kept, or over a new one where there is none; one that fails is kept no longer.
fn ask_tcp(kept: &mut Option<TcpStream>, server: SocketAddr, query: &[u8], shape: &Shape) -> io::Result<()> {
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&server, LOST_AFTER)?;
            stream.set_read_timeout(Some(LOST_AFTER))?;
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
        return Err(io::Error::new(ErrorKind::InvalidData, "the answer to another question"));
    }
    check(&answer, shape)?;
    *kept = Some(stream);
    Ok(())
}

fn check(answer: &[u8], shape: &Shape) -> io::Result<()> {
    if shape.is_right(answer) {
        return Ok(());
    }
    let header = &answer[..answer.len().min(12)];
    Err(io::Error::new(
        ErrorKind::InvalidData,
        format!("{}: not the answer that was expected: {header:02x?}", shape.label),
    ))
}
