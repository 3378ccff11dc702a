//! Differences that are known, each with the sentence by which we answer as we do.

use super::Answer;
use std::collections::BTreeSet;

/// The most aliases in an answer of ours.
const LINKS_MAX: usize = 8;

/// Why a server may answer otherwise here; `None` where nothing explains it.
pub(crate) fn why(peer: &str, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    let aliases =
        |answer: &Answer| answer.answers.iter().filter(|record| record.contains(" in cname ")).count();
    let nested = ours.answers.is_superset(&theirs.answers) || theirs.answers.is_superset(&ours.answers);
    if peer == "named" && theirs.code == "Server Failure" && goes_round(&ours.answers) && nested {
        return Some(
            "SERVFAIL for aliases that go round; RFC 6604 3: the response code is that of \"the last query cycle\", \
             which met no error, and NSD and Knot say so too",
        );
    }
    if aliases(ours) == LINKS_MAX && aliases(theirs) > 0 && nested {
        return Some(
            "more aliases than we follow: RFC 1034 4.3.2 sets no number, and clients go on from the last one",
        );
    }
    None
}

/// Whether an alias leads to one that stands in the answer too.
fn goes_round(answers: &BTreeSet<String>) -> bool {
    let owner = |record: &String| record.split(' ').next().unwrap_or_default().to_owned();
    let ends = |record: &String| record.split(" in cname ").nth(1).map(str::to_owned);
    let owners: BTreeSet<String> =
        answers.iter().filter(|record| record.contains(" in cname ")).map(owner).collect();
    !owners.is_empty() && answers.iter().filter_map(ends).all(|target| owners.contains(&target))
}
