//! Lists of a running server that come in pages, read to their ends. A server that never comes to one is left.

use super::ask::{AskError, Server};
use crate::admin::url::component;
use crate::admin::{PeersJson, SetJson, ZoneJson};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The most pages of a list: a million sets, or entries of a set. A cluster has some ten thousand Services.
const PAGES_MAX: usize = 1_000;

/// The most that a page has, which is asked for.
const LIMIT: usize = 1_000;

/// A page.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Page<T> {
        Page { items: Vec::new(), next: None }
    }
}

/// All sets, in their order; with digests of who is listed where that is wanted.
pub(super) fn sets(server: &Server, digests: bool) -> Result<Vec<SetJson>, AskError> {
    const PATH: &str = "/api/v1/sets?";
    let mut all: Vec<SetJson> = Vec::new();
    let digests = if digests { "&digest=true" } else { "" };
    let mut path = format!("{PATH}limit={LIMIT}{digests}");
    for _ in 0..PAGES_MAX {
        let mut page: Page<SetJson> = server.read(&path)?;
        let goes_back = page.items.first().zip(all.last()).is_some_and(|(next, last)| key(next) <= key(last));
        if goes_back || (page.items.is_empty() && page.next.is_some()) {
            return Err(server.foreign("its pages of sets do not go on".to_owned()));
        }
        all.append(&mut page.items);
        match page.next {
            None => return Ok(all),
            Some(next) => path = below(server, PATH, next)?,
        }
    }
    Err(endless(server))
}

fn key(set: &SetJson) -> (&str, &str) {
    (&set.namespace, &set.set)
}

/// The node names that a set lists.
pub(super) fn node_names(server: &Server, namespace: &str, set: &str) -> Result<BTreeSet<String>, AskError> {
    let begin = format!("/api/v1/sets/{}/{}?", component(namespace), component(set));
    let mut names = BTreeSet::new();
    let mut path = format!("{begin}limit={LIMIT}");
    for _ in 0..PAGES_MAX {
        let page: PeersJson = server.read(&path)?;
        names.extend(page.peers.into_iter().filter_map(|one| one.peer?.node_name));
        match page.next {
            None => return Ok(names),
            Some(next) => path = below(server, &begin, next)?,
        }
    }
    Err(endless(server))
}

/// All zones.
pub(super) fn zones(server: &Server) -> Result<Vec<ZoneJson>, AskError> {
    Ok(server.read::<Page<ZoneJson>>("/api/v1/zones")?.items)
}

/// The path of a next page, which is one of the same list.
fn below(server: &Server, begin: &str, next: String) -> Result<String, AskError> {
    if next.starts_with(begin) {
        Ok(next)
    } else {
        Err(server.foreign(format!("it names {next:?} as the next page of {begin}")))
    }
}

fn endless(server: &Server) -> AskError {
    server.foreign(format!("a list has more than {PAGES_MAX} pages"))
}
