//! Signatures of messages (RFC 8945): read, verified, made.
//!
//! The first three octets of an input say what is changed in a message that was signed; the rest is the message.

use crate::world::NOW;
use rosterd::wire::{
    HEADER_LEN, Header, Mac, PseudoRecords, SignedAnswers, Signing, TsigAlgorithm, TsigKey, verify,
};
use std::sync::{Arc, LazyLock};

/// The key that is known.
#[must_use]
pub fn key() -> Arc<TsigKey> {
    static KEY: LazyLock<Arc<TsigKey>> = LazyLock::new(|| {
        let name = "transfer.key".parse().expect("a name");
        Arc::new(TsigKey::new(name, TsigAlgorithm::Sha256, b"0123456789abcdef"[..].into()))
    });
    Arc::clone(&KEY)
}

/// The message with a signature; nothing where it has one, or cannot be read.
#[must_use]
pub fn signed(message: &[u8]) -> Option<Vec<u8>> {
    if pseudo_records(message)?.tsig.is_some() {
        return None;
    }
    sign(&mut Signing::request(&key(), id(message)), message)
}

/// The signature of a message that is signed by the key: that of the same message signed again.
#[must_use]
pub fn sign_again(message: &[u8]) -> Option<Mac> {
    let tsig = pseudo_records(message)?.tsig?;
    let mut bare = message.get(..tsig.at)?.to_vec();
    let mut header = Header::read(&bare)?;
    header.id = tsig.original_id;
    header.additionals -= 1;
    bare[..HEADER_LEN].copy_from_slice(&header.to_octets());
    let mut signing = Signing::request(&key(), tsig.original_id);
    sign_at(&mut signing, &bare, tsig.time())?;
    signing.mac().copied().filter(|mac| mac.as_octets() == tsig.mac)
}

/// The records that a signature is among; nothing where they cannot be read.
fn pseudo_records(message: &[u8]) -> Option<PseudoRecords<'_>> {
    let mut records = PseudoRecords::default();
    records.read(message, &Header::read(message)?, None).ok()?;
    Some(records)
}

fn id(message: &[u8]) -> u16 {
    Header::read(message).map_or(0, |header| header.id)
}

fn sign(signing: &mut Signing, message: &[u8]) -> Option<Vec<u8>> {
    sign_at(signing, message, NOW.into())
}

fn sign_at(signing: &mut Signing, message: &[u8], now: u64) -> Option<Vec<u8>> {
    let mut out = message.to_vec();
    out.resize(message.len() + signing.room(), 0);
    let length = signing.sign(&mut out, message.len(), now, None)?;
    out.truncate(length);
    Some(out)
}

/// Checks what holds of any message.
pub fn check(input: &[u8]) {
    let [high, low, bit, message @ ..] = input else { return };
    let Some(PseudoRecords { tsig: found, .. }) = pseudo_records(message) else { return };
    if let Some(found) = found {
        // Nobody who does not have the secret makes one that is good.
        let is_good = verify(message, &found, &key(), NOW.into()).is_ok();
        assert!(!is_good || sign_again(message).is_some(), "it is good, and the key makes another");
        return;
    }
    if Header::read(message).is_none_or(|header| header.additionals == u16::MAX) {
        return;
    }
    let mut signing = Signing::request(&key(), id(message));
    let Some(request) = sign(&mut signing, message) else { return };
    let mac = *signing.mac().expect("it was signed");
    // Where octets stood behind the last record, what is read there begins with them and is another record.
    let Some(own) = pseudo_records(&request).and_then(|records| records.tsig) else { return };
    if own.at != message.len() {
        return;
    }
    assert_eq!(verify(&request, &own, &key(), NOW.into()), Ok(()));

    // One bit: seen, but for the ID, which is restored, and letters of the key's and the algorithm's names.
    let at = usize::from(u16::from_be_bytes([*high, *low])) % request.len();
    let mut changed = request.clone();
    changed[at] ^= 1 << (bit & 7);
    if let Some(changed_tsig) = pseudo_records(&changed).and_then(|records| records.tsig)
        && verify(&changed, &changed_tsig, &key(), NOW.into()).is_ok()
    {
        let is_letter = at >= own.at && bit & 7 == 5 && request[at].is_ascii_alphabetic();
        assert!(at < 2 || is_letter, "octet {at} of {} was changed", request.len());
    }

    // Three answers, each signed on from the one before: verified in this order, and in no other.
    let mut answering = Signing::answer(&key(), &own);
    let answers: Option<Vec<Vec<u8>>> = (0..3).map(|_| sign(&mut answering, message)).collect();
    let Some(answers) = answers else { return };
    let verdicts = |order: &[usize]| {
        let mut verifying = SignedAnswers::new(&key(), &mac);
        let good = order.iter().all(|&at| {
            pseudo_records(&answers[at])
                .is_some_and(|found| verifying.next(&answers[at], found.tsig.as_ref(), NOW.into()).is_ok())
        });
        good && verifying.is_whole()
    };
    assert!(verdicts(&[0, 1, 2]));
    for order in [&[1, 2][..], &[0, 2], &[0, 0], &[0, 2, 1], &[1, 0]] {
        assert!(!verdicts(order), "{order:?}");
    }
}
