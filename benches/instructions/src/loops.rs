//! Instructions of the whole worker: receive, answer, count, send. System calls are the kernel's and are not counted.

use crate::shapes::{Shape, policy, secret, shapes};
use crate::world::World;
use crate::{callgrind, measured};
use pure::server::Worker;
use std::io::Result;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Queries that are counted: four full batches, which every socket's default buffer holds, and their answers.
const QUERIES: usize = 128;

/// What a worker is asked, and how it listens.
struct Row {
    label: &'static str,
    /// The shape of its questions.
    shape: &'static str,
    wildcard: bool,
    /// As in [`Shape`](crate::shapes::Shape).
    goal: u64,
    limit: u64,
}

const ROWS: [Row; 6] = [
    row("A x 5", "A x 5", false, 1000, 870),
    row("A x 30, rotated", "A x 30, rotated", false, 1050, 936),
    row("NXDOMAIN", "NXDOMAIN in the set tree", false, 950, 837),
    row("NXDOMAIN of a search list", "NXDOMAIN of a search list", false, 950, 865),
    row("A x 5, good cookie", "A x 5, good cookie", false, 1250, 1140),
    row("A x 5, wildcard listener", "A x 5", true, 1250, 1090),
];

const fn row(label: &'static str, shape: &'static str, wildcard: bool, goal: u64, limit: u64) -> Row {
    Row { label, shape, wildcard, goal, limit }
}

/// Prints all rows with their goals and limits. Whether all keep the limits.
pub fn limits(only: &str, keep: Option<&Path>) -> Result<bool> {
    let totals = callgrind::totals(&["--loops"], 0, only, keep)?;
    // A worker that finds nothing, which is its making and its end, and one that finds its queries.
    let (pairs, _) = totals.as_chunks::<2>();
    println!("{:<28}{:>12}{:>8}{:>8}", "the whole worker", "instructions", "goal", "limit");
    let mut kept = pairs.len() == chosen(only).count();
    for (row, [nothing, all]) in chosen(only).zip(pairs) {
        let count = all.saturating_sub(*nothing) / QUERIES as u64;
        let above = count > row.limit;
        kept &= !above;
        let word = if above { "  ABOVE" } else { "" };
        println!("{:<28}{count:>12}{:>8}{:>8}{word}", row.label, row.goal, row.limit);
    }
    Ok(kept)
}

fn chosen(only: &str) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.label.contains(only))
}

/// The program below callgrind: calls [`measured`] twice for each row, around a worker that finds nothing, and one that
/// finds all queries.
pub fn count(only: &str) {
    let snapshot = World::GATE.snapshot(false);
    let shapes = shapes(World::GATE, false);
    let once = [Vec::new()];
    for row in chosen(only) {
        let shape = shapes.iter().find(|shape| shape.label == row.shape).expect("one of them");
        let worker = Worker::new(snapshot.clone(), policy(), row.wildcard).expect("sockets of this host");
        let serve = || measured(&once, |_, _| worker.serve().expect("a worker"));
        let queries = queries(shape);
        // What the first answer of all makes, such as the thread's own storage, is not counted.
        worker.ask(&queries[0]).expect("a query that is taken");
        worker.serve().expect("a worker");
        worker.answer().expect("an answer");
        serve();
        queries.iter().for_each(|query| worker.ask(query).expect("a query that is taken"));
        serve();
        for _ in &queries {
            let answer = worker.answer().expect("an answer to each query");
            let found = (answer[3] & 15, u16::from_be_bytes([answer[6], answer[7]]));
            assert_eq!(found, (shape.rcode, shape.answers), "{}", row.label);
        }
    }
}

/// The first of a shape, with cookies that are good now where they have cookies.
fn queries(shape: &Shape) -> Vec<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let now = u32::try_from(now & u64::from(u32::MAX)).expect("32 bits");
    let cookie = secret().sign(*b"a client", Ipv4Addr::LOCALHOST.into(), now.wrapping_sub(60));
    let signed = |mut query: Vec<u8>| {
        if shape.label.ends_with("cookie") {
            // The cookie ends the query.
            query.truncate(query.len() - cookie.len());
            query.extend_from_slice(&cookie);
        }
        query
    };
    shape.queries.iter().take(QUERIES).cloned().map(signed).collect()
}
