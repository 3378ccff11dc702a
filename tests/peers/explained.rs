//! Differences that are known, each with the sentence by which we answer as we do.

use super::message::{ANY, Answer, CNAME, HTTPS, NS, Question, Record, SOA, SVCB, Way, YXDOMAIN};
use std::collections::BTreeSet;

/// A question and two answers.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) peer: &'static str,
    pub(crate) question: &'a Question,
    pub(crate) ours: &'a Answer,
    pub(crate) theirs: &'a Answer,
    /// Octets of both answers by TCP, where one of the two is truncated.
    pub(crate) whole: Option<(usize, usize)>,
    /// The apexes of all zones, absolute.
    pub(crate) zones: &'a BTreeSet<String>,
}

/// The most aliases in an answer of ours.
const LINKS_MAX: usize = 8;

/// The most octets of an answer by UDP, as all of these servers are set.
const UDP_MAX: u16 = 1232;

/// How many names are looked up for the additional section of an answer of ours.
const LOOKED_UP_MAX: usize = 13;

/// Of a server that follows no alias into another zone.
const CROSSES: &str = "goes on in another zone of the server; RFC 1034 4.3.2: \"change QNAME to the canonical name in the \
                       CNAME RR, and go back to step 1\", which is to \"search the available zones\"";
const ROUND: &str = "SERVFAIL for aliases that go round or grow; RFC 6604 3: the response code is that of the last query \
                     cycle, which met no error, and NSD and Knot say so too";
const LONG: &str =
    "another number of aliases is followed: RFC 1034 4.3.2 sets none, and clients go on from the last one";
const SIZES: &str = "one of the two is too large for the message, as names are compressed otherwise (RFC 1035 4.1.4 makes \
                     it a choice), and RFC 9471 3.1 wants TC where glue is missing";
const CUT: &str = "both are truncated, with another code; RFC 2181 9: a client should ignore such a response";
const ANY_SUBSET: &str =
    "ANY; RFC 8482 4.1: a server may answer with a single RRset, or a larger subset of those it has";
const SOA_TTL: &str = "the SOA has TTL 0 where SOA was asked for; RFC 2308 3: its TTL is the minimum of the MINIMUM field \
                       and the TTL of the SOA itself";
const ADDED: &str = "other additional records; RFC 1034 4.3.2: \"attempt to add other RRs which may be useful to the \
                     additional section\", RFC 2181 9: what does not fit there is left out without TC";
const GLUE: &str = "addresses of name servers outside of the delegated zone; RFC 9471 3.2: those of \
                    sibling domains are no part that must be there";
const LETTERS: &str = "other letters; RFC 1034 3.1: \"When you receive a domain name or label, you should preserve its \
                       case\", and owners repeat the question's";
const DS_OF_ORPHAN: &str = "a referral for DS at an apex whose parent zone is not here; RFC 4035 3.1.4.1: authoritative \
                            for the child and not for the parent, a server must return an authoritative no data";
const HIDDEN_CHILD: &str = "NXDOMAIN for DS at the apex of a zone that the parent does not delegate; RFC 8020 2: it would \
                            deny all names of a zone that is here";
const WILD_NS: &str = "NS at a wildcard, taken as a delegation of what it matches; RFC 4592 4.2 leaves that undefined, \
                       4.3.2 of RFC 1034 synthesises data of it as of any type";
const WILD_TARGET: &str = "addresses that a wildcard gives to a target stand under another name; RFC 1034 4.3.2: \"set the \
                           owner of the RR to be QNAME, and not the node with the \"*\" label\"";
const TOO_LONG: &str = "NXDOMAIN for a redirected name of more than 255 octets; RFC 6672 2.2: \"the server returns an RCODE \
                        of YXDOMAIN\", and NSD and BIND do";
const WILD_DNAME: &str = "DNAME at a wildcard that is matched; RFC 4592 4.4 calls that non-deterministic, and RFC 6672 \
                          3.3 discourages it";

/// Why a server answers otherwise, empty where it does not; `None` where something is not explained.
pub(crate) fn why(case: &Case<'_>) -> Option<BTreeSet<&'static str>> {
    let Case { question, ours, theirs, .. } = case;
    // What explains the whole of an answer.
    if let Some(reason) = whole(case) {
        return Some(BTreeSet::from([reason]));
    }
    if ours.truncated && theirs.truncated {
        // What else they hold is not for use.
        let same = ours.code == theirs.code && ours.authoritative == theirs.authoritative;
        return Some(if same { BTreeSet::new() } else { BTreeSet::from([CUT]) });
    }
    let mut reasons = BTreeSet::new();
    if (ours.code, ours.authoritative, ours.truncated)
        != (theirs.code, theirs.authoritative, theirs.truncated)
        || ours.answers != theirs.answers
    {
        return None;
    }
    if authorities(ours, theirs) != ours.authorities {
        let timeless = |records: &BTreeSet<Record>| -> BTreeSet<Record> {
            records.iter().map(|record| Record { ttl: 0, ..record.clone() }).collect()
        };
        let only_ttl = timeless(&ours.authorities) == timeless(&theirs.authorities);
        if !(case.peer == "named" && question.qtype == SOA && only_ttl) {
            return None;
        }
        reasons.insert(SOA_TTL);
    }
    reasons.extend(additionals(case)?);
    if ours.letters != theirs.letters {
        // BIND keeps the letters of data; of owners it shows those of the file or of the question.
        let data = |answer: &Answer| -> BTreeSet<String> {
            answer.letters.iter().map(|record| record.data.clone()).collect()
        };
        if case.peer == "named" && data(ours) != data(theirs) {
            return None;
        }
        reasons.insert(LETTERS);
    }
    Some(reasons)
}

/// What explains all of a difference at once.
fn whole(case: &Case<'_>) -> Option<&'static str> {
    let &Case { peer, question, ours, theirs, .. } = case;
    let aliases = |answer: &Answer| answer.answers.iter().filter(|record| record.rtype == CNAME).count();
    let nested = ours.answers.is_superset(&theirs.answers) || theirs.answers.is_superset(&ours.answers);
    let differs =
        (ours.code, &ours.answers) != (theirs.code, &theirs.answers) || ours.truncated != theirs.truncated;
    if !differs && ours.authorities == authorities(ours, theirs) {
        return None;
    }
    let long = aliases(ours) >= LINKS_MAX;
    if peer == "named" && theirs.code == 2 && nested && (long || ours.truncated || goes_round(&ours.answers))
    {
        return Some(ROUND);
    }
    let cut = case.whole.map(|(own, its)| if ours.truncated { own } else { its });
    if cut.is_some_and(|length| length > limit(question.way)) {
        return Some(SIZES);
    }
    if peer == "knotd"
        && question.name.ends_with(".w.wilddname.test.")
        && (ours.code == theirs.code || question.qtype == ANY)
    {
        return Some(WILD_DNAME);
    }
    if question.qtype == ANY && !ours.answers.is_empty() && !theirs.answers.is_empty() {
        let one = |answer: &Answer| {
            answer
                .answers
                .iter()
                .all(|record| Some(record.rtype) == answer.answers.first().map(|first| first.rtype))
        };
        return (nested || one(ours) && one(theirs)).then_some(ANY_SUBSET);
    }
    if peer != "nsd" && nested && stops_at_another_zone(case) {
        return Some(CROSSES);
    }
    if long && aliases(theirs) > 0 && nested {
        return Some(LONG);
    }
    let name = &*question.name;
    let is_ds = question.qtype == 43;
    if is_ds
        && name == "grand.lost.parent.test."
        && ours.authoritative
        && theirs.cut() == Some("lost.parent.test.")
    {
        return Some(DS_OF_ORPHAN);
    }
    if is_ds && name == "undelegated.parent.test." && ours.code == 0 && theirs.code == 3 {
        return Some(HIDDEN_CHILD);
    }
    if peer == "knotd" && theirs.cut().is_some_and(|cut| cut.ends_with(".w.wildns.test.")) {
        return Some(WILD_NS);
    }
    if peer == "knotd" && ours.code == YXDOMAIN && theirs.code == 3 && ours.answers == theirs.answers {
        return Some(TOO_LONG);
    }
    None
}

/// The authority section of the other answer, as far as it is compared: NSD adds the NS records of the zone to answers
/// that need none (RFC 1034 6.2.1 shows them, nothing demands them).
fn authorities(ours: &Answer, theirs: &Answer) -> BTreeSet<Record> {
    let extra = theirs.authoritative
        && !theirs.answers.is_empty()
        && ours.authorities.is_empty()
        && theirs.authorities.iter().all(|record| record.rtype == NS);
    if extra { BTreeSet::new() } else { theirs.authorities.clone() }
}

/// Why the additional sections differ: that of a referral in what it must hold, others in what may be added.
fn additionals(case: &Case<'_>) -> Option<BTreeSet<&'static str>> {
    let &Case { ours, theirs, question, .. } = case;
    if ours.additionals == theirs.additionals {
        return Some(BTreeSet::new());
    }
    if let Some(cut) = ours.cut() {
        let glue = |answer: &Answer| -> BTreeSet<Record> {
            answer.additionals.iter().filter(|record| record.is_below(cut)).cloned().collect()
        };
        return (glue(ours) == glue(theirs)).then(|| BTreeSet::from([GLUE]));
    }
    let servers: BTreeSet<&str> = theirs
        .authorities
        .iter()
        .filter(|record| record.rtype == NS)
        .map(|record| record.data.trim_start())
        .collect();
    let of_wildcard = |record: &Record| {
        let shown = |own: &Record| (own.rtype, &own.data) == (record.rtype, &record.data);
        case.peer != "named" && !pointed_at(ours, record) && ours.additionals.iter().any(shown)
    };
    let mut reasons = BTreeSet::new();
    let mut more =
        theirs.additionals.difference(&ours.additionals).filter(|record| !servers.contains(&*record.owner));
    let many = ours.answers.len() > LOOKED_UP_MAX;
    let full = ours.length > limit(question.way) / 2;
    // The addresses of a child zone that is here too, and not its parent's copies of them.
    let of_child = |record: &Record| {
        ours.additionals.iter().any(|own| (&own.owner, own.rtype) == (&record.owner, record.rtype))
            && record.is_below("child.parent.test.")
    };
    let explained = question.qtype == ANY
        || more.all(|record| {
            if of_wildcard(record) {
                reasons.insert(WILD_TARGET);
                return true;
            }
            // What NAPTR points at; aliases that a target is, and what they lead to.
            question.qtype == 35
                || of_child(record)
                || many
                || full
                || record.rtype == CNAME
                || matches!(question.qtype, SVCB | HTTPS) && !pointed_at(ours, record)
        });
    if reasons.is_empty() {
        reasons.insert(ADDED);
    }
    explained.then_some(reasons)
}

/// Octets of the largest answer.
fn limit(way: Way) -> usize {
    match way {
        Way::Plain => 512,
        Way::Udp(size) => usize::from(size.min(UDP_MAX)),
        Way::Tcp => 65_535,
    }
}

/// Whether an RR of the answer points at the owner of an additional one.
fn pointed_at(ours: &Answer, record: &Record) -> bool {
    if ours.answers.iter().any(|answer| answer.data.rsplit(' ').next() == Some(&record.owner)) {
        return true;
    }
    let labels = record.owner.trim_end_matches('.').split('.');
    let wire: String = labels
        .map(|label| {
            label.bytes().fold(format!("{:02x}", label.len()), |text, octet| format!("{text}{octet:02x}"))
        })
        .collect();
    ours.answers
        .iter()
        .any(|answer| answer.data.get(4..).is_some_and(|data| data.starts_with(&format!("{wire}00"))))
}

/// Whether the aliases of the other answer end at a name of another zone than the question's.
fn stops_at_another_zone(case: &Case<'_>) -> bool {
    let zone_of = |name: &str| {
        let mut zones = case.zones.iter().filter(|zone| name == *zone || name.ends_with(&format!(".{zone}")));
        let first = zones.next()?;
        Some(zones.fold(first, |longest, zone| if zone.len() > longest.len() { zone } else { longest }))
    };
    let mut name = case.question.name.to_ascii_lowercase();
    let own = zone_of(&name);
    for _ in 0..=case.theirs.answers.len() {
        let mut links =
            case.theirs.answers.iter().filter(|record| record.rtype == CNAME && record.owner == name);
        let Some(link) = links.next() else { break };
        name = link.data.trim_start().to_owned();
    }
    let end = zone_of(&name);
    end.is_some() && end != own
}

/// Whether an alias leads to one that stands in the answer too.
fn goes_round(answers: &BTreeSet<Record>) -> bool {
    let aliases = || answers.iter().filter(|record| record.rtype == CNAME);
    let owners: BTreeSet<&str> = aliases().map(|record| &*record.owner).collect();
    !owners.is_empty() && aliases().all(|record| owners.contains(record.data.trim_start()))
}
