//! What is saved is what is read back, and nothing else is.

use super::form::{HEAD, sha256};
use super::image::STATE;
use super::object::tests::any_object;
use super::{Directory, FILE, Fingerprint, Image, Mirror, ReadError, Saved, WriteError};
use crate::roster::{EndpointObject, Event, EventKind, Gives, ObjectKey, ObjectKind, Scope, WatchId};
use crate::source::kubernetes::WatchPlan;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

fn plans() -> [WatchPlan; 2] {
    let plan = |scope, selector: Option<&str>, gives| WatchPlan {
        resource: ObjectKind::EndpointSlice,
        scope,
        selector: selector.map(Into::into),
        gives,
    };
    [
        plan(Scope::All, Some("a=b"), Gives::Peers),
        plan(Scope::Namespace("default".into()), None, Gives::Addresses),
    ]
}

fn event(watch: u32, kind: EventKind) -> Event {
    Event { watch: WatchId(watch), revision: Some(7), kind }
}

fn octets(image: &Image) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let length = STATE.write(&mut file, |body| image.write_body(body)).unwrap();
    assert_eq!(length, file.get_ref().len() as u64);
    file.into_inner()
}

fn read(octets: &[u8]) -> Result<Saved, ReadError> {
    Saved::read(octets.to_vec(), Path::new("x"))
}

/// A state of one watch with these objects.
fn image(objects: &[EndpointObject]) -> Image {
    let mut mirror = Mirror::new(&plans());
    let objects = objects.iter().map(|object| EventKind::Apply(Box::new(object.clone())));
    let events = std::iter::once(EventKind::Reset).chain(objects).chain([EventKind::Synced]);
    mirror.take(&events.map(|kind| event(0, kind)).collect::<Vec<_>>(), 1_000);
    let mut image = mirror.image(2_000).unwrap();
    image.origin = "https://api".to_owned();
    image.settings = Fingerprint::of("settings");
    image.serials = vec![("peers.cluster.local.".into(), 9), ("x.".into(), u32::MAX)];
    image
}

/// What the roster would hold: objects by key, each with whether it is broken.
type Model = BTreeMap<ObjectKey, (EndpointObject, bool)>;

/// What a saved watch brings, as the roster would hold it.
fn replayed(saved: &Saved, place: usize) -> Model {
    let mut model = Model::new();
    for event in saved.events(&saved.watches[place], WatchId(3)) {
        assert_eq!(event.watch, WatchId(3));
        match event.kind {
            EventKind::Apply(object) => drop(model.insert(object.key.clone(), (*object, false))),
            EventKind::Broken(object) => drop(model.insert(object.key.clone(), (*object, true))),
            _ => {}
        }
    }
    model
}

#[test]
fn a_state_reads_back_with_all_that_stands_beside_objects() {
    let saved = read(&octets(&image(&[]))).unwrap();
    assert_eq!((saved.origin.as_str(), saved.settings), ("https://api", Fingerprint::of("settings")));
    assert_eq!(saved.serials, [("peers.cluster.local.".into(), 9), ("x.".into(), u32::MAX)]);
    // One that has not delivered its list is not there.
    let [watch] = saved.watches.as_slice() else { panic!("{saved:?}") };
    assert_eq!((&watch.plan, watch.revision, watch.current), (&plans()[0], Some(7), 2_000));
    let kinds: Vec<EventKind> = saved.events(watch, WatchId(0)).map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::Started(Scope::All, Gives::Peers),
            EventKind::Named("endpointslices in all namespaces".into()),
            EventKind::Reset,
            EventKind::Synced,
            EventKind::Unreachable,
        ]
    );
}

#[test]
fn what_is_no_state_is_told_apart() {
    let good = octets(&image(&[]));
    let (path, length) = (|| "x".into(), good.len() as u64);
    for (octets, error) in [
        (b"".to_vec(), ReadError::Foreign(path())),
        (b"[server]\n".to_vec(), ReadError::Foreign(path())),
        (
            [&good[..8], &2_u32.to_be_bytes(), &good[12..]].concat(),
            ReadError::Version { path: path(), found: 2, known: 1 },
        ),
        (good[..30].to_vec(), ReadError::Length { path: path(), found: 30, said: HEAD as u64 }),
        (
            good[..good.len() - 1].to_vec(),
            ReadError::Length { path: path(), found: length - 1, said: length },
        ),
        ([&good[..], b"x"].concat(), ReadError::Length { path: path(), found: length + 1, said: length }),
        ([&good[..good.len() - 1], b"x"].concat(), ReadError::Checksum(path())),
        ([&STATE.head(3, &sha256(b"abc"))[..], b"abc"].concat(), ReadError::Malformed(path())),
    ] {
        assert_eq!(read(&octets).unwrap_err(), error);
        assert!(error.to_string().contains('x') && !error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn time_stands_still_for_watches_that_are_out_of_reach() {
    let mut mirror = Mirror::new(&plans());
    let current = |mirror: &mut Mirror, now| mirror.image(now).unwrap().watches[0].current;
    assert!(mirror.image(1).is_none(), "nothing has been delivered");
    mirror.take(&[event(0, EventKind::Synced)], 10);
    assert!(mirror.has_changed());
    assert_eq!((current(&mut mirror, 20), mirror.has_changed()), (20, false));
    mirror.take(&[event(0, EventKind::Unreachable)], 30);
    assert!(mirror.has_changed());
    mirror.take(&[event(0, EventKind::Unreachable)], 35);
    assert_eq!(current(&mut mirror, 40), 30);
    mirror.take(&[event(0, EventKind::Reachable)], 50);
    assert_eq!(current(&mut mirror, 60), 60);
    mirror.take(&[event(0, EventKind::Reset), event(0, EventKind::Synced)], 70);
    assert!(!mirror.has_changed(), "an equal list");
    mirror.take(&[event(0, EventKind::Ended)], 80);
    assert!(mirror.image(90).is_none());
}

#[test]
fn an_image_does_not_change_with_what_it_was_taken_of() {
    let object = |name: &str| EndpointObject {
        key: ObjectKey { namespace: "n".into(), name: name.into(), kind: ObjectKind::Pod },
        service: None,
        labels: Vec::new(),
        groups: Vec::new(),
        truncated: false,
        created: None,
    };
    let mut mirror = Mirror::new(&plans());
    let apply = |name: &str| event(0, EventKind::Apply(Box::new(object(name))));
    mirror.take(&[apply("a"), apply("b"), event(0, EventKind::Synced)], 1);
    let image = mirror.image(1).unwrap();
    mirror.take(&[event(0, EventKind::Delete(object("a").key)), apply("c")], 1);
    assert_eq!((image.objects(), mirror.image(1).unwrap().objects()), (2, 2));
    let names = |image: &Image| {
        let model = replayed(&read(&octets(image)).unwrap(), 0);
        model.into_keys().map(|key| key.name.to_string()).collect::<String>()
    };
    assert_eq!((names(&image), names(&mirror.image(1).unwrap())), ("ab".to_owned(), "bc".to_owned()));
}

#[test]
fn at_its_place_is_a_whole_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut directory = Directory::new(path.clone());
    assert!(matches!(directory.read(), Ok(None)), "not even a directory");
    assert!(directory.write(&image(&[])).unwrap() > 0);
    assert_eq!(directory.read().unwrap().unwrap().origin, "https://api");
    // What a process left that was killed while it wrote.
    std::fs::write(path.join("rosterd.state.new"), [7; 9_999]).unwrap();
    directory.write(&image(&[])).unwrap();
    let names: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE]);
    assert!(directory.read().unwrap().is_some());

    // Nor is what somebody else has put there written to.
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "victim").unwrap();
    let unfinished = path.join("rosterd.state.new");
    std::os::unix::fs::symlink(&victim, &unfinished).unwrap();
    directory.write(&image(&[])).unwrap();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "victim");
    nix::unistd::mkfifo(&unfinished, nix::sys::stat::Mode::S_IRUSR).unwrap();
    directory.write(&image(&[])).unwrap();
    assert!(std::fs::symlink_metadata(path.join(FILE)).unwrap().is_file());
    std::fs::create_dir(&unfinished).unwrap();
    assert!(matches!(directory.write(&image(&[])), Err(WriteError::System { step: "remove", .. })));
    std::fs::remove_dir(&unfinished).unwrap();

    // One process at a time.
    let error = Directory::new(path.clone()).write(&image(&[])).unwrap_err();
    assert_eq!(error, WriteError::Taken(path.clone()));
    // The directory is replaced by another.
    std::fs::remove_dir_all(&path).unwrap();
    directory.write(&image(&[])).unwrap();
    assert!(directory.read().unwrap().is_some());
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(matches!(directory.write(&image(&[])), Err(WriteError::System { .. })));
    // What lies at its place is no file.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir_all(path.join(FILE)).unwrap();
    assert!(matches!(directory.read(), Err(ReadError::Unreadable { .. })));
}

/// What may happen to a watch.
#[derive(Debug, Clone)]
enum Happens {
    Apply(EndpointObject),
    Broken(EndpointObject),
    Delete(ObjectKey),
    List(Vec<(EndpointObject, bool)>, bool),
}

fn any_happening() -> impl Strategy<Value = Happens> {
    prop_oneof![
        any_object().prop_map(Happens::Apply),
        any_object().prop_map(Happens::Broken),
        any_object().prop_map(|object| Happens::Delete(object.key)),
        (prop::collection::vec((any_object(), any::<bool>()), 0..6), any::<bool>())
            .prop_map(|(objects, complete)| Happens::List(objects, complete)),
    ]
}

/// As the roster does it.
fn put(model: &mut Model, old: Option<&Model>, object: EndpointObject, broken: bool) {
    let known = |model: &Model| model.get(&object.key).filter(|(_, broken)| !broken).cloned();
    if !broken {
        model.insert(object.key.clone(), (object, false));
    } else if known(model).is_none() {
        let good = old.and_then(known);
        model.insert(object.key.clone(), good.unwrap_or((object, true)));
    }
}

proptest! {
    /// Whatever a watch brings, what is read back is what the roster holds of complete lists.
    #[test]
    fn a_saved_state_is_what_the_roster_holds(happenings in prop::collection::vec(any_happening(), 0..20)) {
        let mut mirror = Mirror::new(&plans());
        let mut model = Model::new();
        mirror.take(&[event(1, EventKind::Reset), event(1, EventKind::Synced)], 5);
        for happening in happenings {
            let mut events = Vec::new();
            match happening {
                Happens::Apply(object) => {
                    events.push(EventKind::Apply(Box::new(object.clone())));
                    put(&mut model, None, object, false);
                }
                Happens::Broken(object) => {
                    events.push(EventKind::Broken(Box::new(object.clone())));
                    put(&mut model, None, object, true);
                }
                Happens::Delete(key) => {
                    model.remove(&key);
                    events.push(EventKind::Delete(key));
                }
                Happens::List(objects, complete) => {
                    let mut list = Model::new();
                    events.push(EventKind::Reset);
                    for (object, broken) in objects {
                        let kind = if broken { EventKind::Broken } else { EventKind::Apply };
                        events.push(kind(Box::new(object.clone())));
                        put(&mut list, Some(&model), object, broken);
                    }
                    mirror.take(&events.drain(..).map(|kind| event(1, kind)).collect::<Vec<_>>(), 5);
                    let saved = read(&octets(&mirror.image(5).unwrap())).unwrap();
                    prop_assert_eq!(&replayed(&saved, 0), &model, "before it is complete");
                    if !complete {
                        // Begun again, with what there was.
                        events.push(EventKind::Reset);
                        list.clone_from(&model);
                        for (object, broken) in model.values() {
                            let kind = if *broken { EventKind::Broken } else { EventKind::Apply };
                            events.push(kind(Box::new(object.clone())));
                        }
                    }
                    events.push(EventKind::Synced);
                    model = list;
                }
            }
            mirror.take(&events.into_iter().map(|kind| event(1, kind)).collect::<Vec<_>>(), 5);
        }
        let saved = read(&octets(&mirror.image(5).unwrap())).unwrap();
        prop_assert_eq!(replayed(&saved, 0), model);
    }

    /// No octet of a file can be another, none can be missing, and none can be too many.
    #[test]
    fn damage_is_noticed(
        objects in prop::collection::vec(any_object(), 0..5),
        at: prop::sample::Index, flip in 1_u8.., more in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let good = octets(&image(&objects));
        prop_assert!(read(&good).is_ok());
        let at = at.index(good.len());
        let mut flipped = good.clone();
        flipped[at] ^= flip;
        prop_assert!(read(&flipped).is_err());
        prop_assert!(read(&good[..at]).is_err());
        prop_assert!(read(&[good, more].concat()).is_err());
    }

    /// A file that somebody has made with a right checksum harms nobody.
    #[test]
    fn hostile_files_are_read_to_their_end(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let octets = [STATE.head(body.len() as u64, &sha256(&body)), body].concat();
        if let Ok(saved) = read(&octets) {
            for watch in &saved.watches {
                prop_assert_eq!(saved.events(watch, WatchId(0)).count(), watch.objects + 5);
            }
        }
    }
}
