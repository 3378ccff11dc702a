//! What 150,000 endpoints cost: memory through lists and an hour of changes, and the processor time from the last
//! octet of the first list until it is published. `benches/README.md` says how to run and to read it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints what it finds"
)]

mod process;
mod world;

use process::{Begin, Memory};
use rosterd::roster::{Event, EventKind, Gives, ObjectKind, Options, Roster, Scope, WatchId};
use rosterd::source::kubernetes::bodies;
use rosterd::zone::{PodNames, Snapshot, SnapshotWriter, ZoneConfig};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use world::World;

/// Endpoints of the whole world.
const ENDPOINTS: usize = 150_000;

/// Changes of an hour, 100 each second.
const CHANGES: usize = 360_000;

/// Objects of a page: what `rosterd serve` asks for.
const PAGE: usize = 500;

/// Sizes of the curve.
const CURVE: [usize; 4] = [1_000, 10_000, 150_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<usize>().ok()
    };
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let endpoints = number("--endpoints").unwrap_or(ENDPOINTS);
    let changes = number("--changes").unwrap_or(CHANGES);
    let page = number("--page").unwrap_or(PAGE);
    match arguments.first().map(String::as_str) {
        // Each in a process of its own: memory that another one used would be used again.
        Some("line") => on_thread(move || curve_line(World::new(endpoints), page)),
        Some("one-address") => on_thread(move || curve_line(World::at_one_address(endpoints), page)),
        Some("owners") => on_thread(move || owners(endpoints, page)),
        Some("life") => on_thread(move || life(endpoints, changes, page)),
        _ if has("--curve") => {
            println!("{CURVE_HEAD}");
            for size in CURVE {
                again(&["line", "--endpoints", &size.to_string()]);
            }
            println!("\nall pods at one address, each the only one of its set\n{CURVE_HEAD}");
            for size in [1_000, 10_000, 50_000] {
                again(&["one-address", "--endpoints", &size.to_string()]);
            }
        }
        _ => {
            let shared = ["--endpoints", &endpoints.to_string(), "--page", &page.to_string()];
            again(&[&["owners"], &shared[..]].concat());
            again(&[&["life"], &shared[..], &["--changes", &changes.to_string()]].concat());
        }
    }
}

/// Runs this program with other arguments.
fn again(arguments: &[&str]) {
    let program = std::env::current_exe().expect("this program");
    let status = Command::new(program).args(arguments).status().expect("a process");
    assert!(status.success(), "{arguments:?}");
}

/// As in `rosterd serve`, one thread that is not the first decodes, applies and publishes.
fn on_thread(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .name("kubernetes".to_owned())
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("work");
}

/// Roster and zone, one behind the other.
struct Pipeline {
    roster: Roster,
    zone: SnapshotWriter,
    current: Arc<Snapshot>,
}

/// How long the parts of a list took.
#[derive(Default)]
struct ListTimes {
    decode: Duration,
    take: Duration,
    ready: Duration,
}

const WATCH: WatchId = WatchId(0);

impl Pipeline {
    fn new() -> Pipeline {
        let roster = Roster::new(Options {
            cluster_domain: "cluster.local".into(),
            zone: "peers.cluster.local".into(),
            label_settings: true,
            topologies: Vec::new(),
        });
        let zone = SnapshotWriter::new(ZoneConfig {
            zone: "peers.cluster.local".parse().expect("a name"),
            cluster_domain: "cluster.local".parse().expect("a name"),
            pods: PodNames::Insecure,
            reverse_zones: Vec::new(),
            advertise: Vec::new(),
            nameserver: None,
            hostmaster: None,
            ttl: None,
            negative_ttl: 5,
        })
        .expect("zones");
        let mut pipeline = Pipeline { roster, current: zone.current(), zone };
        pipeline.handle(EventKind::Started(Scope::All, Gives::Peers), None);
        pipeline.publish();
        pipeline
    }

    fn handle(&mut self, kind: EventKind, revision: Option<u64>) {
        self.roster.handle(Event { watch: WATCH, revision, kind });
    }

    /// What was published before is freed, as when no worker reads it any more.
    fn publish(&mut self) {
        let Pipeline { roster, zone, current } = self;
        roster.each_change(&mut |change| zone.apply(&change));
        if let Some(snapshot) = zone.publish(roster.revision()) {
            *current = snapshot;
        }
        roster.take_notices();
        zone.take_oversize();
    }

    /// Reads all pages and publishes.
    fn list(&mut self, world: &World, page: usize) -> ListTimes {
        let mut times = ListTimes::default();
        self.handle(EventKind::Reset, None);
        for slices in world.pages(page) {
            let (mut making, mut taking) = (Duration::ZERO, Duration::ZERO);
            let begin = Begin::now();
            let last = slices.len();
            let pieces = (0..=last).map(|place| {
                let begin = Begin::now();
                let mut piece = match slices.get(place) {
                    Some(slice) => world.text(slice),
                    None => "]}".to_owned(),
                };
                match place {
                    0 => piece.insert_str(0, &world.head()),
                    place if place < last => piece.insert(0, ','),
                    _ => {}
                }
                making += begin.elapsed();
                piece
            });
            bodies::objects(ObjectKind::EndpointSlice, pieces, &mut |object| {
                let begin = Begin::now();
                self.handle(EventKind::Apply(object), None);
                // Batches come as they are read; nothing of them is to be published.
                self.publish();
                taking += begin.elapsed();
            });
            times.decode += begin.elapsed().saturating_sub(making + taking);
            times.take += taking;
        }
        let begin = Begin::now();
        self.handle(EventKind::Synced, Some(world.revision()));
        self.publish();
        times.ready = begin.elapsed();
        times
    }

    fn check(&self, world: &World) {
        let counts = self.roster.counts();
        let peers: usize = counts.scoped.values().map(|scoped| scoped.peers).sum();
        println!("  {} objects, {peers} peers of {} pods", counts.objects, world.endpoints());
    }
}

/// A first list, lists again, and an hour of changes: memory after each.
fn life(endpoints: usize, changes: usize, page: usize) {
    let mut world = World::new(endpoints);
    println!(
        "\nlife of {} endpoints in {} slices, pages of {page}\n{:40}{:>10}{:>10}{:>10}{:>12}{:>10}{:>10}",
        world.endpoints(),
        world.slices.len(),
        "MB",
        "resident",
        "unmapped",
        "peak",
        "decode ms",
        "take ms",
        "ready ms"
    );
    let line = |what: &str, times: &ListTimes| {
        let Memory { resident, anonymous, peak } = Memory::now();
        let [decode, take, ready] =
            [times.decode, times.take, times.ready].map(|time| time.as_secs_f64() * 1e3);
        println!(
            "{what:40}{resident:>10.1}{anonymous:>10.1}{peak:>10.1}{decode:>12.0}{take:>10.0}{ready:>10.1}"
        );
    };
    let mut pipeline = Pipeline::new();
    line("before the first list", &ListTimes::default());
    let times = pipeline.list(&world, page);
    line("the first list", &times);
    process::forget_peak();
    let times = pipeline.list(&world, page);
    line("the same list again", &times);
    process::forget_peak();
    world.move_on();
    let times = pipeline.list(&world, page);
    line("again, all revisions changed", &times);
    process::forget_peak();
    let mut times = ListTimes::default();
    for done in 1..=changes {
        let text = world.change();
        let begin = Begin::now();
        let event = bodies::event(ObjectKind::EndpointSlice, text.as_bytes()).expect("an event");
        times.decode += begin.elapsed();
        let begin = Begin::now();
        pipeline.handle(event, Some(world.revision()));
        pipeline.publish();
        times.take += begin.elapsed();
        if done % (changes / 4).max(1) == 0 {
            line(&format!("after {done} changes"), &times);
        }
    }
    pipeline.check(&world);
    process::forget_peak();
    world.move_on();
    let times = pipeline.list(&world, page);
    line("listed once more", &times);
}

/// Whose the memory of the heap is: what was asked for, and 8 octets more for each allocation, which is what glibc keeps
/// of its own beside it.
fn owners(endpoints: usize, page: usize) {
    let world = World::new(endpoints);
    let mut pipeline = Pipeline::new();
    let mut lists = Vec::new();
    let line = |what: &str, info: allocation_counter::AllocationInfo| {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let [asked, with_heads] =
            [info.bytes_current as f64, (info.bytes_current + 8 * info.count_current) as f64]
                .map(|octets| octets / f64::from(1 << 20));
        println!("{what:40}{asked:>12.1}{with_heads:>12.1}{:>12}", info.count_current);
    };
    println!("{:40}{:>12}{:>12}{:>12}", "MB of the heap", "asked for", "with heads", "allocations");
    let decoded = allocation_counter::measure(|| {
        for slices in world.pages(page) {
            for slice in slices {
                let text = world.text(slice);
                bodies::objects(
                    ObjectKind::EndpointSlice,
                    [world.head(), text, "]}".to_owned()],
                    &mut |object| {
                        lists.push(object);
                    },
                );
            }
        }
    });
    line("the list as objects", decoded);
    let staged = allocation_counter::measure(|| {
        pipeline.handle(EventKind::Reset, None);
        for object in std::mem::take(&mut lists) {
            pipeline.handle(EventKind::Apply(object), None);
        }
    });
    let (mut told, mut zone) = (0, allocation_counter::AllocationInfo::default());
    let synced = allocation_counter::measure(|| pipeline.handle(EventKind::Synced, Some(world.revision())));
    let Pipeline { roster, zone: writer, .. } = &mut pipeline;
    let all = allocation_counter::measure(|| {
        roster.each_change(&mut |change| {
            told += 1;
            zone += allocation_counter::measure(|| writer.apply(&change));
        });
    });
    let mut own = all;
    own.bytes_current -= zone.bytes_current;
    own.count_current -= zone.count_current;
    let sum = |a: i64, b: i64, c: i64| a + b + c;
    let roster_all = allocation_counter::AllocationInfo {
        bytes_current: sum(decoded.bytes_current, staged.bytes_current, synced.bytes_current),
        count_current: sum(decoded.count_current, staged.count_current, synced.count_current),
        ..synced
    };
    line("roster: objects, endpoints", roster_all);
    line(&format!("roster: sets and peers ({told} changes)"), own);
    line("zone", zone);
    line("publication", allocation_counter::measure(|| pipeline.publish()));
}

const CURVE_HEAD: &str = "  endpoints  slices   resident MB  octets/endpoint  decode ms   take ms  ready ms  us/endpoint  us/change";

/// One size: memory and time of the first list, and of changes after it.
fn curve_line(mut world: World, page: usize) {
    let before = Memory::now().anonymous;
    let mut pipeline = Pipeline::new();
    let times = pipeline.list(&world, page);
    let grown = Memory::now().anonymous - before;
    let changes = 10_000;
    let mut changing = Duration::ZERO;
    for _ in 0..changes {
        let text = world.change();
        let event = bodies::event(ObjectKind::EndpointSlice, text.as_bytes()).expect("an event");
        let begin = Begin::now();
        pipeline.handle(event, Some(world.revision()));
        pipeline.publish();
        changing += begin.elapsed();
    }
    let [decode, take, ready] = [times.decode, times.take, times.ready].map(|time| time.as_secs_f64() * 1e3);
    let endpoints = f64::from(u32::try_from(world.endpoints()).expect("fewer"));
    println!(
        "{:>11}{:>8}{:>14.1}{:>17.0}{decode:>11.0}{take:>10.0}{ready:>10.1}{:>13.2}{:>11.1}",
        world.endpoints(),
        world.slices.len(),
        grown,
        grown * f64::from(1 << 20) / endpoints,
        (decode + take + ready) * 1e3 / endpoints,
        changing.as_secs_f64() * 1e6 / f64::from(changes),
    );
}
