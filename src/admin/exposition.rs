//! Metrics as text: the format that Prometheus and all that scrape like it read (version 0.0.4).

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// The type of such a text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Labels, and their values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    /// The metric whose samples come now.
    name: String,
}

impl Exposition {
    /// Begins a metric. Its samples follow.
    pub(super) fn metric(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        name.clone_into(&mut self.name);
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// A metric with one sample.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.sample(&[], value);
    }

    /// A histogram: how many are within each bound and not within the one before, those above all last, and their sum.
    pub(super) fn histogram<B: Display>(
        &mut self,
        labels: Labels<'_>,
        bounds: impl IntoIterator<Item = B>,
        counts: &[u64],
        sum: impl Display,
    ) {
        let mut total = 0;
        let mut counts = counts.iter();
        for (bound, count) in bounds.into_iter().zip(counts.by_ref()) {
            total += count;
            self.line("_bucket", labels, Some(&bound.to_string()), total);
        }
        total += counts.sum::<u64>();
        self.line("_bucket", labels, Some("+Inf"), total);
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, total);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        let Exposition { text, name } = self;
        text.push_str(name);
        text.push_str(suffix);
        let bound = bound.map(|bound| ("le", bound));
        let mut before = '{';
        for (label, value) in labels.iter().copied().chain(bound) {
            text.push(before);
            text.push_str(label);
            text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    character => text.push(character),
                }
            }
            text.push('"');
            before = ',';
        }
        if before == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A time as metrics have it.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_lines_with_escaped_labels() {
        let mut text = Exposition::default();
        text.metric("a_total", Kind::Counter, "What is counted.");
        text.sample(&[], 3);
        text.sample(&[("zone", "a\\b\"c\nd"), ("proto", "udp")], 0.5);
        text.metric("h", Kind::Histogram, "How large.");
        text.histogram(&[("zone", ".")], [1.0, 2.5], &[1, 2, 4], 10);
        let expected = "# HELP a_total What is counted.\n# TYPE a_total counter\na_total 3\n\
                        a_total{zone=\"a\\\\b\\\"c\\nd\",proto=\"udp\"} 0.5\n\
                        # HELP h How large.\n# TYPE h histogram\n\
                        h_bucket{zone=\".\",le=\"1\"} 1\nh_bucket{zone=\".\",le=\"2.5\"} 3\n\
                        h_bucket{zone=\".\",le=\"+Inf\"} 7\nh_sum{zone=\".\"} 10\nh_count{zone=\".\"} 7\n";
        assert_eq!(text.finish(), expected);
    }
}
