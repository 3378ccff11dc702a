//! Looks at a roster with more sets than one look takes.

use super::build::{key, slice};
use super::served::serve;
use crate::roster::{Roster, SetKey, SetView, SetsPage, SetsPass, Totals, TotalsPass, Wanted};

pub(super) fn totals(roster: &Roster) -> Totals {
    let mut pass = TotalsPass::default();
    std::iter::repeat_with(|| pass.go_on(roster)).flatten().next().expect("an end")
}

fn page(roster: &Roster, namespace: Option<&str>, after: Option<SetKey>, limit: usize) -> SetsPage {
    let wanted = Wanted { namespace: namespace.map(Box::from), ..Wanted::default() };
    let mut pass = SetsPass::new(wanted, after, limit);
    std::iter::repeat_with(|| pass.go_on(roster)).flatten().next().expect("an end")
}

/// All sets, so many to a page.
pub(super) fn sets_in_pages(roster: &Roster, namespace: Option<&str>, limit: usize) -> Vec<SetView> {
    let mut sets: Vec<SetView> = Vec::new();
    loop {
        let after = sets.last().map(|set| set.key.clone());
        let SetsPage { sets: mut more, more: goes_on } = page(roster, namespace, after, limit);
        assert!(more.len() == limit || !goes_on, "a page that is not full: {}", more.len());
        sets.append(&mut more);
        if !goes_on {
            return sets;
        }
    }
}

#[test]
fn a_digest_tells_who_is_listed() {
    let digest = |peers: &[&str]| {
        let mut served = serve([]);
        let slice = peers.iter().fold(slice("web", "web"), |slice, peer| slice.with(peer));
        served.apply(slice);
        let mut pass = SetsPass::new(Wanted::default(), None, 9).with_digests();
        let page = std::iter::repeat_with(|| pass.go_on(&served.roster)).flatten().next().expect("an end");
        page.sets[0].digest.clone().expect("a digest")
    };
    let two = digest(&["10.0.0.2", "10.0.0.10"]);
    assert_eq!(two, digest(&["10.0.0.10", "10.0.0.2"]));
    assert_ne!(two, digest(&["10.0.0.3", "10.0.0.10"]));
    assert_eq!(two, digest(&["10.0.0.10", "10.0.0.2", "10.0.0.3 unready"]), "who is left out is not in it");
    // printf 'web@10.0.0.10\nweb@10.0.0.2\n' | sha256sum
    assert_eq!(two, "cc471afc5ddb8981fa24402588a99472e79fff12bc0d2ba83dcd0bd15db38f0a");
}

#[test]
fn pages_hold_every_set_once_in_order() {
    let mut served = serve([]);
    for number in (0..700).rev() {
        let namespace = if number % 7 == 0 { "other" } else { "default" };
        let name = format!("web-{number}");
        served.apply(slice(&name, &name).namespace(namespace).with("10.0.0.1").with("10.0.0.2 unready"));
    }
    let all: Vec<SetKey> = served.roster.sets().into_iter().map(|set| set.key).collect();
    for limit in [1, 99, 100, 700, 701] {
        let seen: Vec<SetKey> =
            sets_in_pages(&served.roster, None, limit).into_iter().map(|set| set.key).collect();
        assert_eq!(seen, all, "{limit} to a page");
    }
    assert_eq!(sets_in_pages(&served.roster, Some("other"), 30).len(), 100);
    assert_eq!(page(&served.roster, None, all.last().cloned(), 5), SetsPage::default());

    let Totals { topologies, objects, .. } = totals(&served.roster);
    let [all] = &topologies[..] else { panic!("{topologies:?}") };
    assert_eq!((objects, all.sets, all.objects), (700, 700, 700));
    assert_eq!((all.listed, all.left_out, all.empty_sets), (700, 700, 0));
}

/// A scrape that runs while sets come and go counts those that stay, once.
#[test]
fn what_changes_between_two_looks_is_counted_at_most_once() {
    let mut served = serve([]);
    for number in 0..600 {
        let name = format!("web-{number}");
        served.apply(slice(&name, &name).with("10.0.0.1"));
    }
    let (mut totals, mut sets) = (TotalsPass::default(), SetsPass::new(Wanted::default(), None, 1000));
    assert_eq!(
        (totals.go_on(&served.roster), sets.go_on(&served.roster)),
        (None, None),
        "one look is not enough"
    );
    for number in 0..100 {
        served.delete(key(&format!("web-{number}")));
        let name = format!("db-{number}");
        served.apply(slice(&name, &name).with("10.0.0.1"));
    }
    let totals = std::iter::repeat_with(|| totals.go_on(&served.roster)).flatten().next().unwrap();
    assert!((500..=700).contains(&totals.topologies[0].sets), "{totals:?}");
    let sets = std::iter::repeat_with(|| sets.go_on(&served.roster)).flatten().next().unwrap().sets;
    let stayed = |set: &&SetView| {
        let number = set.key.name.strip_prefix("web-").and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| number >= 100)
    };
    assert_eq!(sets.iter().filter(stayed).count(), 500);
}
