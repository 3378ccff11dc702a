//! Questions about the server itself, in class CH: `id.server`, `version.server` (RFC 4892) and their older names.
//!
//! No zone is looked at. What is not set is refused, as everything else in this class.

use super::policy::Policy;
use super::reply::Reply;
use crate::wire::{Ede, QueryName, Question, Rcode, RecordType};

/// Answers a question of class CH.
///
/// AA is set, as BIND does for its built-in zones: nobody knows it better. Other types of these names are refused rather
/// than answered by nothing: there is no zone, and so no SOA for a negative answer.
#[cold]
pub(super) fn answer(question: &Question, name: &QueryName, policy: &Policy, reply: &mut Reply<'_>) -> Rcode {
    let text = match name.as_wire() {
        b"\x02id\x06server\0" | b"\x08hostname\x04bind\0" => policy.identity.as_deref(),
        b"\x07version\x06server\0" | b"\x07version\x04bind\0" => policy.version.as_deref(),
        _ => None,
    };
    if let (Some(text), RecordType::TXT | RecordType::ANY) = (text, question.record_type) {
        reply.authoritative();
        reply.put_chaos_text(text);
        return Rcode::NOERROR;
    }
    reply.explain(Ede::NotAuthoritative.into());
    Rcode::REFUSED
}
