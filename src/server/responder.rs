//! The seam between moving octets and making answers.

use super::transfer::Transfer;
use crate::answer::{Client, Outcome, Told};

/// Makes answers. Workers call it for every query; implementations neither block nor log.
pub trait Responder: Send + Sync + 'static {
    /// What one thread needs to make an answer, made once and used again.
    type Scratch: Send + 'static;
    /// What the answers of one batch are made from. Taken after the batch has been received and given back before the
    /// next receive, so that an idle worker never holds old data.
    type Batch<'a>;
    /// The same, looked up once for all answers of the batch.
    type View<'a>: Copy;

    /// Makes one thread's scratch.
    fn scratch(&self) -> Self::Scratch;

    /// Begins a batch.
    fn batch(&self) -> Self::Batch<'_>;

    /// Looks into a batch.
    fn view<'a>(batch: &'a Self::Batch<'_>) -> Self::View<'a>;

    /// Answers `query` into `out`, which has the largest size that the transport carries. `rotation` differs from
    /// query to query.
    fn respond(
        view: &Self::View<'_>,
        scratch: &mut Self::Scratch,
        query: &[u8],
        client: &Client,
        rotation: u32,
        out: &mut [u8],
    ) -> Outcome;

    /// The transfer that was last let in with this scratch, if that was the outcome. Whoever makes it may wait.
    fn transfer(&self, _scratch: &mut Self::Scratch) -> Option<Transfer> {
        None
    }

    /// What is to be counted of the query that was last answered with this scratch.
    fn told(_scratch: &Self::Scratch) -> Told {
        Told::default()
    }
}

#[cfg(test)]
pub(super) mod echo {
    //! A responder for the server's own tests.

    use super::{Client, Outcome, Responder};

    /// Sends every query of at least one octet back, behind the client's transport (`u`, `t`, `s`, `h` or `q`). A query that starts
    /// with `!` is dropped; one of the form `*<n>` is answered with `n` octets.
    #[derive(Debug)]
    pub(in crate::server) struct Echo;

    impl Responder for Echo {
        type Scratch = ();
        type Batch<'a> = ();
        type View<'a> = ();

        fn scratch(&self) {}

        fn batch(&self) {}

        fn view((): &()) {}

        fn respond((): &(), (): &mut (), query: &[u8], client: &Client, _: u32, out: &mut [u8]) -> Outcome {
            match query.first() {
                None | Some(b'!') => return Outcome::Drop,
                Some(b'*') => {
                    let length = std::str::from_utf8(&query[1..]).unwrap().parse().unwrap();
                    out[..length].fill(b'*');
                    return Outcome::Reply(length);
                }
                Some(_) => {}
            }
            out[0] = match client.transport {
                crate::answer::Transport::Udp => b'u',
                crate::answer::Transport::Tcp => b't',
                crate::answer::Transport::Tls => b's',
                crate::answer::Transport::Https => b'h',
                crate::answer::Transport::Quic => b'q',
            };
            out[1..=query.len()].copy_from_slice(query);
            Outcome::Reply(query.len() + 1)
        }
    }
}
