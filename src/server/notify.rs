//! NOTIFY: secondaries are told when a zone has changed (RFC 1996).
//!
//! However often a zone changes, each secondary is told once in an interval, of the last state. It is told again, less and
//! less often, until it answers; and of what comes after that. Nothing is kept of the past: who does not answer costs a message now
//! and then.

use super::snapshots::{Current, keep_journal};
use crate::answer::{Notified, Refused, notify_answer, notify_message};
use crate::wire::{Mac, Name, Rcode};
use crate::zone::{Journal, TransferZone};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

/// How long an answer is waited for before the first repetition. RFC 1996 3.6: "a reasonable default value of 60 seconds";
/// secondaries here are near, and what they miss is not seen by anybody until then.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between repetitions: the SOA's REFRESH, by which secondaries come of themselves, and twice.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Octets of the longest answer that is read: header, question and signature.
const ANSWER_MAX: usize = 1024;

/// How often what is kept of changes is brought up to date where nobody fetches any: so long a snapshot stays that nothing
/// else has.
const KEEPING: Duration = Duration::from_secs(60);

/// How often it is said who was turned away.
const SAYING: Duration = Duration::from_secs(10);

/// Tells secondaries of changes until it is dropped, and says who was turned away.
#[derive(Debug)]
pub struct Notifier {
    /// Its end is the thread's.
    _stop: oneshot::Sender<()>,
}

/// What one secondary has been told of one zone.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// The last serial that it was told of.
    serial: u32,
    answered: bool,
    /// Messages about this serial.
    sent: u32,
    /// The ID of the last one.
    id: u16,
    /// Its signature, if it was signed.
    mac: Option<Mac>,
    /// When the last one was sent.
    at: Instant,
    /// When the first one about a serial was sent last: an interval runs from here.
    first: Instant,
    /// Whether it was said already that it refuses, or that its answers are not signed as they must be.
    said: bool,
}

impl Notifier {
    /// Begins: `changed` tells that something else is current. Messages leave from the first of the addresses that are
    /// listened on, where that is a single one: secondaries know their primary by it. One of this host alone comes last.
    pub fn start(
        current: Arc<ArcSwap<Current>>,
        journal: Arc<Mutex<Journal>>,
        changed: Arc<Notify>,
        listen: &[SocketAddr],
    ) -> io::Result<Notifier> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let from = |any: IpAddr| {
            let single = listen.iter().map(SocketAddr::ip);
            let single = single.filter(|ip| ip.is_ipv4() == any.is_ipv4() && !ip.is_unspecified());
            SocketAddr::new(single.min_by_key(IpAddr::is_loopback).unwrap_or(any), 0)
        };
        let (ipv4, ipv6) = (from(Ipv4Addr::UNSPECIFIED.into()), from(Ipv6Addr::UNSPECIFIED.into()));
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new().name("notify".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let sockets = Sockets { ipv4: socket(ipv4).await, ipv6: socket(ipv6).await };
                let told = HashMap::new();
                let mut telling =
                    Telling { current, journal, sockets, told, ids: RandomState::new(), count: 0 };
                tokio::select! {
                    () = telling.run(&changed) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Notifier { _stop: stop })
    }
}

/// A socket of each family that the host has.
#[derive(Debug)]
struct Sockets {
    ipv4: Option<UdpSocket>,
    ipv6: Option<UdpSocket>,
}

async fn socket(from: SocketAddr) -> Option<UdpSocket> {
    UdpSocket::bind(from).await.ok()
}

struct Telling {
    current: Arc<ArcSwap<Current>>,
    journal: Arc<Mutex<Journal>>,
    sockets: Sockets,
    told: HashMap<(SocketAddr, Name), Standing>,
    ids: RandomState,
    count: u64,
}

impl Telling {
    async fn run(&mut self, changed: &Notify) {
        let (mut keep, mut say) = (Instant::now() + KEEPING, Instant::now() + SAYING);
        loop {
            let next = self.tell().await;
            let (mut ipv4, mut ipv6) = ([0; ANSWER_MAX], [0; ANSWER_MAX]);
            tokio::select! {
                () = changed.notified() => {}
                () = wait(next) => {}
                () = sleep_until(keep) => {
                    keep_journal(&self.journal, &self.current);
                    keep = Instant::now() + KEEPING;
                }
                () = sleep_until(say) => {
                    self.say_refusals();
                    say = Instant::now() + SAYING;
                }
                answer = receive(self.sockets.ipv4.as_ref(), &mut ipv4) => self.take(answer, &ipv4),
                answer = receive(self.sockets.ipv6.as_ref(), &mut ipv6) => self.take(answer, &ipv6),
            }
        }
    }

    /// Sends what is due. Returns when more is.
    async fn tell(&mut self) -> Option<Instant> {
        let current = self.current.load_full();
        let (answering, now) = (&current.answering, Instant::now());
        let secondaries = &answering.notified.secondaries;
        if secondaries.is_empty() {
            self.told.clear();
            return None;
        }
        let zones: Vec<TransferZone<'_>> = current
            .snapshot
            .serials()
            .filter_map(|(apex, _)| current.snapshot.transferable(apex).ok())
            .collect();
        let mut next: Option<Instant> = None;
        let mut known = HashMap::with_capacity(self.told.len());
        for secondary in secondaries {
            let wanted = |zone: &&TransferZone<'_>| {
                secondary.zones.is_empty() || secondary.zones.contains(zone.apex())
            };
            for zone in zones.iter().filter(wanted) {
                let key = (secondary.address, zone.apex().clone());
                let before = self.told.get(&key).copied();
                let (standing, due) = match due(before, zone.serial(), now, answering.notified.interval) {
                    Due::Now => (self.send(secondary, zone, before, now).await, None),
                    Due::At(at) => (before, Some(at)),
                    Due::Never => (before, None),
                };
                let due = due.or_else(|| standing.filter(|told| !told.answered).map(Standing::again));
                next = [next, due].into_iter().flatten().min();
                known.extend(standing.map(|standing| (key, standing)));
            }
        }
        // What secondaries and zones are no more is forgotten.
        self.told = known;
        next
    }

    async fn send(
        &mut self,
        secondary: &Notified,
        zone: &TransferZone<'_>,
        before: Option<Standing>,
        now: Instant,
    ) -> Option<Standing> {
        self.count = self.count.wrapping_add(1);
        let [high, low, ..] = self.ids.hash_one(self.count).to_be_bytes();
        let id = u16::from_be_bytes([high, low]);
        let (message, mac) = notify_message(zone, id, secondary.key.as_ref(), unix_time());
        let socket =
            if secondary.address.is_ipv4() { self.sockets.ipv4.as_ref() } else { self.sockets.ipv6.as_ref() };
        let mut said = before.is_some_and(|before| before.said);
        if let Some(socket) = socket
            && let Err(error) = socket.send_to(&message, secondary.address).await
            && !said
        {
            // What is not sent is sent again, as what is lost is.
            said = true;
            tracing::warn!("news of zone {} cannot be sent to {}: {error}", zone.apex(), secondary.address);
        }
        let same = before.filter(|before| before.serial == zone.serial());
        Some(Standing {
            serial: zone.serial(),
            answered: false,
            sent: same.map_or(1, |before| before.sent.saturating_add(1)),
            id,
            mac,
            at: now,
            first: same.map_or(now, |before| before.first),
            said,
        })
    }

    fn take(&mut self, answer: Option<(usize, SocketAddr)>, octets: &[u8]) {
        let Some((length, from)) = answer else { return };
        let Some((answer, zone)) = octets.get(..length).and_then(notify_answer) else { return };
        let asked = self.told.iter_mut().find(|((address, apex), told)| {
            *address == from
                && told.id == answer.id
                && !told.answered
                && zone.as_ref().is_none_or(|zone| zone == apex)
        });
        let Some(((_, apex), told)) = asked else { return };
        if let Some(mac) = &told.mac {
            let current = self.current.load();
            let secondaries = current.answering.notified.secondaries.iter();
            let keys = secondaries
                .filter(|to| to.address == from && (to.zones.is_empty() || to.zones.contains(apex)))
                .filter_map(|to| to.key.as_ref());
            // One address may be told by several keys; the answer has that of the message.
            let fault = keys.map(|key| answer.verify(key, mac, unix_time())).reduce(Result::or);
            // Without any, settings have changed: it is told again by these.
            let Some(verdict) = fault else { return };
            if let Err(fault) = verdict {
                // RFC 8945 5.4: what is not signed as it must be is not the answer, and may be followed by it. That the
                // key is refused there is told without a signature.
                if !told.said {
                    told.said = true;
                    let rcode = answer.rcode;
                    let word =
                        answer.tsig.map_or("without a signature".to_owned(), |tsig| match tsig.error {
                            0 => fault.to_string(),
                            error => tsig_error(error),
                        });
                    tracing::warn!(
                        "{from} answers {rcode} to news of zone {apex}, which is not counted: {word}"
                    );
                }
                return;
            }
        }
        told.answered = true;
        if answer.rcode == Rcode::NOERROR {
            told.said = false;
        } else if !told.said {
            // Once: it may be set up later, and is told of every change.
            told.said = true;
            let rcode = answer.rcode;
            match answer.tsig.map(|tsig| tsig.error).filter(|error| *error != 0) {
                Some(error) => {
                    tracing::warn!("{from} answers {rcode} to news of zone {apex}: {}", tsig_error(error));
                }
                None => {
                    tracing::warn!(
                        "{from} answers {rcode} to news of zone {apex}: is it a secondary of that?"
                    );
                }
            }
        }
    }

    /// Says who was turned away.
    fn say_refusals(&self) {
        let current = self.current.load();
        let (refused, others) = current.answering.policy.transfers.refusals().take();
        for Refused { client, cause, times } in &refused {
            tracing::warn!("turned away {times} requests of {client} for zones or with a signature: {cause}");
        }
        if others > 0 {
            tracing::warn!("turned away {others} more requests for zones or with a signature");
        }
    }
}

/// What a server says of the signature of a message, in words.
fn tsig_error(error: u16) -> String {
    match error {
        16 => "BADSIG: its key of this name has another secret".to_owned(),
        17 => "BADKEY: it does not know the key, or by another algorithm".to_owned(),
        18 => "BADTIME: its clock and this one differ by more than five minutes".to_owned(),
        error => format!("TSIG error {error}"),
    }
}

/// Unix time in seconds.
fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Waits for a datagram; for ever where there is no socket.
async fn receive(socket: Option<&UdpSocket>, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    match socket {
        // An error is what came back of an earlier message.
        Some(socket) => socket.recv_from(buffer).await.ok(),
        None => std::future::pending().await,
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// When somebody is to be told.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    Never,
}

fn due(told: Option<Standing>, serial: u32, now: Instant, interval: Duration) -> Due {
    let Some(told) = told else { return Due::Now };
    let at = match (told.serial == serial, told.answered) {
        (true, true) => return Due::Never,
        (true, false) => told.again(),
        // Something new: an interval after the last that was new.
        (false, _) => told.first + interval,
    };
    if at <= now { Due::Now } else { Due::At(at) }
}

impl Standing {
    /// When what is not answered is sent again: each time after twice the time.
    fn again(self) -> Instant {
        let doublings = self.sent.saturating_sub(1).min(16);
        self.at + FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn news_waits_for_its_interval_and_silence_for_longer_and_longer() {
        let (start, interval) = (Instant::now(), Duration::from_secs(5));
        let after = |seconds| start + Duration::from_secs(seconds);
        let told = Standing {
            serial: 7,
            answered: false,
            sent: 1,
            id: 1,
            mac: None,
            at: start,
            first: start,
            said: false,
        };
        let answered = Standing { answered: true, ..told };
        for (told, serial, now, expected) in [
            (None, 7, start, Due::Now),
            (Some(told), 7, start, Due::At(after(1))),
            (Some(told), 7, after(1), Due::Now),
            (Some(Standing { sent: 2, ..told }), 7, after(1), Due::At(after(2))),
            (Some(Standing { sent: 4, ..told }), 7, after(1), Due::At(after(8))),
            (Some(Standing { sent: 40, ..told }), 7, after(1), Due::At(after(60))),
            (Some(answered), 7, after(100), Due::Never),
            (Some(answered), 8, after(1), Due::At(after(5))),
            (Some(answered), 8, after(5), Due::Now),
            (Some(told), 8, after(1), Due::At(after(5))),
        ] {
            assert_eq!(due(told, serial, now, interval), expected, "{told:?} {serial}");
        }
    }
}
