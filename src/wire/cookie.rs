//! DNS cookies: what stands in a COOKIE option (RFC 7873 4), and server cookies in the form that servers of different
//! makers share (RFC 9018 4). What a cookie is worth at which age is not decided here.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Octets of a client cookie (RFC 7873 4.1).
pub const CLIENT_COOKIE_LEN: usize = 8;

/// Octets of a server cookie as RFC 9018 4 makes it: version, three reserved, timestamp, hash.
pub const SERVER_COOKIE_LEN: usize = 16;

/// Octets of a whole COOKIE option's data in an answer.
pub const COOKIE_LEN: usize = CLIENT_COOKIE_LEN + SERVER_COOKIE_LEN;

/// The version of server cookies here (RFC 9018 4.1).
const VERSION: u8 = 1;

/// What a COOKIE option of a query holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// The client's half.
    pub client: [u8; CLIENT_COOKIE_LEN],
    /// The server's half, 8 to 32 octets; empty where the client knows none yet.
    pub server: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Reads OPTION-DATA; nothing if its length is neither that of a client cookie nor that of both, 16 to 40 octets,
    /// which is a FORMERR (RFC 7873 4, 5.2.2).
    pub fn read(data: &'a [u8]) -> Option<Cookie<'a>> {
        let (client, server) = data.split_first_chunk::<CLIENT_COOKIE_LEN>()?;
        matches!(server.len(), 0 | 8..=32).then_some(Cookie { client: *client, server })
    }
}

/// A server cookie taken apart, of the one version that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerCookie {
    /// Version, reserved octets (which count for the hash whatever they are) and timestamp.
    head: [u8; 8],
    hash: u64,
}

impl ServerCookie {
    /// Reads the server's half of a cookie; nothing if it is of another length or version, and so of another maker.
    pub fn read(server: &[u8]) -> Option<ServerCookie> {
        let (head, hash) = server.split_first_chunk::<8>()?;
        let hash = u64::from_le_bytes(*hash.first_chunk::<8>()?);
        (server.len() == SERVER_COOKIE_LEN && *head.first()? == VERSION)
            .then_some(ServerCookie { head: *head, hash })
    }

    /// When it was made: Unix time in seconds, modulo 2^32 (RFC 9018 4.3, compared by RFC 1982).
    pub fn timestamp(&self) -> u32 {
        let [.., t0, t1, t2, t3] = self.head;
        u32::from_be_bytes([t0, t1, t2, t3])
    }
}

/// A server's secret: 128 bits, shared by all servers behind one address.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieSecret([u8; 16]);

/// Why a text is no secret. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret of 128 bits: wants 32 hexadecimal digits")]
pub struct CookieSecretError;

impl CookieSecret {
    /// The secret of these octets.
    pub const fn new(octets: [u8; 16]) -> CookieSecret {
        CookieSecret(octets)
    }

    /// A cookie for a client at `address`, made at `now` (Unix time in seconds, modulo 2^32): both halves, as the answer
    /// carries them.
    pub fn sign(&self, client: [u8; CLIENT_COOKIE_LEN], address: IpAddr, now: u32) -> [u8; COOKIE_LEN] {
        let [c0, c1, c2, c3, c4, c5, c6, c7] = client;
        let [t0, t1, t2, t3] = now.to_be_bytes();
        let head = [VERSION, 0, 0, 0, t0, t1, t2, t3];
        let [h0, h1, h2, h3, h4, h5, h6, h7] = self.hash(client, head, address).to_le_bytes();
        [c0, c1, c2, c3, c4, c5, c6, c7, VERSION, 0, 0, 0, t0, t1, t2, t3, h0, h1, h2, h3, h4, h5, h6, h7]
    }

    /// Whether this secret made the cookie, for that client at that address.
    pub fn has_made(&self, cookie: &ServerCookie, client: [u8; CLIENT_COOKIE_LEN], address: IpAddr) -> bool {
        self.hash(client, cookie.head, address) == cookie.hash
    }

    /// RFC 9018 4.4: SipHash-2-4 over client cookie, version, reserved, timestamp and client address.
    #[inline]
    fn hash(&self, client: [u8; CLIENT_COOKIE_LEN], head: [u8; 8], address: IpAddr) -> u64 {
        let (client, head) = (u64::from_le_bytes(client), u64::from_le_bytes(head));
        match address {
            IpAddr::V4(v4) => {
                siphash_2_4(&self.0, [client, head], u32::from_le_bytes(v4.octets()).into(), 20)
            }
            IpAddr::V6(v6) => {
                let [low, high] = split(v6.octets());
                siphash_2_4(&self.0, [client, head, low, high], 0, 32)
            }
        }
    }
}

/// Both halves of 16 octets as SipHash reads them.
fn split(octets: [u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(octets);
    let half = |half: u128| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0);
    [half(both), half(both >> 64)]
}

/// SipHash-2-4 of `words`, of at most 7 octets `rest`, and of the `length` that all these octets have.
///
/// As Aumasson and Bernstein describe it ("SipHash: a fast short-input PRF", 2.2), for inputs of known length: a general
/// hasher spends half as much again on finding out how long its input is.
#[inline]
fn siphash_2_4<const WORDS: usize>(key: &[u8; 16], words: [u64; WORDS], rest: u64, length: u64) -> u64 {
    let [k0, k1] = split(*key);
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The last word by itself: a chain of both is a loop that is not unrolled.
    for word in words {
        state = absorb(state, word);
    }
    state = absorb(state, length << 56 | rest);
    state[2] ^= 0xff;
    let [v0, v1, v2, v3] = sip_round(sip_round(sip_round(sip_round(state))));
    v0 ^ v1 ^ v2 ^ v3
}

/// Takes a word in: the two rounds of SipHash-2-4.
#[inline]
fn absorb(mut state: [u64; 4], word: u64) -> [u64; 4] {
    state[3] ^= word;
    state = sip_round(sip_round(state));
    state[0] ^= word;
    state
}

/// SipRound, in the letters of the paper's figure.
#[inline]
fn sip_round([mut v0, mut v1, mut v2, mut v3]: [u64; 4]) -> [u64; 4] {
    v0 = v0.wrapping_add(v1);
    v2 = v2.wrapping_add(v3);
    v1 = v1.rotate_left(13) ^ v0;
    v3 = v3.rotate_left(16) ^ v2;
    v0 = v0.rotate_left(32).wrapping_add(v3);
    v2 = v2.wrapping_add(v1);
    v1 = v1.rotate_left(17) ^ v2;
    v3 = v3.rotate_left(21) ^ v0;
    v2 = v2.rotate_left(32);
    [v0, v1, v2, v3]
}

impl fmt::Debug for CookieSecret {
    /// Without the secret: it would stand in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret")
    }
}

impl FromStr for CookieSecret {
    type Err = CookieSecretError;

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<CookieSecret, CookieSecretError> {
        if text.len() != 32 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return Err(CookieSecretError);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| CookieSecretError)?;
        Ok(CookieSecret(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
        hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    /// RFC 9018 appendix A: secret, client address, time, the query's option (which the secret behind it made) and the
    /// answer's.
    const VECTORS: [(&str, &str, u32, &str, &str, &str); 4] = [
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            "198.51.100.100",
            1_559_731_985,
            "2464c4abcf10c957",
            "",
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            "198.51.100.100",
            1_559_734_385,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        ),
        (
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            "203.0.113.203",
            1_559_734_700,
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
            "e5e973e5a6b2a43f48e7dc849e37bfcf",
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
        ),
        (
            "445536bcd2513298075a5d379663c962",
            "2001:db8:220:1:59de:d0f4:8769:82b8",
            1_559_741_961,
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
            "dd3bdf9344b678b185a6f5cb60fca715",
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
        ),
    ];

    #[test]
    fn cookies_are_those_of_rfc_9018() {
        for (secret, address, now, query, made_by, answer) in VECTORS {
            let address = address.parse().unwrap();
            let query = octets(query);
            let cookie = Cookie::read(&query).unwrap();
            let secret: CookieSecret = secret.parse().unwrap();
            assert_eq!(secret.sign(cookie.client, address, now).to_vec(), octets(answer), "{address}");
            let Some(server) = ServerCookie::read(cookie.server) else {
                assert_eq!((cookie.server, made_by), (&b""[..], ""));
                continue;
            };
            let made_by: CookieSecret = made_by.parse().unwrap();
            assert!(made_by.has_made(&server, cookie.client, address), "{address}");
            assert_eq!(secret.has_made(&server, cookie.client, address), secret == made_by);
        }
    }

    #[test]
    fn options_have_8_octets_or_16_to_40() {
        let data = [0; 48];
        for length in 0..data.len() {
            let legal = length == 8 || (16..=40).contains(&length);
            assert_eq!(Cookie::read(&data[..length]).is_some(), legal, "{length}");
        }
    }

    #[test]
    fn server_cookies_of_other_makers_are_none_of_ours() {
        let ours = octets("010000005cf79f111f8130c3eee29480");
        assert_eq!(ServerCookie::read(&ours).unwrap().timestamp(), 1_559_731_985);
        for length in 0..16 {
            assert_eq!(ServerCookie::read(&ours[..length]), None);
        }
        assert_eq!(ServerCookie::read(&[&ours[..], &[0]].concat()), None);
        for version in [0, 2, 255] {
            assert_eq!(ServerCookie::read(&[&[version], &ours[1..]].concat()), None);
        }
    }

    #[test]
    fn secrets_are_32_hexadecimal_digits_and_are_not_shown() {
        let secret: CookieSecret = "E5e973e5a6b2a43f48e7dc849e37bfcf".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "CookieSecret");
        for text in [
            "",
            "e5e9",
            "+5e973e5a6b2a43f48e7dc849e37bfcf",
            "g5e973e5a6b2a43f48e7dc849e37bfcf",
            "üüüüüüüüüüüüüüüü",
        ] {
            assert_eq!(text.parse::<CookieSecret>(), Err(CookieSecretError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_hash_is_siphash_2_4(key: [u8; 16], client: [u8; 8], head: [u8; 8], address: IpAddr) {
            let address_octets = match address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            let hashed = [&client[..], &head, &address_octets].concat();
            let expected = siphasher::sip::SipHasher24::new_with_key(&key).hash(&hashed);
            prop_assert_eq!(CookieSecret::new(key).hash(client, head, address), expected);
        }
    }

    proptest! {
        #[test]
        fn a_cookie_holds_for_its_client_address_and_secret_alone(
            secret: [u8; 16], client: [u8; 8], address: IpAddr, now: u32, bit in 0_usize..16 * 8,
        ) {
            let made = CookieSecret::new(secret).sign(client, address, now);
            let cookie = Cookie::read(&made).unwrap();
            let server = ServerCookie::read(cookie.server).unwrap();
            prop_assert_eq!((cookie.client, server.timestamp()), (client, now));
            prop_assert!(CookieSecret::new(secret).has_made(&server, client, address));
            let mut other = secret;
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!CookieSecret::new(other).has_made(&server, client, address));
            let mut other = client;
            other[bit / 16] ^= 1 << (bit % 8);
            prop_assert!(!CookieSecret::new(secret).has_made(&server, other, address));
            let mut forged = made;
            forged[8 + bit / 8] ^= 1 << (bit % 8);
            let forged = Cookie::read(&forged).and_then(|cookie| ServerCookie::read(cookie.server));
            prop_assert!(!forged.is_some_and(|forged| CookieSecret::new(secret).has_made(&forged, client, address)));
        }
    }
}
