//! Who is in a set, in a few octets: two sets that list the same node names have the same digest, wherever it is computed.

use super::set::Set;
use ring::digest::{Context, SHA256};
use std::fmt::Write as _;

/// The SHA-256 of a set's node names, in hexadecimal: each name once, in the order of their octets, with a line feed behind
/// each. What `dig` shows of the set's TXT gives the same: `… +short TXT | tr -d '"' | LC_ALL=C sort | sha256sum`.
pub(super) fn digest(set: &Set) -> String {
    let listed = set.members.iter().filter_map(|(_, member)| member.peer.as_ref()?.node_name());
    let mut names: Vec<String> = listed.map(|name| name.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    let mut sum = Context::new(&SHA256);
    for name in names {
        sum.update(name.as_bytes());
        sum.update(b"\n");
    }
    let mut text = String::new();
    for octet in sum.finish().as_ref() {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}
