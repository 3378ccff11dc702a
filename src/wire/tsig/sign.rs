//! Verifying the signature of a message, and signing one.

use super::{Tsig, TsigAlgorithm, TsigKey};
use crate::wire::{Class, HEADER_LEN, Header, RecordType};
use ring::hmac;
use std::sync::Arc;

/// A whole MAC.
#[derive(Debug, Clone, Copy)]
pub struct Mac(hmac::Tag);

impl Mac {
    /// Its octets.
    pub fn as_octets(&self) -> &[u8] {
        self.0.as_ref()
    }
}

/// Why a signature is not accepted. The number is that of the TSIG error (RFC 8945 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TsigFault {
    /// It was not made with this key, or not for this message.
    #[error("the signature is not that of the message")]
    BadSignature = 16,
    /// No such key is known here, or it is for another algorithm.
    #[error("the key is not known")]
    BadKey = 17,
    /// It was made too long ago, or is of the future.
    #[error("the time of the signature is off")]
    BadTime = 18,
    /// Its MAC is shorter than this server takes.
    #[error("the signature is cut too short")]
    BadTruncation = 22,
}

impl TsigFault {
    /// Its number in a TSIG record.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Its name (RFC 8945 3).
    pub const fn as_str(self) -> &'static str {
        match self {
            TsigFault::BadSignature => "BADSIG",
            TsigFault::BadKey => "BADKEY",
            TsigFault::BadTime => "BADTIME",
            TsigFault::BadTruncation => "BADTRUNC",
        }
    }
}

/// Seconds by which clocks may differ in what is signed here (RFC 8945 10: "The RECOMMENDED value for Fudge is 300
/// seconds").
const FUDGE: u16 = 300;

/// Octets of the longest MAC.
const MAC_MAX: usize = TsigAlgorithm::Sha512.mac_len();

/// Octets of a TSIG record between owner and algorithm: type, class, TTL, rdata length.
const FIXED_LEN: usize = 10;

/// Octets of its data behind the algorithm, but for MAC and other data: time, fudge, MAC size, original ID, error, other
/// length.
const TAIL_LEN: usize = 6 + 2 + 2 + 2 + 2 + 2;

/// Octets of the time that a BADTIME error tells (RFC 8945 5.2.3).
const OTHER_LEN: usize = 6;

/// Verifies the signature of a message from a client, with the key that it names. `now` is Unix time in seconds.
///
/// Work: one MAC over the message.
pub fn verify(message: &[u8], tsig: &Tsig<'_>, key: &TsigKey, now: u64) -> Result<(), TsigFault> {
    if !tsig.key.eq_ignore_ascii_case(key.name().as_wire())
        || !tsig.algorithm.eq_ignore_ascii_case(key.algorithm().as_wire())
    {
        return Err(TsigFault::BadKey);
    }
    let tag = mac_of(message, tsig, key).ok_or(TsigFault::BadSignature)?;
    let whole = tag.as_ref();
    let is_cut = tsig.mac.len() < whole.len();
    if !key.algorithm().may_have_mac_of(tsig.mac.len()) || !same(whole, tsig.mac) {
        return Err(TsigFault::BadSignature);
    }
    // RFC 8945 5.2.3, and in this order: what is forged is told nothing of clocks.
    if tsig.time().abs_diff(now) > tsig.fudge().into() {
        return Err(TsigFault::BadTime);
    }
    // RFC 8945 5.2.4: a server may want more of a MAC than the least; this one wants all of it.
    if is_cut { Err(TsigFault::BadTruncation) } else { Ok(()) }
}

/// The MAC that a signed message must have (RFC 8945 4.3.3): over the message as it was before it was signed, and the
/// variables of its TSIG record.
fn mac_of(message: &[u8], tsig: &Tsig<'_>, key: &TsigKey) -> Option<hmac::Tag> {
    let mut header = Header::read(message)?;
    header.id = tsig.original_id;
    header.additionals = header.additionals.checked_sub(1)?;
    let mut context = key.begin();
    context.update(&header.to_octets());
    context.update(message.get(HEADER_LEN..tsig.at)?);
    variables(&mut context, key, tsig.time_and_fudge, tsig.error, tsig.other);
    Some(context.sign())
}

/// Whether a MAC begins with these octets, in the same time wherever they differ.
pub(super) fn same(whole: &[u8], cut: &[u8]) -> bool {
    whole.iter().zip(cut).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
}

/// The variables of a TSIG record that its MAC is over (RFC 8945 4.3.3), names in canonical form.
pub(super) fn variables(
    context: &mut hmac::Context,
    key: &TsigKey,
    time_and_fudge: [u8; 8],
    error: u16,
    other: &[u8],
) {
    let [other_high, other_low] = u16::try_from(other.len()).unwrap_or(u16::MAX).to_be_bytes();
    context.update(key.name().as_wire());
    context.update(&Class::ANY.0.to_be_bytes());
    context.update(&[0; 4]);
    context.update(key.algorithm().as_wire());
    context.update(&time_and_fudge);
    context.update(&error.to_be_bytes());
    context.update(&[other_high, other_low]);
    context.update(other);
}

/// Signs messages that belong together: a request, an answer, or all messages of a transfer.
#[derive(Debug, Clone)]
pub struct Signing {
    key: Arc<TsigKey>,
    /// The ID of the request.
    original_id: u16,
    /// When the request was signed.
    asked: u64,
    /// What the next MAC is chained to: the request's, then each message's own.
    prior: Prior,
}

#[derive(Debug, Clone)]
enum Prior {
    /// This is a request.
    Nothing,
    /// So many of these octets.
    Request([u8; MAC_MAX], usize),
    Message(Mac),
}

impl Signing {
    /// For a request of this ID.
    pub fn request(key: &Arc<TsigKey>, id: u16) -> Signing {
        Signing { key: Arc::clone(key), original_id: id, asked: 0, prior: Prior::Nothing }
    }

    /// For what answers the request that had this record.
    pub fn answer(key: &Arc<TsigKey>, tsig: &Tsig<'_>) -> Signing {
        let mut octets = [0; MAC_MAX];
        let length = tsig.mac.len().min(MAC_MAX);
        octets.iter_mut().zip(tsig.mac).for_each(|(place, octet)| *place = *octet);
        let prior = Prior::Request(octets, length);
        Signing { key: Arc::clone(key), original_id: tsig.original_id, asked: tsig.time(), prior }
    }

    /// The signature of the last message that was signed.
    pub fn mac(&self) -> Option<&Mac> {
        match &self.prior {
            Prior::Message(mac) => Some(mac),
            Prior::Nothing | Prior::Request(..) => None,
        }
    }

    /// Most octets that signing adds to a message.
    pub fn room(&self) -> usize {
        room(&self.key)
    }

    /// Octets that signing adds to a message with this `error`.
    pub fn len_with(&self, error: Option<TsigFault>) -> usize {
        // RFC 8945 5.2.3: the time of ours is told with this error only.
        self.room().saturating_sub(if error == Some(TsigFault::BadTime) { 0 } else { OTHER_LEN })
    }

    /// Adds a TSIG record behind the first `length` octets of `message`, whose header it changes. Returns how many octets
    /// the message has then; nothing if there is no room, or no header. `now` is Unix time in seconds; with an `error`, the
    /// client learns it (RFC 8945 5.2.3).
    pub fn sign(
        &mut self,
        message: &mut [u8],
        length: usize,
        now: u64,
        error: Option<TsigFault>,
    ) -> Option<usize> {
        let key = &*self.key;
        let [_, _, here @ ..] = now.to_be_bytes();
        // RFC 8945 5.2.3: then the time is the client's own, and ours stands in the other data.
        let (time, other): (_, &[u8]) =
            if error == Some(TsigFault::BadTime) { (self.asked, &here) } else { (now, &[]) };
        let error = error.map_or(0, TsigFault::code);
        let [_, _, t0, t1, t2, t3, t4, t5] = time.to_be_bytes();
        let [f0, f1] = FUDGE.to_be_bytes();
        let time_and_fudge = [t0, t1, t2, t3, t4, t5, f0, f1];
        let mut context = key.begin();
        let prior = match &self.prior {
            Prior::Nothing => &[],
            Prior::Request(mac, length) => mac.get(..*length)?,
            Prior::Message(mac) => mac.as_octets(),
        };
        if !prior.is_empty() {
            context.update(&u16::try_from(prior.len()).ok()?.to_be_bytes());
            context.update(prior);
        }
        let mut header = Header::read(message.get(..length)?)?;
        // The message as it is before it is signed, with the ID that the client had first.
        let sent_id = std::mem::replace(&mut header.id, self.original_id);
        context.update(&header.to_octets());
        context.update(message.get(HEADER_LEN..length)?);
        if let Prior::Message(_) = self.prior {
            // RFC 8945 5.3.1: messages behind the first are over the timers alone.
            context.update(&time_and_fudge);
        } else {
            variables(&mut context, key, time_and_fudge, error, other);
        }
        let mac = Mac(context.sign());
        let octets = write(
            message.get_mut(length..)?,
            key,
            time_and_fudge,
            mac.as_octets(),
            self.original_id,
            error,
            other,
        )?;
        header.id = sent_id;
        header.additionals = header.additionals.checked_add(1)?;
        *message.first_chunk_mut::<HEADER_LEN>()? = header.to_octets();
        self.prior = Prior::Message(mac);
        length.checked_add(octets)
    }
}

/// Most octets of a TSIG record with this key.
fn room(key: &TsigKey) -> usize {
    let names = key.name().as_wire().len().saturating_add(key.algorithm().as_wire().len());
    names.saturating_add(key.algorithm().mac_len()).saturating_add(FIXED_LEN + TAIL_LEN + OTHER_LEN)
}

fn write(
    out: &mut [u8],
    key: &TsigKey,
    time_and_fudge: [u8; 8],
    mac: &[u8],
    original_id: u16,
    error: u16,
    other: &[u8],
) -> Option<usize> {
    let algorithm = key.algorithm().as_wire();
    let rdata = algorithm.len().checked_add(TAIL_LEN)?.checked_add(mac.len())?.checked_add(other.len())?;
    let [t0, t1] = RecordType::TSIG.0.to_be_bytes();
    let [c0, c1] = Class::ANY.0.to_be_bytes();
    let [r0, r1] = u16::try_from(rdata).ok()?.to_be_bytes();
    let [m0, m1] = u16::try_from(mac.len()).ok()?.to_be_bytes();
    let [i0, i1] = original_id.to_be_bytes();
    let [e0, e1] = error.to_be_bytes();
    let [o0, o1] = u16::try_from(other.len()).ok()?.to_be_bytes();
    let mut rest = out;
    let room = rest.len();
    for part in [
        key.name().as_wire(),
        &[t0, t1, c0, c1, 0, 0, 0, 0, r0, r1],
        algorithm,
        &time_and_fudge,
        &[m0, m1],
        mac,
        &[i0, i1, e0, e1, o0, o1],
        other,
    ] {
        let (place, behind) = rest.split_at_mut_checked(part.len())?;
        place.copy_from_slice(part);
        rest = behind;
    }
    room.checked_sub(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::PseudoRecords;
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000;

    fn key(algorithm: TsigAlgorithm) -> Arc<TsigKey> {
        Arc::new(TsigKey::new(
            "Key.Example".parse().unwrap(),
            algorithm,
            b"a secret of some octets"[..].into(),
        ))
    }

    fn tsig(message: &[u8]) -> Tsig<'_> {
        let mut records = PseudoRecords::default();
        records.read(message, &Header::read(message).unwrap(), None).unwrap();
        records.tsig.unwrap()
    }

    /// A SOA question for `a.`.
    fn question() -> Vec<u8> {
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x06\0\x01".to_vec()
    }

    fn signed(key: &Arc<TsigKey>, now: u64) -> Vec<u8> {
        let mut message = question();
        let length = message.len();
        let mut signing = Signing::request(key, 0x1234);
        message.resize(length + signing.room(), 0);
        let length = signing.sign(&mut message, length, now, None).unwrap();
        message.truncate(length);
        message
    }

    #[test]
    fn what_is_signed_is_verified_by_the_same_key_at_the_same_time() {
        for algorithm in TsigAlgorithm::ALL {
            let key = key(algorithm);
            let message = signed(&key, NOW);
            let tsig = tsig(&message);
            assert_eq!((tsig.time(), tsig.fudge(), tsig.original_id), (NOW, 300, 0x1234));
            for (now, fault) in [
                (NOW, None),
                (NOW + 300, None),
                (NOW - 300, None),
                (NOW + 301, Some(TsigFault::BadTime)),
                (NOW - 301, Some(TsigFault::BadTime)),
            ] {
                assert_eq!(verify(&message, &tsig, &key, now).err(), fault, "{now}");
            }
            let other = TsigKey { secret: b"another"[..].into(), ..(*key).clone() };
            assert_eq!(verify(&message, &tsig, &other, NOW), Err(TsigFault::BadSignature));
            let other = TsigKey { name: "other".parse().unwrap(), ..(*key).clone() };
            assert_eq!(verify(&message, &tsig, &other, NOW), Err(TsigFault::BadKey));
        }
    }

    #[test]
    fn forwarders_may_change_the_id() {
        let key = key(TsigAlgorithm::Sha256);
        let mut message = signed(&key, NOW);
        message[0] ^= 0xff;
        assert_eq!(verify(&message, &tsig(&message), &key, NOW), Ok(()));
    }

    #[test]
    fn a_cut_mac_is_told_from_a_wrong_one() {
        let key = key(TsigAlgorithm::Sha256);
        let message = signed(&key, NOW);
        let whole = tsig(&message);
        for (length, fault) in [
            (32, None),
            (31, Some(TsigFault::BadTruncation)),
            (16, Some(TsigFault::BadTruncation)),
            (15, Some(TsigFault::BadSignature)),
            (0, Some(TsigFault::BadSignature)),
        ] {
            let cut = Tsig { mac: &whole.mac[..length], ..whole };
            assert_eq!(verify(&message, &cut, &key, NOW).err(), fault, "{length}");
        }
    }

    #[test]
    fn no_room_is_no_signature() {
        let key = key(TsigAlgorithm::Sha512);
        let mut message = question();
        let length = message.len();
        let mut signing = Signing::request(&key, 1);
        message.resize(length + signing.room() - OTHER_LEN - 1, 0);
        assert_eq!(signing.sign(&mut message, length, NOW, None), None);
        assert_eq!(signing.sign(&mut [0; 4], 4, NOW, None), None);
    }

    proptest! {
        #[test]
        fn any_changed_octet_is_seen(at in 2_usize..500, bit in 0_u8..8) {
            let key = key(TsigAlgorithm::Sha384);
            let mut message = signed(&key, NOW);
            let at = 2 + at % (message.len() - 2);
            message[at] ^= 1 << bit;
            let mut records = PseudoRecords::default();
            let header = Header::read(&message).unwrap();
            if records.read(&message, &header, None).is_ok() && let Some(tsig) = records.tsig {
                // Letters of the two names, and the class of owners, are folded; nothing else may pass.
                if verify(&message, &tsig, &key, NOW).is_ok() {
                    prop_assert_eq!(bit, 5);
                    prop_assert!(message[at].is_ascii_alphabetic());
                }
            }
        }
    }
}
