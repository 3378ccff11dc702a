//! What a client's cookie is worth, and the one that it gets (RFC 7873 5.2, RFC 9018 4.3).
//!
//! Nothing is remembered of any client: a server cookie carries its own age and proves itself by the secret.

use crate::wire::{COOKIE_LEN, Cookie, CookieSecret, ServerCookie};
use std::net::IpAddr;

/// Seconds that a server cookie is good for. RFC 9018 4.3: "The DNS server SHOULD allow cookies within a 1-hour period in
/// the past".
const LIFETIME: i32 = 60 * 60;

/// Seconds that a server cookie may be ahead, because the clocks of two servers differ (RFC 9018 4.3: "and a 5-minute
/// period into the future").
const AHEAD: i32 = 5 * 60;

/// Seconds after which a good cookie is renewed (RFC 9018 4.3: "more than half an hour old").
const RENEWED_AFTER: i32 = 30 * 60;

/// The settings of cookies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookies {
    /// Makes new cookies.
    signing: CookieSecret,
    /// Their cookies are good too, and renewed: secrets on their way in or out (RFC 9018 5).
    others: Vec<CookieSecret>,
    /// Whether a client that sends a cookie must have it right to be answered over UDP.
    require: bool,
}

/// What a query's cookie is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// A client's half alone: this client knows no server cookie yet.
    New,
    /// Its server cookie was never made here, for another client or address, or too long ago.
    Bad,
    /// The client has had an answer at this address lately: it does not forge it.
    Good,
}

/// A COOKIE option, looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) standing: Standing,
    /// What the answer's option holds.
    pub(super) reply: [u8; COOKIE_LEN],
}

impl Cookies {
    /// Cookies made by `signing`; those of `others` are good too. Where `require` is set, a client that sends a bad one
    /// over UDP, or none but its own half, gets BADCOOKIE.
    pub fn new(signing: CookieSecret, others: Vec<CookieSecret>, require: bool) -> Cookies {
        Cookies { signing, others, require }
    }

    pub(super) fn require(&self) -> bool {
        self.require
    }

    /// Looks at the data of a COOKIE option at `now`, Unix time in seconds modulo 2^32; nothing if it is malformed.
    pub(super) fn check(&self, data: &[u8], address: IpAddr, now: u32) -> Option<Checked> {
        let address = address.to_canonical();
        let cookie = Cookie::read(data)?;
        let (standing, keep) = self.standing(&cookie, address, now);
        let kept = if keep { data.first_chunk().copied() } else { None };
        let reply = kept.unwrap_or_else(|| self.signing.sign(cookie.client, address, now));
        Some(Checked { standing, reply })
    }

    /// Whether these are both halves of a cookie that is good and that the client keeps as it is.
    #[inline]
    pub(super) fn is_kept(&self, data: &[u8; COOKIE_LEN], address: IpAddr, now: u32) -> bool {
        let Some((client, server)) = data.split_first_chunk() else { return false };
        let Some(server) = ServerCookie::read(server) else { return false };
        let age = now.wrapping_sub(server.timestamp()).cast_signed();
        (-AHEAD..=RENEWED_AFTER).contains(&age)
            && self.signing.has_made(&server, *client, address.to_canonical())
    }

    /// What the cookie is, and whether the client keeps it as it is.
    fn standing(&self, cookie: &Cookie<'_>, address: IpAddr, now: u32) -> (Standing, bool) {
        if cookie.server.is_empty() {
            return (Standing::New, false);
        }
        let Some(server) = ServerCookie::read(cookie.server) else {
            return (Standing::Bad, false);
        };
        // RFC 9018 4.3: compared in serial arithmetic (RFC 1982), which 2038 and 2106 mean nothing to.
        let age = now.wrapping_sub(server.timestamp()).cast_signed();
        if !(-AHEAD..=LIFETIME).contains(&age) {
            return (Standing::Bad, false);
        }
        if self.signing.has_made(&server, cookie.client, address) {
            return (Standing::Good, age <= RENEWED_AFTER);
        }
        let good = self.others.iter().any(|secret| secret.has_made(&server, cookie.client, address));
        (if good { Standing::Good } else { Standing::Bad }, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const CLIENT: [u8; 8] = *b"a client";
    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OLD: CookieSecret = CookieSecret::new(*b"the old secret..");
    const NEW: CookieSecret = CookieSecret::new(*b"the new secret..");

    fn cookies() -> Cookies {
        Cookies::new(NEW, vec![OLD], false)
    }

    #[test]
    fn age_decides_and_the_clock_may_wrap() {
        for now in [1_700_000_000, i32::MAX.cast_unsigned(), 1 << 31, u32::MAX, 0, 100] {
            for (age, standing, renewed) in [
                (0, Standing::Good, false),
                (1800, Standing::Good, false),
                (1801, Standing::Good, true),
                (3600, Standing::Good, true),
                (3601, Standing::Bad, true),
                (i32::MAX, Standing::Bad, true),
                (i32::MIN, Standing::Bad, true),
                (-1, Standing::Good, false),
                (-300, Standing::Good, false),
                (-301, Standing::Bad, true),
            ] {
                let made = NEW.sign(CLIENT, ADDRESS, now.wrapping_sub(age.cast_unsigned()));
                let checked = cookies().check(&made, ADDRESS, now).unwrap();
                let fresh = NEW.sign(CLIENT, ADDRESS, now);
                let reply = if renewed { fresh } else { made };
                assert_eq!(checked, Checked { standing, reply }, "{now} {age}");
            }
        }
    }

    #[test]
    fn cookies_of_the_other_secret_are_good_and_replaced() {
        let made = OLD.sign(CLIENT, ADDRESS, 1000);
        let checked = cookies().check(&made, ADDRESS, 1001).unwrap();
        assert_eq!(checked, Checked { standing: Standing::Good, reply: NEW.sign(CLIENT, ADDRESS, 1001) });
        let alone = Cookies::new(NEW, vec![], false).check(&made, ADDRESS, 1001).unwrap();
        assert_eq!(alone.standing, Standing::Bad);
    }

    #[test]
    fn others_are_new_or_bad_and_get_a_fresh_one() {
        let good = NEW.sign(CLIENT, ADDRESS, 1000);
        let reply = NEW.sign(CLIENT, ADDRESS, 1000);
        let elsewhere: IpAddr = "192.0.2.2".parse().unwrap();
        let of_other_makers = [&CLIENT[..], &[7; 32]].concat();
        let check = |data: &[u8], address| cookies().check(data, address, 1000);
        assert_eq!(check(&CLIENT, ADDRESS), Some(Checked { standing: Standing::New, reply }));
        assert_eq!(check(&of_other_makers, ADDRESS), Some(Checked { standing: Standing::Bad, reply }));
        assert_eq!(check(&good, elsewhere).unwrap().standing, Standing::Bad);
        assert_eq!(check(&good[..23], ADDRESS).unwrap().standing, Standing::Bad);
        for malformed in [&b""[..], b"short", &good[..9], &good[..15], &[0; 41]] {
            assert_eq!(check(malformed, ADDRESS), None, "{malformed:?}");
        }
    }

    #[test]
    fn an_ipv4_client_is_the_same_on_both_kinds_of_socket() {
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        let made = cookies().check(&CLIENT, mapped, 1000).unwrap().reply;
        assert_eq!(cookies().check(&made, ADDRESS, 1000).unwrap().standing, Standing::Good);
    }

    proptest! {
        #[test]
        fn what_was_given_is_good_and_what_was_changed_is_not(
            client: [u8; 8], address: u128, now: u32, later in 0_u32..3600, bit in 0_usize..24 * 8,
        ) {
            let address = IpAddr::V6(Ipv6Addr::from_bits(address));
            let given = cookies().check(&client, address, now).unwrap().reply;
            let again = cookies().check(&given, address, now.wrapping_add(later)).unwrap();
            prop_assert_eq!(again.standing, Standing::Good);
            let mut changed = given;
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(cookies().check(&changed, address, now).unwrap().standing, Standing::Bad);
        }
    }
}
