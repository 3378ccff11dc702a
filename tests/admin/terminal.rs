//! `rosterd top` on a terminal: what is seen there, in any size, and that it is given back as it was.

use crate::rosterd::PATIENCE;
use crate::scene::Scene;
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::tcgetattr;
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A terminal, `top` in it, and what it has written so far.
struct Terminal {
    keys: File,
    /// The side that programs see.
    device: OwnedFd,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    top: Child,
}

impl Terminal {
    fn new(scene: &Scene, size: (u16, u16), interval: &str, environment: &[(&str, &str)]) -> Terminal {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        resize(&master, size);
        let [input, output] = [(); 2].map(|()| slave.try_clone().unwrap());
        let top = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .args(["top", "--interval", interval, "--url", &format!("http://{}", scene.api)])
            .env_clear()
            .env("TERM", "xterm-256color")
            .envs(environment.iter().copied())
            .stdin(input)
            .stdout(output)
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut octets) {
                if sender.send(octets[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { keys, device: slave, output, seen: Vec::new(), top }
    }

    /// Waits until what was written holds.
    fn wait_for(&mut self, what: &str, holds: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            let text = |seen: &[u8]| String::from_utf8_lossy(seen).into_owned();
            let more = self.output.recv_timeout(left);
            self.seen.extend(more.unwrap_or_else(|_| panic!("no {what} in {:?}", text(&self.seen))));
        }
    }

    /// Waits for a whole screen that holds, and returns its lines.
    fn screen(&mut self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.wait_for(what, |seen| screens(seen).iter().any(|screen| holds(screen)));
        screens(&self.seen).into_iter().find(|screen| holds(screen)).unwrap()
    }

    /// Presses keys.
    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Waits until it has ended, as it should.
    fn end(mut self) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.top.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "it goes on"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{status}");
        let last = b"\x1b[?25h\x1b[?1049l";
        self.wait_for("the former screen", |seen| seen.ends_with(last));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.top.kill();
        let _ = self.top.wait();
    }
}

fn resize(terminal: &OwnedFd, (columns, rows): (u16, u16)) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

/// The whole screens that were written, as their lines without styles.
fn screens(seen: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(seen);
    let whole = text.split("\x1b[H").skip(1).filter_map(|screen| screen.split_once("\x1b[J"));
    let lines = |screen: &str| -> Vec<String> {
        // The device adds a carriage return of its own to each line feed.
        let lines = screen.split('\n').map(|line| line.trim_end_matches('\r'));
        lines.map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    };
    whole.map(|(screen, _)| lines(screen)).collect()
}

#[test]
fn a_terminal_of_any_size_is_filled_and_given_back() {
    let scene = Scene::new();
    let sizes = [(20, 5), (1, 1), (200, 60)];
    for (ends, sizes) in [(&b"q"[..], &sizes[..]), (b"Q", &[]), (b"\x03", &[]), (b"\x04", &[])] {
        let mut terminal = Terminal::new(&scene, (100, 30), "3600", &[]);
        let before = tcgetattr(&terminal.device).unwrap();
        let screen = terminal.screen("a screen", |lines| lines.iter().any(|line| line.contains("q ends")));
        assert!(screen[0].starts_with("ready: rosterd "), "{screen:?}");
        assert!(screen.iter().any(|line| line.contains("default") && line.contains("not all")), "{screen:?}");
        assert!(screen.iter().all(|line| line.chars().count() <= 100) && screen.len() <= 30, "{screen:?}");
        assert!(terminal.seen.starts_with(b"\x1b[?1049h\x1b[?25l"), "another screen, without a cursor");
        assert_ne!(tcgetattr(&terminal.device).unwrap(), before, "keys come one by one");
        // It goes on with another size, and other keys are none that end it: arrows, pages, a letter of two octets.
        let device = terminal.device.try_clone().unwrap();
        for &size in sizes {
            terminal.press("\x1b[A\x1b[B\x1b[5~x\u{e4}".as_bytes());
            terminal.seen.clear();
            resize(&device, size);
            let (columns, rows) = (usize::from(size.0), usize::from(size.1));
            // At once, not with the next look.
            terminal.wait_for("a screen", |seen| !screens(seen).is_empty());
            let last = screens(&terminal.seen).pop().unwrap();
            assert!(last.len() <= rows, "{size:?}: {last:?}");
            assert!(last.iter().all(|line| line.chars().count() <= columns), "{size:?}: {last:?}");
            assert!(!last[0].is_empty(), "{size:?}");
        }
        terminal.press(ends);
        terminal.end();
        assert_eq!(tcgetattr(&device).unwrap(), before);
    }
}

#[test]
fn what_is_written_suits_the_terminal() {
    let scene = Scene::new();
    let styled = |seen: &[u8]| seen.windows(3).any(|three| three == b"\x1b[1" || three == b"\x1b[3");
    for (environment, colour) in [
        (&[][..], true),
        (&[("LC_ALL", "C")], true),
        (&[("LC_ALL", "de_DE.ISO-8859-1")], true),
        (&[("NO_COLOR", "1")], false),
    ] {
        let mut terminal = Terminal::new(&scene, (100, 30), "3600", environment);
        terminal.screen("a screen", |lines| lines.iter().any(|line| line.contains("q ends")));
        // Without knowing what it is encoded in, nothing but ASCII is right everywhere.
        assert!(terminal.seen.is_ascii(), "{environment:?}");
        assert_eq!(
            styled(&terminal.seen),
            colour,
            "{environment:?}: {:?}",
            String::from_utf8_lossy(&terminal.seen)
        );
        terminal.press(b"q");
        terminal.end();
    }
    // One whose cursor does not move gets lines, as a pipe does.
    let mut terminal = Terminal::new(&scene, (100, 30), "1", &[("TERM", "dumb")]);
    terminal.wait_for("three lines", |seen| seen.split(|octet| *octet == b'\n').count() > 3);
    assert!(!terminal.seen.contains(&0x1b), "{:?}", String::from_utf8_lossy(&terminal.seen));
    assert!(String::from_utf8_lossy(&terminal.seen).trim_start().starts_with("READY"));
}

#[test]
fn who_reads_from_a_pipe_may_leave() {
    let scene = Scene::new();
    let mut top = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(["top", "--interval", "1", "--url", &format!("http://{}", scene.api)])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut head = [0; 8];
    top.stdout.take().unwrap().read_exact(&mut head).unwrap();
    // The pipe is closed: the next line ends it, and that is no failure.
    let output = top.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
