//! A view on a running server, for readers on other threads: what it has counted, and whether its threads move.

use super::counters::{Counters, Counts};
use super::tally::{Tallied, Tally};
use std::sync::Arc;

/// What a running server shows of itself. Cheap to clone; outlives the server.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    pub(super) threads: Vec<Observed>,
    /// The port of the first address, by which answers are told from those of another server on this host.
    pub(super) port: u16,
}

/// One UDP worker, or the TCP side.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub(super) name: Arc<str>,
    pub(super) counters: Arc<Counters>,
    pub(super) tallies: Vec<(Stream, Arc<Tally>)>,
}

/// A transport and an address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    /// `udp`, `tcp`, `tls`, `https` or `quic`.
    pub proto: &'static str,
    /// Whether clients have IPv6 addresses.
    pub ipv6: bool,
}

impl Observer {
    /// What was counted of queries, by transport and family; those without a listener are left out.
    pub fn tallied(&self) -> Vec<(Stream, Tallied)> {
        let mut sums: Vec<(Stream, Tallied)> = Vec::new();
        for (stream, tally) in self.threads.iter().flat_map(|thread| &thread.tallies) {
            if !sums.iter().any(|(known, _)| known == stream) {
                sums.push((*stream, Tallied::default()));
            }
            if let Some((_, sum)) = sums.iter_mut().find(|(known, _)| known == stream) {
                tally.add_to(sum);
            }
        }
        sums.sort_by_key(|(stream, _)| *stream);
        sums
    }

    /// What the transports have counted.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for thread in &self.threads {
            sum += thread.counters.read();
        }
        sum
    }

    /// The name of each thread or group of threads, and how often it has come round: at least every few hundred
    /// milliseconds.
    pub fn beats(&self) -> impl Iterator<Item = (&str, u64)> {
        self.threads.iter().map(|thread| (&*thread.name, thread.counters.beats()))
    }

    /// The port of the first listener.
    pub fn port(&self) -> u16 {
        self.port
    }
}
