//! File descriptors: connections must leave some for everything else.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are not for connections: manifests and their folders, the log, threads' own, connections that are
/// about to end.
const RESERVED: u64 = 128;

/// Raises the soft limit of descriptors to the hard one and returns how many TCP connections that leaves room for beside
/// `kept` other descriptors, at most `wanted`.
pub(super) fn room_for(wanted: usize, kept: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    let limit = if raised.is_ok() { hard } else { soft };
    let room = connections(limit, kept);
    if room < wanted {
        tracing::warn!(
            "{limit} file descriptors leave room for {room} TCP connections, not {wanted}: raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
    room.min(wanted)
}

/// Connections within a limit; a few even where there is hardly any room, and one where there is none.
fn connections(limit: u64, kept: usize) -> usize {
    let reserved = RESERVED.saturating_add(u64::try_from(kept).unwrap_or(u64::MAX));
    let some = (limit / 4).min(limit.saturating_sub(reserved - RESERVED)).max(1);
    usize::try_from(limit.saturating_sub(reserved).max(some)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_kept_from_connections() {
        // The limit, others that are kept, and what is left.
        let cases = [
            (1024, 0, 896),
            (4096, 0, 3968),
            (160, 0, 40),
            (64, 0, 16),
            (3, 0, 1),
            (1024, 400, 496),
            (1024, 900, 124),
            (1024, 2000, 1),
            (1024, usize::MAX, 1),
        ];
        for (limit, kept, expected) in cases {
            assert_eq!(connections(limit, kept), expected, "{limit} {kept}");
        }
        assert!(room_for(1, 0) == 1);
    }
}
