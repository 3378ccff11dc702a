//! Texts as parts of paths and queries.

use std::fmt::Write as _;

/// A text as one segment of a path, or as a value of a query: everything but unreserved characters escaped (RFC 3986
/// 2.3).
pub(crate) fn component(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(octet));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        for (text, escaped) in [
            ("my-app_1.x~", "my-app_1.x~"),
            ("a b&c=/?#%", "a%20b%26c%3D%2F%3F%23%25"),
            ("ä", "%C3%A4"),
            ("", ""),
        ] {
            assert_eq!(component(text), escaped);
        }
    }
}
