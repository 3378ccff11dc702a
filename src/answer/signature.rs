//! The signature of a request, looked at, and the one of its answer (RFC 8945 5).

use super::policy::Policy;
use crate::wire::{HEADER_LEN, Header, Signing, Tsig, TsigFault, TsigKey, verify};
use std::sync::Arc;

/// A TSIG record to be.
#[derive(Debug)]
pub(super) enum Signature<'a> {
    /// An error that cannot be signed: there is no key that both know.
    Unsigned(&'a Tsig<'a>, TsigFault),
    /// Signed by the key that signed the request, at this Unix time in seconds, with what was wrong with that.
    Signed(Signing, u64, Option<TsigFault>),
}

/// What the signature of a request is worth.
#[derive(Debug)]
pub(super) struct Verified<'a> {
    /// The key that it was made with, if it is good.
    pub(super) key: Option<&'a Arc<TsigKey>>,
    /// What answers it.
    pub(super) signature: Signature<'a>,
}

/// Looks at the signature of a request at `now`, Unix time in seconds; `None` where its MAC has a length that none has.
pub(super) fn look_at<'a>(
    query: &[u8],
    tsig: &'a Tsig<'a>,
    policy: &'a Policy,
    now: u32,
) -> Option<Verified<'a>> {
    // Good until 2106, as the times of cookies are.
    let now = u64::from(now);
    let known = policy.keys.iter().find(|key| tsig.key.eq_ignore_ascii_case(key.name().as_wire()));
    let Some(key) = known else {
        return Some(Verified { key: None, signature: Signature::Unsigned(tsig, TsigFault::BadKey) });
    };
    let signed = |fault| Signature::Signed(Signing::answer(key, tsig), now, fault);
    Some(match verify(query, tsig, key, now) {
        // RFC 8945 5.2.2.1: "MUST cause the DNS message to be dropped and RCODE 1 (FORMERR) to be returned."
        Err(TsigFault::BadSignature) if !key.algorithm().may_have_mac_of(tsig.mac.len()) => return None,
        Ok(()) => Verified { key: Some(key), signature: signed(None) },
        Err(fault @ (TsigFault::BadKey | TsigFault::BadSignature)) => {
            Verified { key: None, signature: Signature::Unsigned(tsig, fault) }
        }
        Err(fault) => Verified { key: None, signature: signed(Some(fault)) },
    })
}

impl Signature<'_> {
    /// What was wrong with the request's.
    pub(super) fn fault(&self) -> Option<TsigFault> {
        match *self {
            Signature::Unsigned(_, fault) => Some(fault),
            Signature::Signed(.., fault) => fault,
        }
    }

    /// Most octets of the record.
    pub(super) fn room(&self) -> usize {
        match self {
            Signature::Unsigned(tsig, _) => tsig.unsigned_len(),
            Signature::Signed(signing, ..) => signing.room(),
        }
    }

    /// Octets of the record.
    pub(super) fn wire_len(&self) -> usize {
        match self {
            Signature::Unsigned(tsig, _) => tsig.unsigned_len(),
            Signature::Signed(signing, _, fault) => signing.len_with(*fault),
        }
    }

    /// Adds the record to the message in the first `length` octets of `out`. Returns how many it has then.
    pub(super) fn write(self, out: &mut [u8], length: usize) -> Option<usize> {
        match self {
            Signature::Unsigned(tsig, fault) => {
                let octets = tsig.write_unsigned(fault, out.get_mut(length..)?)?;
                let mut header = Header::read(out)?;
                header.additionals = header.additionals.checked_add(1)?;
                *out.first_chunk_mut::<HEADER_LEN>()? = header.to_octets();
                Some(length + octets)
            }
            Signature::Signed(mut signing, now, fault) => signing.sign(out, length, now, fault),
        }
    }
}
