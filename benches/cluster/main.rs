//! rosterd and CoreDNS side by side on a real API server with 150,000 endpoints: time from start to ready, time from a change
//! to its first answer, and memory through a start and a re-list. `benches/README.md` says how to run and to read it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and prints what it finds"
)]

#[path = "../../tests/cluster/api.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod api;
mod candidate;
mod changes;
#[path = "../../tests/cluster/control_plane.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod control_plane;
mod load;
#[path = "../../tests/cluster/process.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod process;
#[path = "../../tests/cluster/rights.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rights;
#[path = "../../tests/support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
#[path = "../../tests/cluster/wait.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod wait;

use candidate::{Candidate, CoreDns, Rosterd};
use control_plane::ControlPlane;
use serde_json::json;
use std::time::{Duration, Instant};

/// How often each is started.
const ROUNDS: usize = 7;

/// What was measured of one server. Memory in MiB.
struct Figures {
    ready: Duration,
    resident: f64,
    anonymous: f64,
    peak_of_start: f64,
    peak_of_list: f64,
    after_list: f64,
}

fn main() {
    // Anything that is a number: with fewer namespaces it takes less time, to see that it works.
    let namespaces = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(load::NAMESPACES);
    let mut plane = ControlPlane::start();
    let token = plane.token_with("reader", &["endpointslices.yaml"]);
    let kubeconfig = plane.kubeconfig("reader", plane.port(), &json!({"token": token}));
    let administrator = plane.administrator();

    let begin = Instant::now();
    let made = load::make(&administrator, namespaces);
    println!("{made} in {:.0} s", begin.elapsed().as_secs_f64());

    let start_rosterd = || Box::new(Rosterd::start(&kubeconfig)) as Box<dyn Candidate>;
    let start_coredns = || Box::new(CoreDns::start(&administrator)) as Box<dyn Candidate>;
    let starts: [&dyn Fn() -> Box<dyn Candidate>; 2] = [&start_rosterd, &start_coredns];

    let mut ready = [Vec::new(), Vec::new()];
    for _ in 1..ROUNDS {
        for (start, ready) in starts.iter().zip(&mut ready) {
            ready.push(started(*start).1);
        }
    }
    // The last of each stay, and go through the same restart of the API server.
    let [rosterd, coredns] = starts.map(started);
    ready[0].push(rosterd.1);
    ready[1].push(coredns.1);
    let candidates = [rosterd.0, coredns.0];
    let before = candidates.each_ref().map(|candidate| {
        candidate::settle(candidate.as_ref());
        (candidate.resident(), candidate.anonymous(), candidate.peak())
    });
    println!("\nPUT acknowledged to visible, ms; {} PUTs each, in turns", changes::PUTS);
    println!("{:32}{:>12}{:>16}", "", candidates[0].name(), candidates[1].name());
    for set in [load::small_set(), load::large_set()] {
        let times = changes::measure(&administrator, &candidates, &set);
        for percent in [50, 90, 99] {
            let [ours, theirs] = times.each_ref().map(|times| times.percentile(percent));
            println!("{:32}{ours:>12.2}{theirs:>16.2}", format!("a set of {}, p{percent}", set.size));
        }
    }
    for candidate in &candidates {
        candidate.forget_peak();
    }
    // Revisions move on for reasons of their own, as in any cluster: watches from older ones are refused then.
    load::touch(&administrator);
    plane.kill_api_server();
    plane.start_api_server();
    let revised = load::change(&administrator);
    for candidate in &candidates {
        wait::wait_for(
            "the change",
            || candidate.name().to_owned(),
            || candidate.shows(&revised).then_some(()),
        );
        candidate::settle(candidate.as_ref());
    }

    println!("pages of slices that the new API server has given: {}", pages(&plane));

    let figures: Vec<Figures> = candidates
        .iter()
        .zip(before)
        .zip(&mut ready)
        .map(|((candidate, (resident, anonymous, peak_of_start)), ready)| {
            ready.sort();
            Figures {
                ready: ready[ready.len() / 2],
                resident,
                anonymous,
                peak_of_start,
                peak_of_list: candidate.peak(),
                after_list: candidate.resident(),
            }
        })
        .collect();
    print(&candidates.map(|candidate| candidate.name().to_owned()), &figures);
}

/// Starts a server, and measures how long it takes to the first answer with a whole set.
fn started(start: &dyn Fn() -> Box<dyn Candidate>) -> (Box<dyn Candidate>, Duration) {
    let begin = Instant::now();
    let candidate = start();
    let set = load::large_set();
    wait::wait_for(
        "the first answer",
        || candidate.name().to_owned(),
        || candidate.shows(&set).then_some(()),
    );
    let ready = begin.elapsed();
    println!("{} is ready after {:.2} s", candidate.name(), ready.as_secs_f64());
    (candidate, ready)
}

/// How many list requests for slices the API server has answered since its start. CoreDNS and the controllers stream
/// theirs, as watches.
fn pages(plane: &ControlPlane) -> u64 {
    let metrics = plane.api.try_text("/metrics").expect("metrics");
    let lists = metrics.lines().filter(|line| {
        ["apiserver_request_total{", "resource=\"endpointslices\"", "verb=\"LIST\"", "code=\"200\""]
            .iter()
            .all(|part| line.contains(part))
    });
    lists.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn print(names: &[String; 2], figures: &[Figures]) {
    let [ours, theirs] = figures else { panic!("two servers") };
    println!("\n{:32}{:>12}{:>16}", "", names[0], names[1]);
    let line = |what: &str, unit: &str, value: fn(&Figures) -> f64| {
        println!("{what:32}{:>9.2} {unit:2}{:>13.2} {unit:2}", value(ours), value(theirs));
    };
    line("start to ready, median", "s", |figures| figures.ready.as_secs_f64());
    line("resident", "MB", |figures| figures.resident);
    line("  without mapped files", "MB", |figures| figures.anonymous);
    line("peak until then", "MB", |figures| figures.peak_of_start);
    line("peak during a re-list", "MB", |figures| figures.peak_of_list);
    line("resident after the re-list", "MB", |figures| figures.after_list);
}
