//! A client of DNS over HTTPS that sends frames of HTTP/2, good ones and others, as an input says: the connection ends in time,
//! and nothing panics; who asks well and nothing else is answered.

use crate::world::{self, snapshot};
use arbitrary::{Result, Unstructured};
use rosterd::answer::{Client, Context, Outcome, Policy, Scratch, answer};
use rosterd::server::{Responder, TcpLimits, TransferLimits, serve_https_stream};
use rosterd::zone::{PodNames, Snapshot};
use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

const LIMITS: TcpLimits = TcpLimits {
    max_connections: 1,
    max_connections_per_address: 1,
    idle_timeout: Duration::from_secs(15),
    read_timeout: Duration::from_secs(3),
    write_timeout: Duration::from_secs(5),
    transfers: TransferLimits { at_once: 1, time: Duration::from_secs(10) },
};

/// Longer than any connection lasts without a client that does something.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Most frames of one input.
const FRAMES_MAX: usize = 64;

/// What a client of HTTP/2 begins with (RFC 9113 3.4), and settings without any.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Types of frames (RFC 9113 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// Their flags.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

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

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Plays an input.
pub fn check(input: &[u8]) {
    let mut from = Unstructured::new(input);
    let (mut octets, mut streams, mut good) = (PREFACE.to_vec(), 0_u32, true);
    for _ in 0..FRAMES_MAX {
        let Ok(kind) = from.int_in_range(0..=3_u8) else { break };
        if from.is_empty() {
            break;
        }
        let more = match kind {
            0 => {
                good = false;
                raw(&mut from)
            }
            1 => {
                good = false;
                frame_as_it_is(&mut from)
            }
            _ => {
                let stream = 2 * streams + 1;
                streams += 1;
                request(&mut from, stream)
            }
        };
        let Ok(more) = more else { break };
        octets.extend(more);
    }
    RUNTIME.with(|runtime| runtime.block_on(play(&octets, if good { streams } else { 0 })));
}

fn raw(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = from.int_in_range(0..=100_usize)?.min(from.len());
    Ok(from.bytes(length)?.to_vec())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Any type, flags and stream, with the length that it has.
fn frame_as_it_is(from: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (kind, flags) = (from.int_in_range(0..=10)?, from.arbitrary()?);
    let stream = from.int_in_range(0..=40)?;
    Ok(frame(kind, flags, stream, &raw(from)?))
}

/// A field as HPACK has it without any table (RFC 7541 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let length =
        |text: &str| u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

/// A request that is whole, whatever it asks.
fn request(from: &mut Unstructured<'_>, stream: u32) -> Result<Vec<u8>> {
    let path = match from.int_in_range(0..=3_u8)? {
        0 => "/dns-query".to_owned(),
        1 => "/".to_owned(),
        _ => {
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=&%?/.";
            let value = raw(from)?;
            let value = value.iter().map(|octet| char::from(letters[usize::from(*octet) % letters.len()]));
            format!("/dns-query?dns={}", value.collect::<String>())
        }
    };
    let is_post = from.arbitrary::<bool>()?;
    let method = if is_post { "POST" } else { *from.choose(&["GET", "HEAD", "PUT", "OPTIONS"])? };
    let media_type = *from.choose(&["application/dns-message", "text/plain", "application/dns-message;x"])?;
    let head = [
        field(":method", method),
        field(":scheme", "https"),
        field(":authority", "localhost"),
        field(":path", &path),
        field("content-type", media_type),
    ]
    .concat();
    if !is_post {
        return Ok(frame(HEADERS, END_STREAM | END_HEADERS, stream, &head));
    }
    let body = raw(from)?;
    Ok([frame(HEADERS, END_HEADERS, stream, &head), frame(DATA, END_STREAM, stream, &body)].concat())
}

/// Sends all and reads what comes to its end. So many heads of answers are to be among it.
async fn play(octets: &[u8], answers: u32) {
    let (client, server) = tokio::io::duplex(1 << 20);
    let serving =
        tokio::spawn(serve_https_stream(server, Ipv4Addr::LOCALHOST.into(), Arc::new(Still), LIMITS));
    let (mut receive, mut send) = tokio::io::split(client);
    let mut received = Vec::new();
    // What is more than there is room for is read meanwhile.
    let all = async { tokio::join!(send.write_all(octets), receive.read_to_end(&mut received)).1 };
    let _ = timeout(FOR_EVER, all).await.expect("an end in time");
    timeout(FOR_EVER, serving).await.expect("an end in time").expect("no panic");
    assert!(heads(&received) >= answers, "{} of {answers} answers", heads(&received));
}

/// How many frames are heads.
fn heads(mut received: &[u8]) -> u32 {
    let mut heads = 0;
    while let Some((&[l0, l1, l2, kind, ..], rest)) = received.split_first_chunk::<9>() {
        heads += u32::from(kind == HEADERS);
        received = rest.get(u32::from_be_bytes([0, l0, l1, l2]) as usize..).unwrap_or_default();
    }
    heads
}
