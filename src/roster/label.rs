//! Texts that become part of names: which ones can.

/// Whether a text is a lower-case RFC 1123 label: what Kubernetes takes for namespaces, Services and hostnames.
pub fn is_dns_label(text: &str) -> bool {
    let letter = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let octets = text.as_bytes();
    octets.len() <= DNS_LABEL_MAX
        && octets.first().is_some_and(letter)
        && octets.last().is_some_and(letter)
        && octets.iter().all(|octet| letter(octet) || *octet == b'-')
}

/// Whether a text can stand before the `@` of a node name: `^[0-9A-Za-z_-]+$` in Erlang's `net_kernel`.
pub fn is_basename(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'))
}

/// Longest label of a name, in octets (RFC 1035 2.3.4).
const DNS_LABEL_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lower_case_rfc_1123() {
        let longest = "x".repeat(63);
        for text in ["a", "0", "a-0", "10-0-0-1", &longest] {
            assert!(is_dns_label(text), "{text}");
        }
        let longer = "x".repeat(64);
        for text in ["", "-", "-a", "a-", "A", "a.b", "a_b", "é", &longer] {
            assert!(!is_dns_label(text), "{text}");
        }
    }

    #[test]
    fn basenames_are_erlangs() {
        for text in ["a", "my_app-1", "-", "MyApp"] {
            assert!(is_basename(text), "{text}");
        }
        for text in ["", "a@b", "a.b", "a b", "é"] {
            assert!(!is_basename(text), "{text}");
        }
    }
}
