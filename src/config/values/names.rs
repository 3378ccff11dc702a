//! Names of zones, sets, namespaces and nodes; selectors.

use super::Invalid;
use crate::roster::{Selector, is_basename, is_dns_label};
use crate::wire::Name;

/// A domain name of letters, digits, hyphens and underscores, not the root.
pub(in crate::config) fn domain(text: &str) -> Result<Name, Invalid> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(Invalid::DomainCharacter(character));
    }
    not_root(text)
}

/// A mailbox as a domain name (RFC 1035 8), in which any octet may be escaped.
pub(in crate::config) fn hostmaster(text: &str) -> Result<Name, Invalid> {
    if text.contains('@') {
        return Err(Invalid::MailAddress);
    }
    not_root(text)
}

fn not_root(text: &str) -> Result<Name, Invalid> {
    if text.is_empty() {
        return Err(Invalid::Empty);
    }
    let name: Name = text.parse().map_err(Invalid::Domain)?;
    if name == Name::root() { Err(Invalid::Root) } else { Ok(name) }
}

/// A name as settings write it: without the final dot.
pub(in crate::config) fn domain_text(name: &Name) -> String {
    let text = name.to_string();
    match text.strip_suffix('.') {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => text,
    }
}

/// A lower-case RFC 1123 label.
pub(in crate::config) fn label(text: &str) -> Result<Box<str>, Invalid> {
    if is_dns_label(text) { Ok(text.into()) } else { Err(Invalid::Label) }
}

/// A namespace, or `"."` for the one that rosterd runs in.
pub(in crate::config) fn namespace(text: &str) -> Result<Box<str>, Invalid> {
    if text == "." { Ok(text.into()) } else { label(text) }
}

/// What stands before the `@` of a node name.
pub(in crate::config) fn basename(text: &str) -> Result<Box<str>, Invalid> {
    if is_basename(text) { Ok(text.into()) } else { Err(Invalid::Basename) }
}

/// Any text but none.
pub(in crate::config) fn filled(text: &str) -> Result<(), Invalid> {
    if text.is_empty() { Err(Invalid::Empty) } else { Ok(()) }
}

/// A label selector.
pub(in crate::config) fn selector(text: &str) -> Result<Selector, Invalid> {
    text.parse().map_err(Invalid::Selector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::NameError;

    #[test]
    fn domains_are_plain_names() {
        assert_eq!(domain("Peers.Example.").map(|name| domain_text(&name)), Ok("peers.example".to_owned()));
        for (text, error) in [
            ("", Invalid::Empty),
            (".", Invalid::Root),
            ("a..b", Invalid::Domain(NameError::EmptyLabel)),
            ("a b", Invalid::DomainCharacter(' ')),
            ("a\\.b", Invalid::DomainCharacter('\\')),
            ("bücher.example", Invalid::DomainCharacter('ü')),
        ] {
            assert_eq!(domain(text), Err(error), "{text}");
        }
        let long = "a".repeat(64);
        assert_eq!(domain(&long), Err(Invalid::Domain(NameError::LabelTooLong(64))));
    }

    #[test]
    fn a_hostmaster_is_a_domain_name() {
        let name = hostmaster("dns\\.admin.example.org").unwrap();
        assert_eq!(domain_text(&name), "dns\\.admin.example.org");
        assert_eq!(hostmaster("admin@example.org"), Err(Invalid::MailAddress));
        assert_eq!(hostmaster("."), Err(Invalid::Root));
    }

    #[test]
    fn labels_and_basenames() {
        let longest = "a".repeat(63);
        let long = "a".repeat(64);
        for good in ["a", "0", "my-app", "7-up", &longest] {
            assert_eq!(label(good), Ok(good.into()));
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", ".", &long] {
            assert_eq!(label(bad), Err(Invalid::Label), "{bad}");
        }
        assert_eq!(namespace("."), Ok(".".into()));
        for good in ["my_app", "MyApp-1", "0"] {
            assert_eq!(basename(good), Ok(good.into()));
        }
        for bad in ["", "my.app", "a@b", "a b", "ü"] {
            assert_eq!(basename(bad), Err(Invalid::Basename), "{bad}");
        }
    }
}
