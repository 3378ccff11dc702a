//! Which name was meant.

/// The candidate nearest to what was written, if any is near: one that is written with other case or separators, that
/// contains it or is contained in it, or that differs by a few letters.
pub(super) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer texts are no misspelt name, and the work grows with their square.
    const LONGEST: usize = 80;
    let written = folded(written);
    if written.is_empty() || written.len() > LONGEST {
        return None;
    }
    let near = candidates.into_iter().filter_map(|candidate| {
        let folded = folded(candidate);
        let distance = distance_between(&written, &folded)?;
        // Who leaves out a part of a name is likelier than who adds one.
        Some(((distance, folded.len() < written.len()), candidate))
    });
    near.min_by_key(|(rank, _)| *rank).map(|(_, candidate)| candidate)
}

/// Lower-case letters and digits only: `clusterDomain`, `cluster-domain` and `cluster_domain` are one.
fn folded(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How far two names are apart; nothing where too far for a mistake.
fn distance_between(a: &[char], b: &[char]) -> Option<usize> {
    // A name in a name is nearer than one that shares some letters, but a word of two letters is in many.
    const CONTAINED_FROM: usize = 4;
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let contained = short.len() >= CONTAINED_FROM && long.windows(short.len()).any(|window| window == short);
    let distance = edits(a, b);
    let few = distance <= (long.len() / 3).max(1) && distance < short.len();
    (contained || few).then_some(distance)
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, letter_a) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        let mut last_b = None;
        for (j, letter_b) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&above, j) + usize::from(letter_a != letter_b);
            let mut least = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if j > 0 && last_a == Some(letter_b) && last_b == Some(letter_a) {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
            last_b = Some(letter_b);
        }
        last_a = Some(letter_a);
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["cluster_domain", "zone", "listen", "ttl", "node_basename", "namespaces", "server"];
        for (written, meant) in [
            ("lissten", Some("listen")),
            ("litsen", Some("listen")),
            ("clusterDomain", Some("cluster_domain")),
            ("cluster-domain", Some("cluster_domain")),
            ("Zone", Some("zone")),
            ("basename", Some("node_basename")),
            ("namespace", Some("namespaces")),
            ("tll", Some("ttl")),
            ("servre", Some("server")),
            ("x", None),
            ("", None),
            ("metrics", None),
        ] {
            assert_eq!(nearest(written, names), meant, "{written}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), names), None);
    }

    #[test]
    fn edits_are_counted() {
        let count = |a: &str, b: &str| edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 1)]
        {
            assert_eq!(count(a, b), expected, "{a} {b}");
        }
    }
}
