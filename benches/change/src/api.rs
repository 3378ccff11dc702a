//! The API server: lists by pages, and a watch whose events are written the moment they are made. Plain HTTP/1.1.

use crate::dns::Answer;
use crate::encoding::Encoding;
use crate::world::World;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Events that a watch can go back to.
const HISTORY: usize = 50_000;

/// The revision of the world as it was made.
const FIRST_REVISION: u64 = 1_000_000;

/// A running API server.
#[derive(Clone)]
pub struct Api {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    encoding: Encoding,
}

struct State {
    encoding: Encoding,
    world: World,
    revision: u64,
    /// The items of a list, as last encoded, and which of them are not current.
    items: Vec<Arc<[u8]>>,
    stale: Vec<usize>,
    history: VecDeque<(u64, Vec<u8>)>,
    watch: Option<Watch>,
    list: Option<List>,
    /// When the first page was asked for, and the last octet of the last page written.
    listed: Option<(Instant, Instant)>,
    lists: usize,
}

struct Watch {
    stream: TcpStream,
    until: Instant,
}

/// A list under way: what it began with stays.
struct List {
    begun: Instant,
    revision: u64,
    items: Vec<Arc<[u8]>>,
}

/// What happens to a slice.
pub enum Change {
    /// A peer goes and another comes.
    Replace,
    /// These are its peers from now on.
    Set(Vec<Ipv4Addr>),
}

/// A change that was told.
pub struct Told {
    /// Just before the event was written.
    pub at: Instant,
    /// The name that exists since, or does not any more.
    pub name: String,
    /// And what is answered since.
    pub shows: Answer,
}

impl Api {
    pub fn start(world: World, encoding: Encoding) -> io::Result<Api> {
        let items = world.slices.iter().map(|slice| encoding.item(slice, FIRST_REVISION).into()).collect();
        let state = State {
            encoding,
            world,
            revision: FIRST_REVISION,
            items,
            stale: Vec::new(),
            history: VecDeque::new(),
            watch: None,
            list: None,
            listed: None,
            lists: 0,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let api = Api { state: Arc::new(Mutex::new(state)), address: listener.local_addr()?, encoding };
        let (serving, ticking) = (api.clone(), api.clone());
        crate::process::thread(move || {
            for stream in listener.incoming().flatten() {
                let api = serving.clone();
                // A client that goes away ends its own thread.
                let _ = crate::process::thread(move || drop(api.serve(stream)));
            }
        })?;
        crate::process::thread(move || {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                ticking.state().end_watch(false);
            }
        })?;
        Ok(api)
    }

    /// A kubeconfig that names it.
    pub fn kubeconfig(&self) -> String {
        format!(
            r#"{{"apiVersion":"v1","kind":"Config","clusters":[{{"name":"bench","cluster":{{"server":"http://{}"}}}}],"users":[{{"name":"bench","user":{{}}}}],"contexts":[{{"name":"bench","context":{{"cluster":"bench","user":"bench"}}}}],"current-context":"bench"}}"#,
            self.address
        )
    }

    /// Looks at the world.
    pub fn world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.state().world)
    }

    /// Changes a slice, and tells whoever watches.
    pub fn change(&self, slice: usize, change: &Change) -> io::Result<Told> {
        self.state().change(slice, change)
    }

    /// Tells the watch that its revision is too old, so that everything is listed again.
    pub fn expire(&self) {
        self.state().end_watch(true);
    }

    /// How many lists have been read to their end.
    pub fn lists(&self) -> usize {
        self.state().lists
    }

    /// When the last list was begun, and when its last octet was written.
    pub fn listed(&self) -> Option<(Instant, Instant)> {
        self.state().listed
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.state().watch.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some(target) = line.split(' ').nth(1).map(str::to_owned) else { return Ok(()) };
            while line.trim_end() != "" {
                line.clear();
                reader.read_line(&mut line)?;
            }
            if parameter(&target, "watch").is_some() {
                return self.watch(stream, &target);
            }
            self.page(&mut stream, &target)?;
        }
    }

    fn page(&self, stream: &mut TcpStream, target: &str) -> io::Result<()> {
        let limit = parameter(target, "limit").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
        let from = parameter(target, "continue").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let (revision, items, rest) = {
            let mut state = self.state();
            if from == 0 {
                state.begin_list();
            }
            let list = state.list.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
            let end = from.saturating_add(limit).min(list.items.len());
            (list.revision, list.items[from..end].to_vec(), list.items.len() - end)
        };
        let next = (rest > 0).then_some(from + items.len());
        let page = self.encoding.page(revision, next, &items);
        let content_type = self.encoding.content_type();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            page.len()
        )?;
        stream.write_all(&page)?;
        if rest == 0 {
            let mut state = self.state();
            if let Some(list) = state.list.take() {
                state.listed = Some((list.begun, Instant::now()));
                state.lists += 1;
            }
        }
        Ok(())
    }

    fn watch(&self, mut stream: TcpStream, target: &str) -> io::Result<()> {
        let from: u64 =
            parameter(target, "resourceVersion").and_then(|text| text.parse().ok()).unwrap_or_default();
        let seconds = parameter(target, "timeoutSeconds").and_then(|text| text.parse().ok()).unwrap_or(30);
        let mut state = self.state();
        let content_type = self.encoding.content_type();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type};stream=watch\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )?;
        for (_, event) in state.history.iter().filter(|(revision, _)| *revision > from) {
            stream.write_all(event)?;
        }
        state.watch = Some(Watch { stream, until: Instant::now() + Duration::from_secs(seconds) });
        Ok(())
    }
}

impl State {
    fn begin_list(&mut self) {
        let mut stale = std::mem::take(&mut self.stale);
        stale.sort_unstable();
        stale.dedup();
        for at in stale {
            self.items[at] = self.encoding.item(&self.world.slices[at], self.revision).into();
        }
        self.list = Some(List { begun: Instant::now(), revision: self.revision, items: self.items.clone() });
    }

    fn change(&mut self, at: usize, change: &Change) -> io::Result<Told> {
        self.revision += 1;
        let revision = self.revision;
        let later = self.world.later();
        let slice = self.world.slices.get_mut(at).ok_or(io::ErrorKind::InvalidInput)?;
        let (shown, shows) = match change {
            Change::Replace => {
                // Another place each time.
                let count = slice.peers.len() as u64;
                if let Some(peer) = slice.peers.get_mut((revision % count.max(1)) as usize) {
                    *peer = later;
                }
                (later, Answer::There)
            }
            Change::Set(peers) => {
                let before = std::mem::replace(&mut slice.peers, peers.clone());
                let gone = before.iter().find(|peer| !peers.contains(peer));
                let come = peers.iter().find(|peer| !before.contains(peer));
                match (gone, come) {
                    (Some(gone), _) => (*gone, Answer::Gone),
                    (None, come) => (come.copied().unwrap_or(later), Answer::There),
                }
            }
        };
        let name = slice.peer_name(shown);
        let event = chunk(&self.encoding.event(slice, revision));
        self.stale.push(at);
        let told = Told { at: Instant::now(), name, shows };
        if let Some(watch) = &mut self.watch
            && watch.stream.write_all(&event).is_err()
        {
            self.watch = None;
        }
        self.history.push_back((revision, event));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        Ok(told)
    }

    /// Ends the watch where its time is up; at once, and with an error, where it is to list again.
    fn end_watch(&mut self, expired: bool) {
        let Some(watch) = &mut self.watch else { return };
        if !expired && watch.until > Instant::now() {
            return;
        }
        let end = if expired { chunk(&self.encoding.gone()) } else { Vec::new() };
        // One that has gone has ended, too.
        let _ = watch.stream.write_all(&[&*end, b"0\r\n\r\n"].concat());
        self.watch = None;
    }
}

fn chunk(octets: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", octets.len()).into_bytes();
    chunk.extend_from_slice(octets);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

fn parameter<'a>(target: &'a str, key: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}
