//! Texts that hold what others wrote, as one line of a log or a terminal.

use std::fmt::{self, Display, Write};

/// Most characters of a line. What is longer was not written for people.
const LINE_MAX: usize = 1_000;

/// Shows a text with whatever would end the line or steer a terminal escaped, and cut where it is very long.
#[derive(Debug, Clone, Copy)]
pub struct OneLine<T>(pub T);

impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line { out: f, left: LINE_MAX };
        match write!(line, "{}", self.0) {
            Err(_) if line.left == 0 => f.write_str("…"),
            result => result,
        }
    }
}

struct Line<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    left: usize,
}

impl Write for Line<'_, '_> {
    /// Fails where the line is full.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            // Bidirectional controls reorder what stands around them.
            let steers = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
            if character.is_control() || steers {
                write!(self.out, "{}", character.escape_default())?;
            } else {
                self.out.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_stay_one_line_of_bounded_length() {
        assert_eq!(OneLine("plain – text").to_string(), "plain – text");
        assert_eq!(OneLine("a\nb\u{1b}[2J\u{202e}").to_string(), "a\\nb\\u{1b}[2J\\u{202e}");
        let long = OneLine("x".repeat(300_000)).to_string();
        assert_eq!(long.chars().count(), LINE_MAX + 1);
        assert!(long.ends_with("x…"));
        assert_eq!(OneLine("y".repeat(LINE_MAX)).to_string().chars().count(), LINE_MAX);
    }
}
