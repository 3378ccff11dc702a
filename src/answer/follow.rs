//! From a question's name to what answers it, through aliases and redirections (RFC 1034 4.3.2, RFC 6672 3.2).

use super::records::{self, Addresses};
use super::reply::{Place, Reply};
use crate::wire::{Ede, QueryName, Rcode, RecordType};
use crate::zone::{Found, Redirection, Referral, Rrset, Snapshot, ZoneRef};

/// Most aliases that are followed in one answer; the client goes on with the last name by itself. As many as CoreDNS
/// follows.
const LINKS_MAX: usize = 8;

/// What is asked, apart from its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) qtype: RecordType,
    pub(super) rotation: u32,
}

/// Writes the sections that answer for `name`, which falls into `zone`, and returns the response code. `other` is room
/// for the names that follow from it.
#[inline]
pub(super) fn follow<'a>(
    asked: Asked<'a>,
    zone: &ZoneRef<'a>,
    name: &QueryName,
    other: &mut QueryName,
    reply: &mut Reply<'_>,
) -> Rcode {
    let found = zone.find(name, asked.qtype);
    if !matches!(found, Found::Referral(_) | Found::NotReady | Found::Broken) {
        // RFC 1035 4.1.1: AA "corresponds to the name which matches the query name, or the first owner name in the
        // answer section", wherever the chain leads.
        reply.authoritative();
    }
    match conclude(asked, zone, found, Place::QUESTION, other, reply) {
        Ok(rcode) => rcode,
        Err(onward) => chain(asked, onward, other, reply),
    }
}

/// What stands at a name and does not answer for it.
#[derive(Debug)]
enum Onward<'a> {
    Alias(Rrset<'a>),
    Redirection(Redirection<'a>),
}

/// Writes what was found in `zone` for the name at `place`, and returns the response code; or where the answer goes on.
#[inline]
fn conclude<'a>(
    asked: Asked<'a>,
    zone: &ZoneRef<'a>,
    found: Found<'a>,
    place: Place,
    other: &mut QueryName,
    reply: &mut Reply<'_>,
) -> Result<Rcode, Onward<'a>> {
    match found {
        Found::Node(node) => {
            if node.is_stale() {
                reply.explain(Ede::StaleAnswer.into());
            }
            let mut addresses = Addresses { snapshot: asked.snapshot, name: other };
            if records::put(reply, &node, asked.qtype, asked.rotation, place, &mut addresses) {
                return Ok(Rcode::NOERROR);
            }
            // A CNAME that is asked for was put above.
            if let Some(alias) = node.alias() {
                return Err(Onward::Alias(alias));
            }
            reply.put_soa(zone, place);
            Ok(Rcode::NOERROR)
        }
        Found::NxDomain { stale } => {
            if stale {
                reply.explain(Ede::StaleNxdomainAnswer.into());
            }
            reply.put_soa(zone, place);
            // RFC 6604 3: the response code is that of the last name in the chain.
            Ok(Rcode::NXDOMAIN)
        }
        Found::Redirection(redirection) => Err(Onward::Redirection(redirection)),
        Found::Referral(referral) => {
            refer(&referral, place, asked.snapshot, other, reply);
            Ok(Rcode::NOERROR)
        }
        // What the chain leads to may exist: no part of an answer is better than one that denies it.
        Found::NotReady => {
            reply.forget();
            reply.explain(Ede::NotReady.into());
            Ok(Rcode::SERVFAIL)
        }
        Found::Broken => {
            reply.forget();
            reply.explain(Ede::InvalidData.into());
            Ok(Rcode::SERVFAIL)
        }
    }
}

/// Goes on from the question's name through aliases. Apart from the rest, because names of peers have none.
#[inline(never)]
fn chain<'a>(asked: Asked<'a>, first: Onward<'a>, other: &mut QueryName, reply: &mut Reply<'_>) -> Rcode {
    let mut links = Links::default();
    let mut onward = first;
    loop {
        let place = links.last();
        let next = match onward {
            _ if links.count == LINKS_MAX => None,
            Onward::Alias(alias) => reply.put_link(&alias, place),
            Onward::Redirection(redirection) => match redirect(&redirection, place, &mut links, reply) {
                // A CNAME was asked for, and this is it: RFC 1034 4.3.2 goes on only where "QTYPE doesn't match CNAME".
                Redirected::To(_) if matches!(asked.qtype, RecordType::CNAME | RecordType::ANY) => None,
                Redirected::To(place) => Some(place),
                Redirected::TooLong => return Rcode::YXDOMAIN,
                Redirected::Cut => None,
            },
        };
        // What stands there is true; the client goes on where the chain leaves us, goes round or grows too long.
        let Some(next) = next.filter(|next| links.push(*next, reply)) else { return Rcode::NOERROR };
        if !reply.may_show(next) || other.read(reply.written(), next.offset()).is_err() {
            return Rcode::NOERROR;
        }
        let Some(zone) = asked.snapshot.zone_of(other, asked.qtype) else { return Rcode::NOERROR };
        let found = zone.find(other, asked.qtype);
        match conclude(asked, &zone, found, next, other, reply) {
            Ok(rcode) => return rcode,
            Err(further) => onward = further,
        }
    }
}

/// Where the names of a chain stand in the message, the question's first.
#[derive(Debug)]
struct Links {
    places: [Place; LINKS_MAX + 1],
    /// Aliases so far.
    count: usize,
    /// Of each DNAME in the answer, where its owner and its target stand.
    redirections: [(Place, Place); LINKS_MAX],
    redirected: usize,
}

impl Default for Links {
    fn default() -> Links {
        Links {
            places: [Place::QUESTION; LINKS_MAX + 1],
            count: 0,
            redirections: [(Place::QUESTION, Place::QUESTION); LINKS_MAX],
            redirected: 0,
        }
    }
}

impl Links {
    fn last(&self) -> Place {
        self.places.get(self.count).copied().unwrap_or(Place::QUESTION)
    }

    /// Adds a name; false if it was met before, or there are as many as may be.
    fn push(&mut self, place: Place, reply: &Reply<'_>) -> bool {
        let met = self.places.iter().take(self.count + 1).any(|earlier| reply.is_same_name(*earlier, place));
        let slot = self.places.get_mut(self.count + 1).filter(|_| !met);
        if let Some(slot) = slot {
            *slot = place;
            self.count += 1;
            return true;
        }
        false
    }
}

/// What a DNAME makes of a name.
enum Redirected {
    To(Place),
    TooLong,
    /// The answer has no room for it.
    Cut,
}

/// RFC 6672 3.1: the DNAME, and a CNAME from the name to what the DNAME makes of it, with the TTL of the DNAME.
fn redirect(
    redirection: &Redirection<'_>,
    place: Place,
    links: &mut Links,
    reply: &mut Reply<'_>,
) -> Redirected {
    let owner = place.within(redirection.owner_offset());
    // RFC 2181 5: no RR stands in an answer twice.
    let mut earlier = links.redirections.iter().take(links.redirected);
    let target = if let Some((_, target)) = earlier.find(|(earlier, _)| reply.is_same_name(*earlier, owner)) {
        *target
    } else {
        let Some(target) = redirection.dname().and_then(|dname| reply.put_link(&dname, owner)) else {
            return Redirected::Cut;
        };
        if let Some(slot) = links.redirections.get_mut(links.redirected) {
            *slot = (owner, target);
            links.redirected += 1;
        }
        target
    };
    match reply.put_alias(place, redirection.owner_offset(), target) {
        Ok(Some(next)) => Redirected::To(next),
        Ok(None) => Redirected::Cut,
        // RFC 6672 2.2: where a name would be over 255 octets, "the server returns an RCODE of YXDOMAIN".
        Err(_) => Redirected::TooLong,
    }
}

/// A delegation: its NS RRset in the authority section, the addresses of these in the additional section.
fn refer(
    referral: &Referral<'_>,
    place: Place,
    snapshot: &Snapshot,
    target: &mut QueryName,
    reply: &mut Reply<'_>,
) {
    let Some(nameservers) = referral.nameservers() else { return };
    let first = reply.written_len();
    if !reply.put_authority(&nameservers, place.within(referral.owner_offset())) {
        return;
    }
    // RFC 9471 3.1: all glue of name servers inside of what is delegated belongs into the answer, which has TC
    // otherwise; other addresses may be left out.
    for in_domain in [true, false] {
        let mut at = first;
        for _ in 0..nameservers.len() {
            let Some((rdata, end)) = reply.rdata_at(at) else { break };
            at = end;
            if target.read(reply.written(), rdata).is_err()
                || referral.is_in_domain(target) != in_domain
                || !reply.may_show(Place::at(rdata))
            {
                continue;
            }
            let Some(node) = snapshot.addresses_of(target, true) else { continue };
            let each = [RecordType::A, RecordType::AAAA].map(|rtype| node.rrset(rtype));
            for addresses in each.iter().flatten() {
                let fits = reply.put_additional(addresses, Place::at(rdata));
                if !fits && in_domain {
                    reply.truncated();
                }
                if !fits {
                    return;
                }
            }
        }
    }
}

/// The one RR of an alias and what it leads to.
impl Reply<'_> {
    /// Adds a CNAME or DNAME RR, and returns where the name stands that it points at; `None` where it has no room.
    fn put_link(&mut self, rrset: &Rrset<'_>, owner: Place) -> Option<Place> {
        let at = self.written_len();
        self.make_room(rrset.wire_len());
        if !self.put_answer(rrset, 1, 0, owner) {
            return None;
        }
        Some(Place::at(self.rdata_at(at)?.0))
    }
}
