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

    /// Sends the messages of one. No message may take longer than `write_timeout` to be accepted.
    pub(super) async fn send<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        client: &Client,
        transfer: Transfer,
        write_timeout: Duration,
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
