//! A client of TCP that writes, waits, reads and hangs up as an input says: every whole message is answered in order,
//! by the octets that the same query gets alone, and the connection ends when it should.

use crate::world::{self, snapshot};
use arbitrary::{Result, Unstructured};
use rosterd::answer::{Client, Context, Outcome, Policy, Scratch, Transport, answer};
use rosterd::server::{Responder, TcpLimits, TransferLimits, serve_stream};
use rosterd::zone::{PodNames, Snapshot};
use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, timeout};

const LIMITS: TcpLimits = TcpLimits {
    max_connections: 1,
    max_connections_per_address: 1,
    idle_timeout: Duration::from_secs(15),
    read_timeout: Duration::from_secs(3),
    transfers: TransferLimits { at_once: 1, time: Duration::from_secs(10) },
    write_timeout: Duration::from_secs(5),
};

/// Longer than any connection lasts without a client that does something.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Most steps of one input.
const STEPS_MAX: usize = 64;

static SNAPSHOT: LazyLock<Arc<Snapshot>> =
    LazyLock::new(|| snapshot(PodNames::Verified, &world::manifest(), true));

/// Answers as the program does, at a time that stands still and without rotation.
#[derive(Debug)]
struct Still;

impl Responder for Still {
    type Scratch = Scratch;
    type Batch<'a> = ();
    type View<'a> = ();

    fn scratch(&self) -> Scratch {
        Scratch::new()
    }

    fn batch(&self) {}

    fn view((): &()) {}

    fn respond(
        (): &(),
        scratch: &mut Scratch,
        query: &[u8],
        client: &Client,
        _: u32,
        out: &mut [u8],
    ) -> Outcome {
        static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);
        let context = Context { snapshot: &SNAPSHOT, policy: &POLICY, limiter: None, now: world::NOW };
        answer(query, client, 0, &context, scratch, out)
    }
}

/// What a client does.
enum Step {
    Write(Vec<u8>),
    Read(usize),
    Wait(Duration),
}

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Plays an input.
pub fn check(input: &[u8]) {
    let mut from = Unstructured::new(input);
    // The room of either direction: small ones make the server wait for the client.
    let Ok(room) = from.int_in_range(64..=4000_usize) else { return };
    let Ok(polite) = from.arbitrary::<bool>() else { return };
    let mut steps = Vec::new();
    while steps.len() < STEPS_MAX
        && let Ok(step) = step(&mut from)
    {
        steps.push(step);
    }
    RUNTIME.with(|runtime| runtime.block_on(play(room, polite, &steps)));
}

fn step(from: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match from.int_in_range(0..=7_u8)? {
        0 => Step::Wait(Duration::from_millis(from.int_in_range(0..=20_000)?)),
        1 => Step::Read(from.int_in_range(1..=70_000)?),
        // Octets as they are, or a message with its length.
        2 | 3 => Step::Write(octets(from, 300)?),
        4 => {
            let message = octets(from, 300)?;
            let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
            Step::Write([&length[..], &message].concat())
        }
        _ => Step::Write(query(from)?),
    })
}

fn octets(from: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    let length = from.int_in_range(0..=most)?.min(from.len());
    Ok(from.bytes(length)?.to_vec())
}

/// Good queries, some of them behind each other.
fn query(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let names = [
        &b"\x03web\x07default\x03svc\x05peers\x07cluster\x05local\0"[..],
        b"\x05large\x07default\x03svc\x05peers\x07cluster\x05local\0",
        b"\x07nothing\x05peers\x07cluster\x05local\0",
        b"\0",
    ];
    let name = *from.choose(&names)?;
    let qtype = *from.choose(&[1_u8, 6, 16, 28, 33, 255])?;
    let id = from.arbitrary::<[u8; 2]>()?;
    let message = [&id[..], b"\x01\0\0\x01\0\0\0\0\0\0", name, &[0, qtype, 0, 1]].concat();
    let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
    Ok([&length[..], &message].concat().repeat(from.int_in_range(1..=3)?))
}

/// What is to come back for all octets of a client; whether they end with a frame of length zero.
fn expected(mut written: &[u8]) -> (Vec<u8>, bool) {
    let client = Client { transport: Transport::Tcp, address: Ipv4Addr::LOCALHOST.into() };
    let (mut answers, mut scratch, mut out) = (Vec::new(), Scratch::new(), vec![0; 65_535]);
    while let Some((length, rest)) = written.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return (answers, true);
        }
        let Some((message, rest)) = rest.split_at_checked(length) else { break };
        if let Outcome::Reply(length) = Still::respond(&(), &mut scratch, message, &client, 0, &mut out) {
            answers.extend(u16::try_from(length).expect("a message").to_be_bytes());
            answers.extend(&out[..length]);
        }
        written = rest;
    }
    (answers, false)
}

async fn play(room: usize, polite: bool, steps: &[Step]) {
    let (mut client, server) = tokio::io::duplex(room);
    let serving = tokio::spawn(serve_stream(server, Ipv4Addr::LOCALHOST.into(), Arc::new(Still), LIMITS));
    let (mut written, mut received) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Write(octets) => write(&mut client, octets, polite, &mut written, &mut received).await,
            Step::Read(octets) => read(&mut client, *octets, &mut received).await,
            Step::Wait(duration) => advance(*duration).await,
        }
    }
    let (expected, _) = expected(&written);
    assert!(expected.starts_with(&received), "other octets than the answers to what was asked");
    if polite {
        // Whoever reads what comes and then half-closes gets all, unless it was too slow before.
        let _ = client.shutdown().await;
        while timeout(FOR_EVER, client.read_buf(&mut received)).await.expect("an end").unwrap_or(0) > 0 {}
        assert!(expected.starts_with(&received), "other octets than the answers to what was asked");
        let waits = steps.iter().any(|step| matches!(step, Step::Wait(_)));
        assert!(waits || received.len() == expected.len(), "{} of {} octets", received.len(), expected.len());
    } else {
        drop(client);
    }
    timeout(FOR_EVER, serving).await.expect("an end in time").expect("no panic");
}

/// Writes all or, where the server takes no more, what it takes; a polite client reads meanwhile.
async fn write(
    client: &mut DuplexStream,
    mut octets: &[u8],
    polite: bool,
    written: &mut Vec<u8>,
    received: &mut Vec<u8>,
) {
    while !octets.is_empty() {
        let once = timeout(Duration::from_millis(1), client.write(octets)).await;
        match once {
            Ok(Ok(count @ 1..)) => {
                written.extend_from_slice(&octets[..count]);
                octets = &octets[count..];
            }
            Err(_) if polite => {
                let before = received.len();
                read(client, 70_000, received).await;
                if received.len() == before {
                    return;
                }
            }
            _ => return,
        }
    }
}

/// Reads what is there, at most so many octets.
async fn read(client: &mut DuplexStream, most: usize, received: &mut Vec<u8>) {
    let mut octets = vec![0; most];
    if let Ok(Ok(count)) = timeout(Duration::from_millis(1), client.read(&mut octets)).await {
        received.extend_from_slice(&octets[..count]);
    }
}
