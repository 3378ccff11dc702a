//! File descriptors: connections must leave some for everything else.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are not for connections: sockets, manifests and their folders, the log.
const RESERVED: u64 = 128;

/// Raises the soft limit of descriptors to the hard one and returns how many TCP connections that leaves room for, at
/// most `wanted`.
pub(super) fn room_for(wanted: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    let limit = if raised.is_ok() { hard } else { soft };
    let room = connections(limit);
    if room < wanted {
        tracing::warn!(
            "{limit} file descriptors leave room for {room} TCP connections, not {wanted}: raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
    room.min(wanted)
}

/// Connections within a limit; a few even where there is hardly any room.
fn connections(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(RESERVED).max(limit / 4).max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_kept_from_connections() {
        let cases = [(1024, 896), (4096, 3968), (160, 40), (64, 16), (3, 1)];
        for (limit, expected) in cases {
            assert_eq!(connections(limit), expected, "{limit}");
        }
        assert!(room_for(1) == 1);
    }
}
