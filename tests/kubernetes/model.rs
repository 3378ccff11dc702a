//! Random histories of a cluster, seen through random faults of its API server: what is served is at every moment what the
//! cluster had at some revision, and in the end what it has.

use crate::fake::{Asked, Sending, bookmark, event, list_end, page, slice, status_object};
use crate::world::{Served, World, options, slices};
use proptest::prelude::*;
use rosterd::source::kubernetes::Options;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// What happens to the cluster.
#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    Delete(u8),
    /// The history is forgotten: a watch from an older revision is told so.
    Compact,
    Bookmark,
    Wait(u8),
}

/// What happens to an answer, in the place of its end or after some of it.
#[derive(Debug, Clone)]
enum Fault {
    None,
    Status(u16),
    NoConnection,
    NoAnswer,
    /// After some percent of a list or some events of a watch.
    Then {
        after: u8,
        end: End,
    },
    /// A list as it was some revisions ago.
    Lagging(u8),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Cut,
    /// As if it were the end.
    Clean,
    Silence,
    HalfEvent,
    Error(u16),
    Garbage,
    /// The last event again.
    Twice,
    /// An event that is older than the last one.
    Older,
}

/// The cluster and all its past.
struct Cluster {
    revision: u64,
    compacted: u64,
    /// Events in order, with the revision of each.
    events: Vec<(u64, String)>,
    /// What there was at each revision.
    states: BTreeMap<u64, BTreeMap<String, (u64, String)>>,
}

impl Cluster {
    fn new() -> Cluster {
        Cluster {
            revision: 10,
            compacted: 0,
            events: Vec::new(),
            states: BTreeMap::from([(10, BTreeMap::new())]),
        }
    }

    fn now(&self) -> BTreeMap<String, (u64, String)> {
        self.at(self.revision)
    }

    fn at(&self, revision: u64) -> BTreeMap<String, (u64, String)> {
        self.states.range(..=revision).next_back().map(|(_, state)| state.clone()).unwrap_or_default()
    }

    fn put(&mut self, name: u8) {
        // Other objects of the cluster have revisions too.
        self.revision += 3;
        let name = format!("s{name}");
        let address = format!("10.0.{}.{}", self.revision / 250, self.revision % 250);
        let mut state = self.now();
        let known = state.insert(name.clone(), (self.revision, address.clone()));
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        self.events.push((self.revision, event(kind, &slice(&name, self.revision, &address))));
        self.states.insert(self.revision, state);
    }

    fn delete(&mut self, name: u8) {
        let name = format!("s{name}");
        let mut state = self.now();
        let Some((_, address)) = state.remove(&name) else { return };
        self.revision += 3;
        self.events.push((self.revision, event("DELETED", &slice(&name, self.revision, &address))));
        self.states.insert(self.revision, state);
    }
}

/// A watch that the API server has not ended.
struct Watch {
    /// None once the connection is cut.
    sending: Option<Sending>,
    position: u64,
    sent: u8,
    fault: Option<(u8, End)>,
    ends: Instant,
    silent: bool,
}

struct Server {
    faults: VecDeque<Fault>,
    watches: Vec<Watch>,
    /// What is never answered, or never goes on.
    unanswered: Vec<Asked>,
    silent: Vec<Sending>,
}

impl Server {
    async fn answer(&mut self, asked: Asked, cluster: &Cluster) {
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::Status(status) => asked.refuse(status).await,
            Fault::NoConnection => asked.fail(io::Error::from(io::ErrorKind::ConnectionRefused)),
            Fault::NoAnswer => self.unanswered.push(asked),
            _ if asked.is_list() => self.list(asked, cluster, fault).await,
            _ if asked.query.contains_key("sendInitialEvents") => {
                self.streamed_list(asked, cluster, fault).await;
            }
            _ => self.watch(asked, cluster, &fault).await,
        }
    }

    async fn list(&mut self, asked: Asked, cluster: &Cluster, fault: Fault) {
        let limit: usize = asked.query["limit"].parse().unwrap();
        let (revision, skip) = match asked.query.get("continue") {
            Some(token) => {
                let (revision, skip) = token.split_once(':').unwrap();
                (revision.parse().unwrap(), skip.parse().unwrap())
            }
            None => (lagging(cluster, &fault), 0),
        };
        if skip > 0 && revision < cluster.compacted {
            return asked.refuse(410).await;
        }
        let state = cluster.at(revision);
        let items = state.iter().skip(skip).take(limit);
        let items: Vec<String> =
            items.map(|(name, (revision, address))| slice(name, *revision, address)).collect();
        let next = skip + items.len();
        let token = if next < state.len() { format!("{revision}:{next}") } else { String::new() };
        let body = page(&revision.to_string(), &items, &token);
        self.send(asked.accept(), &body, &fault).await;
    }

    async fn streamed_list(&mut self, asked: Asked, cluster: &Cluster, fault: Fault) {
        let revision = lagging(cluster, &fault);
        let state = cluster.at(revision);
        let events =
            state.iter().map(|(name, (revision, address))| event("ADDED", &slice(name, *revision, address)));
        let lines: String = events.chain([list_end(&revision.to_string())]).map(|line| line + "\n").collect();
        self.send(asked.accept(), &lines, &fault).await;
    }

    /// Sends a body, or what a fault leaves of it.
    async fn send(&mut self, mut sending: Sending, body: &str, fault: &Fault) {
        let Fault::Then { after, end } = fault else { return sending.send(body).await };
        let (half, rest) = body.split_at(body.len() * usize::from(*after) / 10);
        sending.send(half).await;
        match end {
            End::Cut | End::HalfEvent => sending.cut(),
            End::Clean => {}
            End::Silence => self.silent.push(sending),
            End::Garbage | End::Error(_) => sending.send("}]\nno JSON\n").await,
            End::Twice | End::Older => sending.send(rest).await,
        }
    }

    async fn watch(&mut self, asked: Asked, cluster: &Cluster, fault: &Fault) {
        let position: u64 = asked.query["resourceVersion"].parse().unwrap();
        let seconds: u64 = asked.query["timeoutSeconds"].parse().unwrap();
        if position < cluster.compacted {
            return match fault {
                Fault::Then { .. } => asked.refuse(410).await,
                _ => asked.accept().events(&[event("ERROR", &status_object(410))]).await,
            };
        }
        let fault = match fault {
            Fault::Then { after, end } => Some((*after, *end)),
            _ => None,
        };
        let ends = Instant::now() + Duration::from_secs(seconds);
        self.watches.push(Watch {
            sending: Some(asked.accept()),
            position,
            sent: 0,
            fault,
            ends,
            silent: false,
        });
        self.pump(cluster).await;
    }

    /// Tells every watch what is new, and ends those whose time is over.
    async fn pump(&mut self, cluster: &Cluster) {
        let mut open = Vec::new();
        for mut watch in self.watches.drain(..) {
            if watch.pump(cluster).await && (watch.silent || Instant::now() < watch.ends) {
                open.push(watch);
            }
        }
        self.watches = open;
    }

    async fn bookmark(&mut self, cluster: &Cluster) {
        for watch in self.watches.iter_mut().filter(|watch| !watch.silent) {
            watch.position = cluster.revision;
            watch.send(&format!("{}\n", bookmark(&cluster.revision.to_string()))).await;
        }
    }
}

impl Watch {
    /// Sends what is new. Returns whether the watch is still open.
    async fn pump(&mut self, cluster: &Cluster) -> bool {
        if self.silent {
            return true;
        }
        loop {
            let next = cluster.events.iter().find(|(revision, _)| *revision > self.position);
            if let Some((_, end)) = self.fault.take_if(|(after, _)| *after <= self.sent) {
                let last = cluster.events.iter().rev().find(|(revision, _)| *revision <= self.position);
                let lines = match end {
                    End::Cut => return self.cut(),
                    End::Clean => return false,
                    End::Silence => {
                        self.silent = true;
                        return true;
                    }
                    End::HalfEvent => {
                        if let Some((_, line)) = next {
                            self.send(line.split_at(line.len() / 2).0).await;
                        }
                        return self.cut();
                    }
                    End::Error(status) => vec![event("ERROR", &status_object(status))],
                    End::Garbage => vec!["no JSON".to_owned()],
                    End::Twice => last.iter().map(|(_, line)| line.clone()).collect(),
                    End::Older => cluster.events.first().iter().map(|(_, line)| line.clone()).collect(),
                };
                for line in lines {
                    self.send(&(line + "\n")).await;
                }
            }
            let Some((revision, line)) = next else { return true };
            self.send(&format!("{line}\n")).await;
            self.position = *revision;
            self.sent += 1;
        }
    }

    async fn send(&mut self, text: &str) {
        if let Some(sending) = &mut self.sending {
            sending.send(text).await;
        }
    }

    fn cut(&mut self) -> bool {
        if let Some(sending) = self.sending.take() {
            sending.cut();
        }
        false
    }
}

/// The revision of a list.
fn lagging(cluster: &Cluster, fault: &Fault) -> u64 {
    match fault {
        Fault::Lagging(back) => cluster.revision.saturating_sub(u64::from(*back)).max(10),
        _ => cluster.revision,
    }
}

/// Lets things happen until a moment.
async fn serve(world: &mut World, server: &mut Server, cluster: &Cluster, until: Instant) {
    while Instant::now() < until {
        let tick = until.min(Instant::now() + Duration::from_secs(1));
        match world.api.next_until(tick).await {
            Some(asked) => server.answer(asked, cluster).await,
            None => server.pump(cluster).await,
        }
    }
}

async fn run(streaming_lists: bool, steps: Vec<Step>, faults: Vec<Fault>) {
    let lags = faults.iter().any(|fault| matches!(fault, Fault::Lagging(_)));
    let mut world = World::with(vec![slices()], Options { page_size: 2, streaming_lists, ..options() });
    let mut cluster = Cluster::new();
    let mut server =
        Server { faults: faults.into(), watches: Vec::new(), unanswered: Vec::new(), silent: Vec::new() };
    for step in steps {
        let mut wait = Duration::from_millis(100);
        match step {
            Step::Put(name) => cluster.put(name),
            Step::Delete(name) => cluster.delete(name),
            Step::Compact => cluster.compacted = cluster.revision,
            Step::Bookmark => server.bookmark(&cluster).await,
            Step::Wait(seconds) => wait = Duration::from_secs(seconds.into()),
        }
        server.pump(&cluster).await;
        serve(&mut world, &mut server, &cluster, Instant::now() + wait).await;
    }
    // Nothing goes wrong any more. A silent watch is found within a minute, a wait takes 30 s.
    server.faults.clear();
    serve(&mut world, &mut server, &cluster, Instant::now() + Duration::from_secs(300)).await;

    let expected: BTreeSet<String> = cluster.now().into_values().map(|(_, address)| address).collect();
    let in_the_end: BTreeSet<String> = world.served().await.into_iter().collect();
    assert_eq!(in_the_end, expected);
    assert!(world.is_ready("default").await && !world.is_stale().await);

    let addresses = |state: &Served| -> BTreeSet<String> { state.values().flatten().cloned().collect() };
    let had: Vec<BTreeSet<String>> = cluster
        .states
        .values()
        .map(|state| state.values().map(|(_, address)| address.clone()).collect())
        .collect();
    let mut position = 0;
    for state in world.states() {
        let state = addresses(&state);
        if lags {
            // API servers that lag can confirm each other: an older state, but never one that was not.
            assert!(had.contains(&state), "{state:?}");
        } else {
            let ahead = had[position..].iter().position(|had| *had == state);
            position +=
                ahead.unwrap_or_else(|| panic!("{state:?} was not, or not since {:?}", had[position]));
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u8).prop_map(Step::Put),
        3 => (0..5_u8).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Bookmark),
        3 => (0..90_u8).prop_map(Step::Wait),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let end = prop_oneof![
        Just(End::Cut),
        Just(End::Clean),
        Just(End::Silence),
        Just(End::HalfEvent),
        prop::sample::select(vec![410, 500, 403]).prop_map(End::Error),
        Just(End::Garbage),
        Just(End::Twice),
        Just(End::Older),
    ];
    prop_oneof![
        4 => Just(Fault::None),
        2 => prop::sample::select(vec![401, 403, 404, 410, 422, 429, 500, 503]).prop_map(Fault::Status),
        1 => Just(Fault::NoConnection),
        1 => Just(Fault::NoAnswer),
        8 => (0..10_u8, end).prop_map(|(after, end)| Fault::Then { after, end }),
    ]
}

fn cases(streaming: bool, steps: &[Step], faults: &[Fault]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run(streaming, steps.to_vec(), faults.to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn faults_show_nothing_that_was_not_and_end_with_what_is(
        streaming in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
        faults in prop::collection::vec(fault(), 0..25),
    ) {
        cases(streaming, &steps, &faults);
    }

    #[test]
    fn servers_that_lag_show_nothing_that_never_was(
        streaming in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
        faults in prop::collection::vec(
            prop_oneof![2 => fault(), 1 => (1..30_u8).prop_map(Fault::Lagging)], 1..25),
    ) {
        cases(streaming, &steps, &faults);
    }
}
