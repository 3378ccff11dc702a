//! A zone that lists others, for secondaries that learn of new ones by it (RFC 9432).

use crate::wire::Name;
use std::fmt::Write as _;

/// The master file of a catalog of these zones.
pub fn catalog(apex: &Name, members: &[Name], serial: u32) -> Vec<u8> {
    // RFC 9432 4.1: NS is there because zones have it; "invalid." is recommended.
    let mut text = format!("{apex} 0 SOA invalid. invalid. {serial} 60 10 604800 0\n{apex} 0 NS invalid.\n");
    // RFC 9432 4.2.1: the version of the schema.
    let mut put = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    put(format_args!("version.{apex} 0 TXT \"2\""));
    for member in members {
        put(format_args!("{:016x}.zones.{apex} 0 PTR {member}", unique(member)));
    }
    text.into_bytes()
}

/// The label that a zone has in the catalog. RFC 9432 4.1: it identifies the zone, and another one makes secondaries throw
/// away what they have of it; so it depends on the name alone. FNV-1a of its octets.
fn unique(member: &Name) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    member.as_wire().iter().fold(OFFSET_BASIS, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_below_labels_that_stay() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let text = catalog(&name("c.x"), &[name("a"), name("peers.cluster.local")], 9);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "c.x. 0 SOA invalid. invalid. 9 60 10 604800 0\nc.x. 0 NS invalid.\nversion.c.x. 0 TXT \"2\"\n\
             d113bd1867867955.zones.c.x. 0 PTR a.\n75ba8941a742e16a.zones.c.x. 0 PTR peers.cluster.local.\n"
        );
    }
}
