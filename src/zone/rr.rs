//! RRs as answers carry them: whole, of class IN, their owner a pointer to the question's name.

use crate::wire::RecordType;

/// Octets of an RR before its rdata: owner pointer, type, class, TTL, rdata length.
pub(super) const HEAD: usize = 12;

/// Where the TTL stands.
const TTL_AT: usize = 6;

/// A pointer to offset 12, behind the header of a message (RFC 1035 4.1.4): to the question's name.
pub(super) const QUESTION: u16 = 0xc00c;

/// What stands before the rdata of an RR whose owner is the question's name.
pub(super) fn head(rtype: RecordType, ttl: u32, rdata_length: u16) -> [u8; HEAD] {
    head_of(QUESTION, rtype, ttl, rdata_length)
}

/// The same with another pointer as owner.
#[inline]
pub(super) fn head_of(owner: u16, rtype: RecordType, ttl: u32, rdata_length: u16) -> [u8; HEAD] {
    let [owner_high, owner_low] = owner.to_be_bytes();
    let [type_high, type_low] = rtype.0.to_be_bytes();
    let [ttl_0, ttl_1, ttl_2, ttl_3] = ttl.to_be_bytes();
    let [length_high, length_low] = rdata_length.to_be_bytes();
    [owner_high, owner_low, type_high, type_low, 0, 1, ttl_0, ttl_1, ttl_2, ttl_3, length_high, length_low]
}

/// A whole RR. Rdata that no length can tell, above 65,535 octets, makes an RR without any; none of ours comes near.
pub(super) fn render(rtype: RecordType, ttl: u32, rdata: &[u8]) -> Box<[u8]> {
    let mut octets = Vec::with_capacity(HEAD + rdata.len());
    push(rtype, ttl, rdata, &mut octets);
    octets.into()
}

/// The same behind what is there.
pub(super) fn push(rtype: RecordType, ttl: u32, rdata: &[u8], into: &mut Vec<u8>) {
    let (length, rdata) = u16::try_from(rdata.len()).map_or((0, &[][..]), |length| (length, rdata));
    into.extend_from_slice(&head(rtype, ttl, length));
    into.extend_from_slice(rdata);
}

/// TTL and rdata of each RR of a concatenation.
pub(super) fn each(octets: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (&[_, _, _, _, _, _, ref ttl @ .., high, low], behind) = rest.split_first_chunk::<HEAD>()?;
        let (rdata, next) = behind.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        rest = next;
        Some((u32::from_be_bytes(*ttl), rdata))
    })
}

/// Each RR of a concatenation.
pub(super) fn whole(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let &[.., high, low] = rest.first_chunk::<HEAD>()?;
        let (rr, next) = rest.split_at_checked(HEAD + usize::from(u16::from_be_bytes([high, low])))?;
        rest = next;
        Some(rr)
    })
}

/// Gives every RR of a concatenation this TTL.
pub(super) fn set_ttls(octets: &mut [u8], ttl: u32) {
    let mut rest = octets;
    while let Some((head, behind)) = rest.split_first_chunk_mut::<HEAD>() {
        if let Some(field) = head.get_mut(TTL_AT..TTL_AT + 4) {
            field.copy_from_slice(&ttl.to_be_bytes());
        }
        let [.., high, low] = *head;
        let Some(next) = behind.get_mut(usize::from(u16::from_be_bytes([high, low]))..) else { return };
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rrs_are_rendered_and_read_back() {
        let mut octets = render(RecordType::TXT, 5, b"\x02ab").to_vec();
        assert_eq!(octets, b"\xc0\x0c\0\x10\0\x01\0\0\0\x05\0\x03\x02ab");
        octets.extend_from_slice(&render(RecordType::A, 6, b"\x0a\0\0\x01"));
        assert_eq!(each(&octets).collect::<Vec<_>>(), [(5, &b"\x02ab"[..]), (6, b"\x0a\0\0\x01")]);
        set_ttls(&mut octets, 0x0102_0304);
        assert!(each(&octets).all(|(ttl, _)| ttl == 0x0102_0304));
        assert_eq!(whole(&octets).map(<[u8]>::len).collect::<Vec<_>>(), [15, 16]);
        assert!(octets.starts_with(whole(&octets).next().unwrap()));
        assert_eq!(each(&octets[..octets.len() - 1]).count(), 1);
    }
}
