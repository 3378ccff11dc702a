//! The ends of names, by which most of those that have nothing to do with an apex are told from it in one comparison.

/// The last four octets of a name in wire form; of a shorter name all of them, behind zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail(u32);

impl Tail {
    /// Octets of it.
    pub const LEN: usize = 4;

    /// That of a name with these last octets, lower case.
    #[inline]
    pub fn new(last: [u8; Tail::LEN]) -> Tail {
        Tail(u32::from_le_bytes(last))
    }

    /// That of a name in wire form, lower case.
    #[cold]
    pub fn of(wire: &[u8]) -> Tail {
        Tail(wire.iter().fold(0, |tail, octet| tail >> 8 | u32::from(*octet) << 24))
    }
}

/// What the tails of some names have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    tail: u32,
    /// Which bits of it are the same in all tails; those in front of a shorter name are not.
    mask: u32,
}

impl Ending {
    /// That of these names in wire form, lower case, and of all below them.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Ending {
        let mut names = names.into_iter().map(|name| {
            let mask = name.iter().fold(0, |mask: u32, _| mask >> 8 | 0xff << 24);
            Ending { tail: Tail::of(name).0, mask }
        });
        // What no name ends in, where there are none: labels have at most 63 octets.
        let first = names.next().unwrap_or(Ending { tail: u32::MAX, mask: u32::MAX });
        names.fold(first, |one, other| Ending {
            tail: one.tail,
            mask: one.mask & other.mask & !(one.tail ^ other.tail),
        })
    }

    /// Whether a name with this tail may be at or below one of the names. `false` is certain.
    #[inline]
    pub fn fits(self, tail: Tail) -> bool {
        (tail.0 ^ self.tail) & self.mask == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;

    #[test]
    fn what_does_not_fit_is_below_none_of_the_names() {
        let names =
            [".", "a.", "b.", "ab.", "xa.", "b.a.", "local.", "total.", "cluster.local.", "in-addr.arpa."];
        let names = names.map(|name| name.parse::<Name>().unwrap());
        let fits = |ending: Ending, name: &Name| ending.fits(Tail::of(name.as_wire()));
        for one in &names {
            for other in &names {
                let ending = Ending::of([one.as_wire(), other.as_wire()]);
                for name in &names {
                    let is_below = name.is_at_or_below(one) || name.is_at_or_below(other);
                    assert!(fits(ending, name) || !is_below, "{name} below {one} {other}");
                }
            }
        }
        let ending = Ending::of([names[8].as_wire(), names[9].as_wire()]);
        let fitting: Vec<_> =
            names.iter().filter(|name| fits(ending, name)).map(ToString::to_string).collect();
        assert_eq!(fitting, ["local.", "cluster.local.", "in-addr.arpa."]);
        assert!(!names.iter().any(|name| fits(Ending::of([]), name)));
    }
}
