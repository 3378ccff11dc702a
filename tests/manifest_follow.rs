//! Manifests that change: each way of writing them, and what keeps the last good version.
//!
//! Every test waits for what it expects, with a bound that only a failure reaches. What must not happen is shown by
//! something later that does: events come in order.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use rosterd::roster::{Event, EventKind, WatchId};
use rosterd::source::Following;
use rosterd::source::manifest::{Batch, Input, LoadError, Report, Trouble, load};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(60);

/// What is served: per watch the addresses, and whether its origin is reachable.
type Served = BTreeMap<WatchId, (Vec<String>, bool)>;

/// Applies batches as a roster does.
struct Watcher {
    served: Served,
    batches: Receiver<Batch>,
    reports: Vec<Report>,
    events: Vec<Event>,
    _following: Following,
}

impl Watcher {
    fn start(paths: &[&Path]) -> Watcher {
        let inputs: Vec<Input> = paths.iter().map(|path| Input::Path(path.to_path_buf())).collect();
        let loaded = load(&inputs, &mut std::io::empty()).unwrap_or_else(|errors| panic!("{errors:?}"));
        let (sender, batches) = channel();
        let following = loaded.manifests.follow(move |batch| match sender.send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        let mut served = Served::new();
        apply(&mut served, &loaded.events);
        let reports = loaded.reports;
        Watcher { served, batches, reports, events: Vec::new(), _following: following.unwrap() }
    }

    /// Waits for the next batch.
    fn next(&mut self) -> Batch {
        let batch =
            self.batches.recv_timeout(BOUND).unwrap_or_else(|_| panic!("no batch; {:?}", self.served));
        apply(&mut self.served, &batch.events);
        self.reports.extend(batch.reports.iter().cloned());
        self.events.extend(batch.events.iter().cloned());
        batch
    }

    /// Waits until these addresses are served, sorted.
    fn until(&mut self, addresses: &[&str]) {
        while self.addresses() != addresses {
            self.next();
        }
    }

    /// Waits for a report.
    fn told(&mut self, expected: impl Fn(&Report) -> bool) -> Report {
        loop {
            if let Some(index) = self.reports.iter().position(&expected) {
                return self.reports.remove(index);
            }
            self.next();
        }
    }

    fn addresses(&self) -> Vec<&str> {
        let mut addresses: Vec<&str> =
            self.served.values().flat_map(|(addresses, _)| addresses).map(String::as_str).collect();
        addresses.sort_unstable();
        addresses
    }

    fn reachable(&self) -> Vec<bool> {
        self.served.values().map(|(_, reachable)| *reachable).collect()
    }
}

/// What a roster makes of events; lists must be whole.
fn apply(served: &mut Served, events: &[Event]) {
    let mut list: Option<Vec<String>> = None;
    for Event { watch, revision, kind } in events {
        assert_eq!(*revision, None);
        match kind {
            EventKind::Started(..) => {
                assert!(served.insert(*watch, (Vec::new(), true)).is_none(), "{watch:?} twice");
            }
            EventKind::Named(name) => assert!(!name.is_empty()),
            EventKind::Reset => assert!(list.replace(Vec::new()).is_none(), "a list within a list"),
            EventKind::Apply(object) => {
                let endpoints = object.groups.iter().flat_map(|group| &group.endpoints);
                let addresses = endpoints.flat_map(|endpoint| &*endpoint.addresses).map(ToString::to_string);
                list.as_mut().expect("outside a list").extend(addresses);
            }
            EventKind::Synced => served.get_mut(watch).unwrap().0 = list.take().expect("no list"),
            EventKind::Unreachable => {
                assert!(std::mem::replace(&mut served.get_mut(watch).unwrap().1, false));
            }
            EventKind::Reachable => {
                assert!(!std::mem::replace(&mut served.get_mut(watch).unwrap().1, true));
            }
            EventKind::Ended => {
                assert!(served.remove(watch).is_some());
            }
            EventKind::Delete(_) | EventKind::Broken(_) => panic!("files do not speak of single objects"),
        }
    }
    assert_eq!(list, None, "a list without an end");
}

/// A manifest with one slice per address.
fn manifest(addresses: &[&str]) -> String {
    let slice = |(index, address)| {
        format!(
            "- apiVersion: discovery.k8s.io/v1\n  kind: EndpointSlice\n  metadata: {{name: s{index}}}\n  \
             addressType: IPv4\n  endpoints:\n  - addresses: [{address}]\n"
        )
    };
    let slices: String = addresses.iter().enumerate().map(slice).collect();
    format!("kind: List\napiVersion: v1\nitems:\n{slices}")
}

/// Writes beside the file and renames over it.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

#[test]
fn a_file_is_followed_however_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    fs::write(&path, manifest(&["10.0.0.1"])).unwrap();
    let mut watcher = Watcher::start(&[&path]);
    assert_eq!(watcher.addresses(), ["10.0.0.1"]);

    fs::write(&path, manifest(&["10.0.0.1", "10.0.0.2"])).unwrap();
    watcher.until(&["10.0.0.1", "10.0.0.2"]);

    replace(&path, &manifest(&["10.0.0.3"]));
    watcher.until(&["10.0.0.3"]);

    // In place, of equal length.
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(manifest(&["10.0.0.4"]).as_bytes()).unwrap();
    drop(file);
    watcher.until(&["10.0.0.4"]);

    fs::remove_file(&path).unwrap();
    watcher.told(|report| matches!(report, Report::Kept { trouble: Trouble::Missing, .. }));
    assert_eq!((watcher.addresses(), watcher.reachable()), (vec!["10.0.0.4"], vec![false]));

    fs::write(&path, manifest(&["10.0.0.5"])).unwrap();
    watcher.until(&["10.0.0.5"]);
    assert_eq!(watcher.reachable(), [true]);
    assert_eq!(watcher.served.len(), 1);
}

#[test]
fn a_version_counts_when_its_writer_has_closed_it() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["peers.yaml", "other.yaml"].map(|name| folder.path().join(name));
    fs::write(&path, manifest(&["10.0.0.1"])).unwrap();
    fs::write(&other, manifest(&["10.1.0.0"])).unwrap();
    let mut watcher = Watcher::start(&[&path, &other]);

    // Every prefix that ends with an object is a manifest of its own. While the writer pauses, other versions count.
    let text = manifest(&["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    let mut file = fs::File::create(&path).unwrap();
    for (index, piece) in text.split_inclusive("]\n").enumerate() {
        file.write_all(piece.as_bytes()).unwrap();
        let address = format!("10.1.0.{}", index + 1);
        replace(&other, &manifest(&[&address]));
        watcher.until(&["10.0.0.1", &address]);
    }
    drop(file);
    watcher.until(&["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.1.0.3"]);
    let resets = |watch| {
        let of_watch = watcher.events.iter().filter(move |event| event.watch == watch);
        of_watch.filter(|event| event.kind == EventKind::Reset).count()
    };
    let mut counts: Vec<usize> = watcher.served.keys().map(|watch| resets(*watch)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 3]);
}

#[test]
fn versions_that_are_not_good_keep_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    let good = manifest(&["10.0.0.1"]);
    fs::write(&path, &good).unwrap();
    let mut watcher = Watcher::start(&[&path]);

    replace(&path, "kind: List\napiVersion: v1\nitems:\n- kind: Pod\n");
    let report = watcher.told(|report| matches!(report, Report::Kept { trouble: Trouble::Broken(_), .. }));
    let text = report.to_string();
    assert!(
        text.starts_with(&format!("{}:4:3: items[0]: `apiVersion` is missing", path.display())),
        "{text}"
    );
    assert_eq!((watcher.addresses(), watcher.reachable()), (vec!["10.0.0.1"], vec![false]));

    for empty in
        ["", "# nothing\n", "kind: List\napiVersion: v1\nitems: []\n", "kind: Service\napiVersion: v1\n"]
    {
        replace(&path, empty);
        watcher.told(|report| {
            matches!(
                report,
                Report::Kept { trouble: Trouble::Emptied { in_folder: false }, .. }
                    | Report::Recovered { .. }
            )
        });
        assert_eq!((watcher.addresses(), watcher.reachable()), (vec!["10.0.0.1"], vec![false]), "{empty}");
        // What is served costs nothing but the word that it is there again.
        replace(&path, &good);
        watcher.told(|report| matches!(report, Report::Recovered { .. }));
        assert_eq!(watcher.reachable(), [true]);
    }
    assert!(!watcher.events.iter().any(|event| event.kind == EventKind::Reset));

    // A folder in its place.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    watcher.told(|report| matches!(report, Report::Kept { trouble: Trouble::Unreadable(_), .. }));
    fs::remove_dir(&path).unwrap();
    replace(&path, &manifest(&["10.0.0.2"]));
    watcher.until(&["10.0.0.2"]);
    assert_eq!(watcher.reachable(), [true]);
}

#[test]
fn equal_content_is_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    fs::write(&path, manifest(&["10.0.0.1"])).unwrap();
    let mut watcher = Watcher::start(&[&path]);
    replace(&path, &manifest(&["10.0.0.1"]));
    fs::write(&path, manifest(&["10.0.0.1"])).unwrap();
    fs::write(&path, manifest(&["10.0.0.2"])).unwrap();
    watcher.until(&["10.0.0.2"]);
    assert_eq!(watcher.events.iter().filter(|event| event.kind == EventKind::Reset).count(), 1);
}

#[test]
fn a_folder_is_followed_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.yaml"), manifest(&["10.0.0.1"])).unwrap();
    for ignored in [".hidden.yaml", "a.yaml~", "notes.txt", "yaml"] {
        fs::write(path(ignored), "broken: [").unwrap();
    }
    fs::create_dir(path("sub.yaml")).unwrap();
    fs::write(path("sub.yaml/b.yaml"), "broken: [").unwrap();
    let mut watcher = Watcher::start(&[folder.path()]);
    assert_eq!(watcher.addresses(), ["10.0.0.1"]);

    fs::write(path("b.yml"), manifest(&["10.0.0.2"])).unwrap();
    watcher.until(&["10.0.0.1", "10.0.0.2"]);

    // A new file that is broken waits, and nothing waits for it; but what is served is known not to be all.
    fs::write(path("c.json"), "{").unwrap();
    watcher.told(|report| matches!(report, Report::Waiting { trouble: Trouble::Broken(_), .. }));
    assert_eq!(watcher.addresses(), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(watcher.reachable().iter().filter(|reachable| !**reachable).count(), 1);
    fs::write(path("c.json"), "{\"kind\":\"Endpoints\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"e\"},\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.3\"}]}]}").unwrap();
    watcher.until(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    assert!(watcher.reachable().iter().all(|reachable| *reachable));

    // A file that is gone takes its objects with it, a renamed one does not lose them.
    fs::remove_file(path("a.yaml")).unwrap();
    watcher.told(|report| matches!(report, Report::Ended { .. }));
    assert_eq!(watcher.addresses(), ["10.0.0.2", "10.0.0.3"]);
    fs::rename(path("b.yml"), path("renamed.yml")).unwrap();
    watcher.told(|report| matches!(report, Report::Read(report) if report.origin.ends_with("renamed.yml")));
    assert!(watcher.addresses().contains(&"10.0.0.2"));
    watcher.told(|report| matches!(report, Report::Ended { origin } if origin.ends_with("b.yml")));
    assert_eq!(watcher.addresses(), ["10.0.0.2", "10.0.0.3"]);

    // The folder itself being gone is no word on its files.
    let aside = tempfile::tempdir().unwrap();
    fs::rename(folder.path(), aside.path().join("moved")).unwrap();
    watcher.told(|report| matches!(report, Report::Kept { .. }));
    watcher.told(|report| matches!(report, Report::Kept { .. }));
    assert_eq!(
        (watcher.addresses(), watcher.reachable()),
        (vec!["10.0.0.2", "10.0.0.3"], vec![true, false, false]),
        "the folder's own list is no file's"
    );
    fs::rename(aside.path().join("moved"), folder.path()).unwrap();
    watcher.told(|report| matches!(report, Report::Recovered { .. }));
    watcher.told(|report| matches!(report, Report::Recovered { .. }));
    assert_eq!((watcher.addresses(), watcher.reachable()), (vec!["10.0.0.2", "10.0.0.3"], vec![true; 3]));
}

/// Mounts a content as kubelet does: a folder with the files, and `..data` renamed to lead there.
fn mount(folder: &Path, generation: &str, files: &[(&str, &str)]) {
    let content = folder.join(generation);
    fs::create_dir(&content).unwrap();
    for (name, text) in files {
        fs::write(content.join(name), text).unwrap();
    }
    symlink(generation, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for (name, _) in files {
        let link = folder.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
}

#[test]
fn a_mounted_config_map_changes_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let named =
        |number: usize| -> Vec<String> { (0..4).map(|file| format!("10.{number}.0.{file}")).collect() };
    let content = |number: usize| -> Vec<(String, String)> {
        let named = named(number);
        named
            .iter()
            .enumerate()
            .map(|(file, address)| (format!("f{file}.yaml"), manifest(&[address])))
            .collect()
    };
    let swap = |number: usize| {
        let content = content(number);
        let files: Vec<(&str, &str)> =
            content.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        mount(folder.path(), &format!("..{number}"), &files);
        if number > 0 {
            fs::remove_dir_all(folder.path().join(format!("..{}", number - 1))).unwrap();
        }
    };
    swap(0);
    let one = folder.path().join("f0.yaml");
    // A file that is named itself, and found in its folder, is one.
    let mut watcher = Watcher::start(&[folder.path(), &one]);
    assert_eq!(watcher.addresses(), named(0));
    for number in 1..6 {
        swap(number);
        let expected = named(number);
        while watcher.addresses() != expected {
            let before = watcher.addresses().join(" ");
            watcher.next();
            let mixed =
                watcher.addresses().iter().map(|address| address.split('.').nth(1)).collect::<Vec<_>>();
            assert!(
                mixed.windows(2).all(|pair| pair[0] == pair[1]),
                "{before} became {:?}",
                watcher.addresses()
            );
        }
    }
    // A file that the next content does not have.
    mount(folder.path(), "..6", &[("f0.yaml", &manifest(&["10.6.0.0"]))]);
    for file in 1..4 {
        fs::remove_file(folder.path().join(format!("f{file}.yaml"))).unwrap();
    }
    watcher.until(&["10.6.0.0"]);
}

#[test]
fn a_link_is_followed_to_where_it_leads() {
    let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [first, second] = ["first.yaml", "second.yaml"].map(|name| there.path().join(name));
    fs::write(&first, manifest(&["10.0.0.1"])).unwrap();
    fs::write(&second, manifest(&["10.0.0.2"])).unwrap();
    let link = here.path().join("peers.yaml");
    symlink(&first, &link).unwrap();
    let mut watcher = Watcher::start(&[&link]);
    assert_eq!(watcher.addresses(), ["10.0.0.1"]);
    fs::write(&first, manifest(&["10.0.0.3"])).unwrap();
    watcher.until(&["10.0.0.3"]);
    symlink(&second, here.path().join("new")).unwrap();
    fs::rename(here.path().join("new"), &link).unwrap();
    watcher.until(&["10.0.0.2"]);
    fs::remove_file(&second).unwrap();
    watcher.told(|report| matches!(report, Report::Kept { trouble: Trouble::Missing, .. }));
    fs::rename(&first, &second).unwrap();
    watcher.until(&["10.0.0.3"]);
}

#[test]
fn everything_that_cannot_be_read_at_first_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [("a.yaml", "a: ["), ("b.json", "{"), ("c.yml", ""), ("d.txt", "\u{0}")] {
        fs::write(path(name), text).unwrap();
    }
    symlink("nowhere", path("e.yaml")).unwrap();
    let inputs = [folder.path().to_owned(), path("missing.yaml"), path("a.yaml")].map(Input::Path);
    let inputs = [&inputs[..], &[Input::StandardInput]].concat();
    let errors = load(&inputs, &mut &b"\xff"[..]).unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for (expected, text) in [
        format!("{}: No such file", path("missing.yaml").display()),
        "standard input:1:1: not UTF-8".to_owned(),
        format!("{}:1:4: not YAML", path("a.yaml").display()),
        format!("{}:1:1: not JSON", path("b.json").display()),
        format!("{}: it holds nothing; did the command that writes it fail?", path("c.yml").display()),
        format!("{}: no such file", path("e.yaml").display()),
    ]
    .iter()
    .zip(&texts)
    {
        assert!(text.starts_with(expected), "{expected}\n{text}");
    }
    assert_eq!(texts.len(), 6, "{texts:#?}");
    assert!(matches!(errors[1], LoadError::Broken(_)));
}

#[test]
fn standard_input_and_files_are_watches_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    let text = manifest(&["10.0.0.1"]);
    fs::write(&path, &text).unwrap();
    let inputs = [Input::StandardInput, Input::Path(path.clone()), Input::Path(path), Input::StandardInput];
    let loaded = load(&inputs, &mut text.as_bytes()).unwrap();
    let mut served = Served::new();
    apply(&mut served, &loaded.events);
    assert_eq!(served.len(), 2);
    assert!(served.values().all(|(addresses, reachable)| addresses == &["10.0.0.1"] && *reachable));
    let read: Vec<(String, usize)> =
        loaded.read.into_iter().map(|read| (read.origin, read.objects)).collect();
    assert_eq!(read[0], ("standard input".to_owned(), 1));
    assert_eq!(read.len(), 2);
}

#[test]
fn following_ends_when_its_receiver_or_its_handle_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("peers.yaml");
    fs::write(&path, manifest(&["10.0.0.1"])).unwrap();
    let follow = |path: &Path| {
        let loaded = load(&[Input::Path(path.to_owned())], &mut std::io::empty()).unwrap();
        let (sender, receiver) = channel();
        let following = loaded.manifests.follow(move |batch| {
            let _ = sender.send(batch);
            ControlFlow::Break(())
        });
        (following.unwrap(), receiver)
    };
    let (following, receiver) = follow(&path);
    drop(following);
    assert!(receiver.recv_timeout(BOUND).is_err());
    let (_following, receiver) = follow(&path);
    fs::write(&path, manifest(&["10.0.0.2"])).unwrap();
    assert!(receiver.recv_timeout(BOUND).is_ok());
    // The sender goes with the thread.
    assert_eq!(receiver.recv_timeout(BOUND), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}
