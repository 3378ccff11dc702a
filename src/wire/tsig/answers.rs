//! Verifying the answers to a request that was signed: one message, or all those of a transfer.

use super::sign::{same, variables};
use super::{Mac, Tsig, TsigFault, TsigKey};
use crate::wire::{HEADER_LEN, Header};
use std::sync::Arc;

/// Octets of messages without a signature between two that have one. RFC 8945 5.3.1: "the TSIG MUST be included on [...] at
/// least every 100th message"; these are of 64 KiB at most.
const UNSIGNED_MAX: usize = 100 << 16;

/// Verifies messages in the order in which they come.
#[derive(Debug, Clone)]
pub struct SignedAnswers {
    key: Arc<TsigKey>,
    /// The MAC that the next one is chained to.
    prior: Vec<u8>,
    is_first: bool,
    /// What has come since the last signature.
    unsigned: Vec<u8>,
}

impl SignedAnswers {
    /// To a request with this signature.
    pub fn new(key: &Arc<TsigKey>, request: &Mac) -> SignedAnswers {
        SignedAnswers {
            key: Arc::clone(key),
            prior: request.as_octets().to_vec(),
            is_first: true,
            unsigned: Vec::new(),
        }
    }

    /// Verifies the next message, which has this TSIG record or none. What is not signed is only good once a later one is.
    pub fn next(&mut self, message: &[u8], tsig: Option<&Tsig<'_>>, now: u64) -> Result<(), TsigFault> {
        let Some(tsig) = tsig else {
            let octets = self.unsigned.len().saturating_add(message.len());
            if self.is_first || octets > UNSIGNED_MAX {
                return Err(TsigFault::BadSignature);
            }
            self.unsigned.extend_from_slice(message);
            return Ok(());
        };
        let key = &self.key;
        if !tsig.key.eq_ignore_ascii_case(key.name().as_wire())
            || !tsig.algorithm.eq_ignore_ascii_case(key.algorithm().as_wire())
        {
            return Err(TsigFault::BadKey);
        }
        let mac = self.mac(message, tsig).ok_or(TsigFault::BadSignature)?;
        if tsig.mac.len() != mac.len() || !same(&mac, tsig.mac) {
            return Err(TsigFault::BadSignature);
        }
        if tsig.time().abs_diff(now) > tsig.fudge().into() {
            return Err(TsigFault::BadTime);
        }
        self.prior = mac;
        self.is_first = false;
        self.unsigned.clear();
        Ok(())
    }

    /// Whether the last message was signed, so that nothing is left that may be forged.
    pub fn is_whole(&self) -> bool {
        !self.is_first && self.unsigned.is_empty()
    }

    /// RFC 8945 5.3.1.
    fn mac(&self, message: &[u8], tsig: &Tsig<'_>) -> Option<Vec<u8>> {
        let mut header = Header::read(message)?;
        header.id = tsig.original_id;
        header.additionals = header.additionals.checked_sub(1)?;
        let mut context = self.key.begin();
        context.update(&u16::try_from(self.prior.len()).ok()?.to_be_bytes());
        context.update(&self.prior);
        context.update(&self.unsigned);
        context.update(&header.to_octets());
        context.update(message.get(HEADER_LEN..tsig.at)?);
        if self.is_first {
            variables(&mut context, &self.key, tsig.time_and_fudge, tsig.error, tsig.other);
        } else {
            context.update(&tsig.time_and_fudge);
        }
        Some(context.sign().as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Signing, TsigAlgorithm};
    use super::*;
    use crate::wire::PseudoRecords;

    const NOW: u64 = 1_700_000_000;

    fn tsig(message: &[u8]) -> Option<Tsig<'_>> {
        let mut records = PseudoRecords::default();
        records.read(message, &Header::read(message).unwrap(), None).unwrap();
        records.tsig
    }

    fn signed(signing: &mut Signing, message: &[u8]) -> Vec<u8> {
        let (mut signed, length) = (message.to_vec(), message.len());
        signed.resize(length + signing.room(), 0);
        let length = signing.sign(&mut signed, length, NOW, None).unwrap();
        signed.truncate(length);
        signed
    }

    #[test]
    fn every_message_of_a_transfer_is_verified_in_its_place() {
        let key = |secret: &[u8]| {
            Arc::new(TsigKey::new("k".parse().unwrap(), TsigAlgorithm::Sha512, secret.into()))
        };
        let (ours, other) = (key(b"one secret"), key(b"another"));
        let message = |id: u8| [0, id, 0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut asking = Signing::request(&ours, 1);
        let request = signed(&mut asking, &message(1));
        let mac = *asking.mac().unwrap();
        let mut answering = Signing::answer(&ours, &tsig(&request).unwrap());
        let sent: Vec<Vec<u8>> = (0..4).map(|_| signed(&mut answering, &message(1))).collect();
        let take =
            |answers: &mut SignedAnswers, message: &[u8]| answers.next(message, tsig(message).as_ref(), NOW);

        let mut answers = SignedAnswers::new(&ours, &mac);
        assert!(!answers.is_whole());
        for message in &sent {
            assert_eq!(take(&mut answers, message), Ok(()));
            assert!(answers.is_whole());
        }
        // In another order, by another key, to another request, unsigned, or late.
        let mut answers = SignedAnswers::new(&ours, &mac);
        assert_eq!(take(&mut answers, &sent[1]), Err(TsigFault::BadSignature));
        assert_eq!(take(&mut SignedAnswers::new(&other, &mac), &sent[0]), Err(TsigFault::BadSignature));
        assert_eq!(answers.next(&message(1), None, NOW), Err(TsigFault::BadSignature));
        assert_eq!(answers.next(&sent[0], tsig(&sent[0]).as_ref(), NOW + 301), Err(TsigFault::BadTime));
        assert_eq!(take(&mut answers, &sent[0]), Ok(()));
        assert_eq!(take(&mut answers, &sent[2]), Err(TsigFault::BadSignature));
        // What is not signed counts once something behind it is.
        assert_eq!(answers.next(&message(1), None, NOW), Ok(()));
        assert!(!answers.is_whole());
        assert_eq!(take(&mut answers, &sent[1]), Err(TsigFault::BadSignature));
    }
}
