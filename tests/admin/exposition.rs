//! A parser of metrics that shares nothing with what writes them. It panics at what the format does not allow.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by name and labels, as `name{a="b"}`, labels in order of their names.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) samples: BTreeMap<String, f64>,
    /// The type of each metric.
    pub(crate) types: BTreeMap<String, String>,
}

impl Metrics {
    /// Reads a text.
    pub(crate) fn read(text: &str) -> Metrics {
        let mut metrics = Metrics { samples: BTreeMap::new(), types: BTreeMap::new() };
        let mut helped = BTreeSet::new();
        let mut current = String::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()), "help twice: {line}");
                assert!(!help.is_empty(), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(helped.contains(name), "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(
                    metrics.types.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "type twice: {line}"
                );
                name.clone_into(&mut current);
            } else {
                let (name, labels, value) = sample(line);
                let own =
                    name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{line} below {current}"));
                let suffixes: &[&str] = if metrics.types[&current] == "histogram" {
                    &["_bucket", "_sum", "_count"]
                } else {
                    &[""]
                };
                assert!(suffixes.contains(&own), "{line} below {current}");
                let labels: Vec<String> =
                    labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                let key = format!("{name}{{{}}}", labels.join(","));
                assert!(metrics.samples.insert(key, value).is_none(), "sample twice: {line}");
            }
        }
        metrics
    }

    /// The value of a sample; 0 where there is none.
    pub(crate) fn value(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or(0.0)
    }

    /// The sum of all samples of a metric that have all of these labels, written `name="value"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name = self.samples.iter().filter(|(key, _)| key.split('{').next() == Some(name));
        of_name
            .filter(|(key, _)| labels.iter().all(|label| key.contains(label)))
            .map(|(_, value)| value)
            .sum()
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            let mut value = String::new();
            let mut characters = after.char_indices();
            let end = loop {
                match characters.next().unwrap() {
                    (at, '"') => break at + 1,
                    (_, '\\') => value.push(match characters.next().unwrap().1 {
                        'n' => '\n',
                        escaped @ ('\\' | '"') => escaped,
                        other => panic!("\\{other} in {line}"),
                    }),
                    (_, character) => value.push(character),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = after.split_at(end).1;
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap();
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().parse().unwrap())
}
