//! Transfers of zones over connections: made on threads that may wait, sent at the pace of the client.
//!
//! Bounded by how many run at a time, how long each may take, and how long a client may keep from accepting a message. Each
//! that runs holds one snapshot and a few messages.

use crate::answer::{Client, TransferError};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};

/// Messages that are made ahead of the client.
const AHEAD: usize = 2;

/// A transfer to be made.
pub struct Transfer(Box<Make>);

type Make = dyn FnOnce(&mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Told + Send;

impl Transfer {
    /// One that `make` makes: it passes each message to what it is given, and says what it was about. It may wait.
    pub fn new(
        make: impl FnOnce(&mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Told + Send + 'static,
    ) -> Transfer {
        Transfer(Box::new(make))
    }
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transfer")
    }
}

/// What a transfer was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The zone.
    pub zone: String,
    /// The serial that was given.
    pub serial: u32,
    /// The serial that the client had, where it was told what changed since.
    pub since: Option<u32>,
    /// Whether all messages were made.
    pub outcome: Result<(), TransferError>,
}

/// How many transfers there were.
#[derive(Debug, Default)]
pub struct TransferCounts {
    /// Whole zones.
    pub whole: AtomicU64,
    /// What has changed since a serial.
    pub changes: AtomicU64,
    /// Nothing, because the client had all there is.
    pub nothing_new: AtomicU64,
    /// Those that were broken off.
    pub broken_off: AtomicU64,
}

/// Limits of transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferLimits {
    /// Transfers at a time.
    pub at_once: usize,
    /// How long one may take, the wait for its turn included.
    pub time: Duration,
}

/// What all connections share of transfers.
#[derive(Debug)]
pub(super) struct Transfers {
    limits: TransferLimits,
    turns: Semaphore,
}

/// A transfer did not come to its end, and so its connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenOff;

impl Transfers {
    pub(super) fn new(limits: TransferLimits) -> Transfers {
        Transfers { limits, turns: Semaphore::new(limits.at_once) }
    }

    /// Sends the messages of one. No message may take longer than `write_timeout` to be accepted; `accepted` is called for
    /// each that is.
    pub(super) async fn send<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        client: &Client,
        transfer: Transfer,
        write_timeout: Duration,
        accepted: impl Fn(),
    ) -> Result<(), BrokenOff> {
        let began = Instant::now();
        let deadline = began + self.limits.time;
        let Ok(Ok(_turn)) = timeout_at(deadline, self.turns.acquire()).await else {
            tracing::warn!(
                "a transfer to {} has waited too long: {} run at a time",
                client.address,
                self.limits.at_once
            );
            return Err(BrokenOff);
        };
        let (sender, mut messages) = mpsc::channel::<Vec<u8>>(AHEAD);
        let making = tokio::task::spawn_blocking(move || {
            (transfer.0)(&mut |message| {
                let sent = frame(message).and_then(|frame| sender.blocking_send(frame).ok());
                if sent.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
        });
        let (mut sent, mut octets) = (0_u64, 0);
        let mut late = None;
        loop {
            let message = match timeout_at(deadline, messages.recv()).await {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(_) => {
                    late = Some("it took too long");
                    break;
                }
            };
            let by = deadline.min(Instant::now() + write_timeout);
            let all = async {
                stream.write_all(&message).await?;
                // TLS has records of its own.
                stream.flush().await
            };
            match timeout_at(by, all).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => late = Some("the client went away"),
                Err(_) => late = Some("the client takes it too slowly"),
            }
            if late.is_some() {
                break;
            }
            accepted();
            sent += 1;
            octets += message.len();
        }
        // Whoever makes messages finds that nobody takes them.
        drop(messages);
        let Ok(Ok(told)) = timeout(self.limits.time, making).await else {
            tracing::error!("a transfer to {} has panicked or hangs", client.address);
            return Err(BrokenOff);
        };
        let what = match told.since {
            Some(since) => format!("zone {} from serial {since} to {}", told.zone, told.serial),
            None => format!("zone {} with serial {}", told.zone, told.serial),
        };
        let took = began.elapsed().as_millis();
        let how = match (&told.outcome, late) {
            (Ok(()), None) => {
                tracing::info!(
                    "transferred {what} to {}: {sent} messages, {octets} octets, {took} ms",
                    client.address
                );
                return Ok(());
            }
            (Err(error @ TransferError::TooLarge), _) | (Err(error), None) => error.to_string(),
            (_, Some(late)) => late.to_owned(),
        };
        tracing::warn!("broke off the transfer of {what} to {}: {how}, after {took} ms", client.address);
        Err(BrokenOff)
    }
}

/// A message behind its length (RFC 1035 4.2.2).
fn frame(message: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(message.len()).ok()?;
    let mut frame = Vec::with_capacity(2 + message.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Transport;
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use tokio::io::{AsyncReadExt, duplex};

    const CLIENT: Client =
        Client { transport: Transport::Tcp, address: std::net::IpAddr::V4(Ipv4Addr::LOCALHOST) };

    /// Long enough for whatever is not meant to end.
    const LONG: Duration = Duration::from_secs(60);
    /// What is meant to end ends by this.
    const SHORT: Duration = Duration::from_millis(50);

    fn transfers(time: Duration) -> Transfers {
        Transfers::new(TransferLimits { at_once: 1, time })
    }

    /// A transfer of as many messages of 1,000 octets, which counts those that were taken from it, and whether it has ended.
    fn messages(count: u64) -> (Transfer, Arc<AtomicU64>) {
        let made = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&made);
        let transfer = Transfer::new(move |send| {
            let outcome = (0..count).try_for_each(|_| {
                counts.fetch_add(1, Ordering::Relaxed);
                send(&[7; 1000])
            });
            Told {
                zone: "test.".to_owned(),
                serial: 1,
                since: None,
                outcome: if outcome.is_continue() { Ok(()) } else { Err(TransferError::Stopped) },
            }
        });
        (transfer, made)
    }

    /// What sending comes to while the other side reads all there is.
    async fn read(transfers: &Transfers, transfer: Transfer) -> (Result<(), BrokenOff>, Vec<u8>) {
        let (mut ours, mut theirs) = duplex(4096);
        let mut octets = Vec::new();
        let sending = async {
            let sent = transfers.send(&mut ours, &CLIENT, transfer, LONG, || ()).await;
            drop(ours);
            sent
        };
        let (sent, all) = tokio::join!(sending, theirs.read_to_end(&mut octets));
        all.unwrap();
        (sent, octets)
    }

    #[tokio::test]
    async fn messages_come_whole_and_in_turn() {
        let transfers = transfers(LONG);
        for count in [0, 1, 50] {
            let (transfer, made) = messages(count);
            let (sent, octets) = read(&transfers, transfer).await;
            assert_eq!((sent, made.load(Ordering::Relaxed)), (Ok(()), count));
            let expected = [&[3, 232][..], &[7; 1000]].concat().repeat(usize::try_from(count).unwrap());
            assert_eq!(octets, expected);
        }
    }

    #[tokio::test]
    async fn whoever_waits_too_long_for_a_turn_gets_nothing() {
        let transfers = transfers(SHORT);
        let turn = transfers.turns.acquire().await.unwrap();
        let (transfer, made) = messages(1);
        assert_eq!(read(&transfers, transfer).await, (Err(BrokenOff), Vec::new()));
        assert_eq!(made.load(Ordering::Relaxed), 0);
        drop(turn);
        assert_eq!(read(&transfers, messages(0).0).await.0, Ok(()));
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_broken_off() {
        let transfers = transfers(SHORT);
        let (endless, _) = messages(u64::MAX);
        assert_eq!(read(&transfers, endless).await.0, Err(BrokenOff));
        assert_eq!(transfers.turns.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up_and_little_is_made_for_it() {
        let transfers = transfers(LONG);
        let (mut ours, _theirs) = duplex(4096);
        let (endless, made) = messages(u64::MAX);
        let sent = transfers.send(&mut ours, &CLIENT, endless, SHORT, || ()).await;
        assert_eq!(sent, Err(BrokenOff));
        // What the stream holds, what is made ahead, the one that is being sent, and the one that nobody takes.
        let most = 4096 / 1002 + AHEAD as u64 + 3;
        assert!(made.load(Ordering::Relaxed) <= most, "{made:?} messages");
        assert_eq!(transfers.turns.available_permits(), 1);
    }
}
