//! A terminal that is written anew in place, and read key by key. It is given back as it was.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// To the other screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// To the first place; to the end of the line, and of the screen, cleared.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_REST: &str = "\x1b[J";

/// What Ctrl-C and Ctrl-D send where they are keys like others.
const INTERRUPT: u8 = 3;
const END: u8 = 4;

/// The size of a terminal that does not tell it.
const SIZE: Size = (80, 24);

/// Columns and rows.
type Size = (usize, usize);

/// How soon another size is seen.
const GLANCE: Duration = Duration::from_millis(200);

/// What a wait was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// The time is over.
    Over,
    /// The terminal has another size.
    Resized,
    /// A key ends it, or nobody is there any more.
    Ended,
}

/// The terminal, taken over.
pub(super) struct Terminal {
    before: Termios,
    stdin: io::Stdin,
    stdout: io::Stdout,
}

impl Terminal {
    /// Takes it over, where standard input and output are one whose cursor moves.
    pub(super) fn take() -> Option<Terminal> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        // terminfo(5) has two that do nothing but print: editors' shells and logs say that they are such.
        let prints = std::env::var_os("TERM").is_some_and(|term| term == "dumb" || term == "unknown");
        if prints || !stdin.is_terminal() || !stdout.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut keys = before.clone();
        keys.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        // Reads return what there is.
        keys.special_codes[SpecialCodeIndex::VMIN] = 0;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&stdin, OptionalActions::Now, &keys).ok()?;
        let terminal = Terminal { before, stdin, stdout };
        let _ = terminal.write(ENTER);
        Some(terminal)
    }

    /// Shows these lines, as many and as much of them as there is room for. Returns the size that it was shown in.
    pub(super) fn show(&self, lines: &[String]) -> io::Result<Size> {
        let size = self.size();
        let (columns, rows) = size;
        let mut text = HOME.to_owned();
        for (place, line) in lines.iter().take(rows).enumerate() {
            let gap = if place == 0 { "" } else { "\r\n" };
            // Writing to a string does not fail.
            let _ = write!(text, "{gap}{}{CLEAR_LINE}", cut(line, columns));
        }
        text.push_str(CLEAR_REST);
        self.write(&text)?;
        Ok(size)
    }

    /// Waits until then, or for a key that ends it, or for another size than this.
    pub(super) fn wait(&self, until: Instant, size: Size) -> Waited {
        loop {
            let left = until.saturating_duration_since(Instant::now()).min(GLANCE);
            let mut polled = [PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut polled, timeout) {
                Ok(0) if self.size() != size => return Waited::Resized,
                Ok(0) if left < GLANCE => return Waited::Over,
                Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
                Ok(_) => {}
                Err(_) => return Waited::Ended,
            }
            let mut keys = [0; 32];
            match self.stdin.lock().read(&mut keys) {
                // Nobody is there any more.
                Ok(0) | Err(_) => return Waited::Ended,
                Ok(count) => {
                    let mut keys = keys.iter().take(count);
                    if keys.any(|key| matches!(key, b'q' | b'Q' | &INTERRUPT | &END)) {
                        return Waited::Ended;
                    }
                }
            }
        }
    }

    /// Styles and steps are written as they are: whoever has no colour gave lines without.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = self.stdout.lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn size(&self) -> Size {
        match tcgetwinsize(&self.stdout) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            _ => SIZE,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.write(LEAVE);
        let _ = tcsetattr(&self.stdin, OptionalActions::Now, &self.before);
    }
}

/// As much of a line as fits, with all of its styles.
fn cut(line: &str, columns: usize) -> String {
    let (mut text, mut room, mut in_style) = (String::with_capacity(line.len()), columns, false);
    for character in line.chars() {
        match character {
            '\x1b' => in_style = true,
            'm' if in_style => {
                in_style = false;
                text.push('m');
                continue;
            }
            _ => {}
        }
        if in_style {
            text.push(character);
        } else if let Some(left) = room.checked_sub(1) {
            room = left;
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_styles_are_closed() {
        for (line, columns, expected) in [
            ("plain", 10, "plain"),
            ("plain", 3, "pla"),
            ("\x1b[1mbold\x1b[0m rest", 2, "\x1b[1mbo\x1b[0m"),
            ("am\x1b[31mm\x1b[0m", 3, "am\x1b[31mm\x1b[0m"),
        ] {
            assert_eq!(cut(line, columns), expected, "{line:?}");
        }
    }
}
