//! The steps of an answer: parse the question, look it up, render the whole answer; and those of a change: apply the event,
//! publish. On the clusters that instructions are counted in, so that times and counts are of the same.

#[path = "../../instructions/src/changes.rs"]
#[allow(dead_code, reason = "limits are for the counts")]
mod changes;
#[path = "../../instructions/src/shapes.rs"]
#[allow(dead_code, reason = "limits are for the counts")]
mod shapes;
#[path = "../../instructions/src/world.rs"]
#[allow(dead_code, reason = "sizes are for the counts")]
mod world;

use changes::{Cluster, SHAPES};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pure::answer::{Client, Context, Scratch, Transport, answer};
use pure::wire::{QueryName, Question};
use shapes::{CLIENT, NOW, policy};
use std::hint::black_box;
use world::World;

/// Shapes of questions that are timed.
const TIMED: [&str; 6] =
    ["A x 5", "A of a pod name", "NXDOMAIN of a search list", "A x 30, rotated", "SRV x 5", "TXT x 5"];

/// Pods of the cluster that changes.
const PODS: usize = 10_000;

fn answers(criterion: &mut Criterion) {
    let snapshot = World::GATE.snapshot(false);
    let policy = policy();
    let client = Client { transport: Transport::Udp, address: CLIENT };
    let context = Context { snapshot: &snapshot, policy: &policy, limiter: None, now: NOW };
    let shapes = shapes::shapes(World::GATE, false);
    for shape in shapes.iter().filter(|shape| TIMED.contains(&shape.label)) {
        let mut group = criterion.benchmark_group(shape.label);
        let mut name = QueryName::default();
        let mut queries = shape.queries.iter().cycle();
        group.bench_function("parse", |bencher| {
            bencher.iter(|| Question::read(black_box(queries.next().expect("a query")), &mut name));
        });
        let parsed: Vec<_> = shape.queries.iter().map(|query| parse(query)).collect();
        let mut parsed = parsed.iter().cycle();
        group.bench_function("look up", |bencher| {
            bencher.iter(|| {
                let (name, question) = parsed.next().expect("a question");
                black_box(snapshot.find_at_once(name, question.record_type));
            });
        });
        let (mut scratch, mut out, mut rotation) = (Scratch::new(), vec![0; 1232], 0);
        group.bench_function("render, with both", |bencher| {
            bencher.iter(|| {
                rotation += 1;
                let query = queries.next().expect("a query");
                black_box(answer(query, &client, rotation, &context, &mut scratch, &mut out))
            });
        });
        group.finish();
    }
}

fn parse(query: &[u8]) -> (QueryName, Question) {
    let mut name = QueryName::default();
    let question = Question::read(query, &mut name).expect("a question");
    (name, question)
}

fn changes_of_sets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply and publish");
    for shape in
        SHAPES.into_iter().filter(|shape| !shape.label.contains("deleted") && !shape.label.contains("third"))
    {
        let mut cluster = Cluster::new(PODS);
        let mut waiting = Vec::new();
        group.bench_function(shape.label, |bencher| {
            // Events are made outside of what is timed, some at a time: each tells of a peer that has not been there.
            let cluster = std::cell::RefCell::new(&mut cluster);
            bencher.iter_batched(
                || {
                    if waiting.is_empty() {
                        waiting = cluster.borrow_mut().events(shape);
                        waiting.reverse();
                    }
                    waiting.pop().expect("events")
                },
                |events| cluster.borrow_mut().take(events),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(steps, answers, changes_of_sets);
criterion_main!(steps);
