//! One query and its answer, for transports that carry each exchange apart.

use super::memory::{Full, Octets, Pool};
use crate::answer::Client;
use crate::server::burst::Buffers;
use crate::server::counters::{Counters, Counts};
use crate::server::responder::Responder;
use crate::server::tally::Tally;
use crate::server::tcp::{Tallies, TcpLimits};
use std::sync::Arc;

/// Makes answers for all connections of a transport.
#[derive(Debug)]
pub(super) struct Exchanges<R: Responder> {
    responder: Arc<R>,
    buffers: Buffers<R>,
    /// What messages and answers take while they wait.
    pub(super) memory: Pool,
    pub(super) limits: TcpLimits,
    /// What is counted of queries.
    pub(super) https: Tallies,
    pub(super) quic: Tallies,
}

impl<R: Responder> Exchanges<R> {
    pub(super) fn new(responder: Arc<R>, limits: TcpLimits, https: Tallies, quic: Tallies) -> Exchanges<R> {
        Exchanges { responder, buffers: Buffers::default(), memory: Pool::default(), limits, https, quic }
    }

    /// The answer to the query in `frame`, each with its two octets of length before it (RFC 1035 4.2.2); none where there is
    /// none by design, or `frame` is not one whole message.
    pub(super) fn answer(
        &self,
        frame: &[u8],
        client: &Client,
        tally: &Tally,
        counters: &Counters,
    ) -> Result<Option<Octets>, Full> {
        let began = std::time::Instant::now();
        let mut buffer = self.buffers.lend(&self.responder);
        let (burst, answer) = self.buffers.answer(&mut buffer, &self.responder, client, frame, tally);
        let copy = if answer.is_empty() { Ok(None) } else { self.memory.copy(answer).map(Some) };
        self.buffers.take_back(buffer);
        tally.took::<true>(began.elapsed(), burst.queries.into());
        counters.add(Counts {
            queries: burst.queries.into(),
            replies: burst.replies.into(),
            drops: burst.queries.saturating_sub(burst.replies).into(),
            ..Counts::default()
        });
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Transport;
    use crate::server::responder::echo::Echo;
    use crate::server::transfer::TransferLimits;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    const LIMITS: TcpLimits = TcpLimits {
        max_connections: 1,
        max_connections_per_address: 1,
        idle_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
        write_timeout: Duration::from_secs(1),
        transfers: TransferLimits { at_once: 1, time: Duration::from_secs(1) },
    };

    #[test]
    fn one_query_has_one_answer_with_its_length() {
        let exchanges = Exchanges::new(Arc::new(Echo), LIMITS, Tallies::default(), Tallies::default());
        let client = Client { transport: Transport::Quic, address: Ipv4Addr::LOCALHOST.into() };
        let (tally, counters) = (Tally::default(), Counters::default());
        for (frame, answer) in [
            (&b"\0\x02ab"[..], Some(&b"\0\x03qab"[..])),
            (b"\0\x01!", None),
            (b"\0\0", None),
            (b"\0\x02a", None),
            (b"", None),
        ] {
            let given = exchanges.answer(frame, &client, &tally, &counters).unwrap();
            assert_eq!(given.as_ref().map(AsRef::as_ref), answer, "{frame:?}");
        }
        let Counts { queries, replies, drops, .. } = counters.read();
        assert_eq!((queries, replies, drops), (2, 1, 1));
    }
}
