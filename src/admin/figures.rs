//! Figures as people read them.

/// A count with its thousands apart: `12,345`.
pub(crate) fn count(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many a second: `0`, `0.3`, `12.5`, `1,250`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 0.05 {
        return "0".to_owned();
    }
    if per_second < 100.0 {
        return format!("{per_second:.1}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above 100; saturates")]
    let whole = per_second.round() as u64;
    count(whole)
}

/// A time: `0 s`, `59 s`, `12 min`, `3 h 20 min`, `4 d 2 h`.
pub(crate) fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = seconds.max(0.0) as u64;
    let two = |first: u64, unit: &str, second: u64, smaller: &str| match second {
        0 => format!("{first} {unit}"),
        second => format!("{first} {unit} {second} {smaller}"),
    };
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min", whole / 60),
        3600..86_400 => two(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => two(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

/// Memory: `512 KiB`, `41.3 MiB`, `1.2 GiB`.
pub(crate) fn octets(octets: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut left = octets as f64 / 1024.0;
    for unit in ["KiB", "MiB"] {
        if left < 1024.0 {
            let places = usize::from(unit != "KiB");
            return format!("{left:.places$} {unit}");
        }
        left /= 1024.0;
    }
    format!("{left:.1} GiB")
}

/// `1 set`, `2 sets`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_at_a_glance() {
        let counts =
            [(0_u64, "0"), (999, "999"), (1000, "1,000"), (150_000, "150,000"), (1_234_567, "1,234,567")];
        for (number, text) in counts {
            assert_eq!(count(number), text);
        }
        for (number, text) in [(0.0, "0"), (0.04, "0"), (0.3, "0.3"), (99.94, "99.9"), (12_500.4, "12,500")] {
            assert_eq!(rate(number), text);
        }
        for (seconds, text) in [
            (-1.0, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (3600.0, "1 h"),
            (12_000.0, "3 h 20 min"),
            (90_000.0, "1 d 1 h"),
            (172_800.0, "2 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
        for (number, text) in [(524_288, "512 KiB"), (43_300_000, "41.3 MiB"), (1_300_000_000, "1.2 GiB")] {
            assert_eq!(octets(number), text);
        }
        assert_eq!(
            (counted(1, "set"), counted(2000, "peer")),
            ("1 set".to_owned(), "2,000 peers".to_owned())
        );
    }
}
