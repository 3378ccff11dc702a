//! LOC data (RFC 1876): `52 22 23 N 4 53 32 E -2.00m 0.00m 10000m 10m`.

use std::fmt::Write as _;

/// Where the equator and the prime meridian stand: in thousandths of a second of arc (RFC 1876 2).
const MIDDLE: u32 = 1 << 31;

/// Centimetres that the altitude is counted from below sea level (RFC 1876 2).
const BELOW_SEA: i64 = 10_000_000;

/// Size and precisions where none are written, in centimetres: 1 m, 10,000 m, 10 m (RFC 1876 3).
const DEFAULTS: [u64; 3] = [100, 1_000_000, 1_000];

/// The data of the words; `None` where they say no location.
pub(super) fn read(words: &[&[u8]]) -> Option<Vec<u8>> {
    let words: Vec<&str> = words.iter().map(|word| std::str::from_utf8(word).ok()).collect::<Option<_>>()?;
    let (latitude, rest) = angle(&words, 90, ["N", "S"])?;
    let (longitude, rest) = angle(rest, 180, ["E", "W"])?;
    let (altitude, rest) = rest.split_first()?;
    let altitude = centimetres(altitude)?.checked_add(BELOW_SEA)?;
    let mut sizes = DEFAULTS;
    if rest.len() > sizes.len() {
        return None;
    }
    for (size, word) in sizes.iter_mut().zip(rest) {
        *size = u64::try_from(centimetres(word)?).ok()?;
    }
    let [size, horizontal, vertical] = sizes.map(precision);
    let mut data = vec![0, size?, horizontal?, vertical?];
    data.extend_from_slice(&latitude.to_be_bytes());
    data.extend_from_slice(&longitude.to_be_bytes());
    data.extend_from_slice(&u32::try_from(altitude).ok()?.to_be_bytes());
    Some(data)
}

/// Degrees, minutes and seconds up to one of two directions, and what follows.
fn angle<'a>(words: &'a [&'a str], most: u64, directions: [&str; 2]) -> Option<(u32, &'a [&'a str])> {
    let end =
        words.iter().take(4).position(|word| directions.iter().any(|way| way.eq_ignore_ascii_case(word)))?;
    let (numbers, rest) = words.split_at_checked(end)?;
    let (direction, rest) = rest.split_first()?;
    let degrees: u64 = whole(numbers.first()?)?;
    let minutes = numbers.get(1).map_or(Some(0), |word| whole(word))?;
    let thousandths = numbers.get(2).map_or(Some(0), |word| decimal(word, 3))?;
    let total = (degrees * 60 + minutes) * 60_000 + thousandths;
    if degrees > most || minutes > 59 || thousandths > 59_999 || total > most * 3_600_000 {
        return None;
    }
    let total = u32::try_from(total).ok()?;
    let positive = directions.first()?.eq_ignore_ascii_case(direction);
    Some((if positive { MIDDLE.checked_add(total)? } else { MIDDLE.checked_sub(total)? }, rest))
}

fn centimetres(word: &str) -> Option<i64> {
    let word = word.strip_suffix(['m', 'M']).unwrap_or(word);
    let (negative, digits) = word.strip_prefix('-').map_or((false, word), |digits| (true, digits));
    let value = i64::try_from(decimal(digits, 2)?).ok()?;
    Some(if negative { -value } else { value })
}

fn whole(word: &str) -> Option<u64> {
    super::text::number::<u32>(word.as_bytes()).map(u64::from)
}

/// A decimal number in units of its last place of `places`.
fn decimal(word: &str, places: usize) -> Option<u64> {
    let (whole_part, fraction) = word.split_once('.').unwrap_or((word, ""));
    if fraction.len() > places || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<places$}").parse().ok()?;
    Some(whole(whole_part)? * 10_u64.pow(u32::try_from(places).ok()?) + fraction)
}

/// RFC 1876 2: a digit and a power of ten, each in four bits; what is between is rounded down.
fn precision(centimetres: u64) -> Option<u8> {
    let (mut mantissa, mut exponent) = (centimetres, 0_u8);
    while mantissa > 9 {
        mantissa /= 10;
        exponent += 1;
    }
    (exponent <= 9).then_some(u8::try_from(mantissa).ok()? << 4 | exponent)
}

/// Adds the text of data of 16 octets.
pub(in crate::zone) fn add_text(text: &mut String, data: &[u8]) {
    let Some(&[_, size, horizontal, vertical, ref places @ ..]) = data.first_chunk::<16>() else { return };
    let mut fields = places.as_chunks::<4>().0.iter().map(|field| u32::from_be_bytes(*field));
    let [latitude, longitude, altitude] = [(); 3].map(|()| fields.next().unwrap_or(MIDDLE));
    for (value, [positive, negative]) in [(latitude, ["N", "S"]), (longitude, ["E", "W"])] {
        let direction = if value >= MIDDLE { positive } else { negative };
        let thousandths = value.abs_diff(MIDDLE);
        let (seconds, minutes) = (thousandths / 1000, thousandths / 60_000);
        let _ = write!(
            text,
            "{} {} {}.{:03} {direction} ",
            minutes / 60,
            minutes % 60,
            seconds % 60,
            thousandths % 1000
        );
    }
    let altitude = i64::from(altitude) - BELOW_SEA;
    let sign = if altitude < 0 { "-" } else { "" };
    let _ = write!(text, "{sign}{}.{:02}m", altitude.abs() / 100, altitude.abs() % 100);
    for size in [size, horizontal, vertical] {
        let centimetres = u64::from(size >> 4) * 10_u64.pow(u32::from(size & 15));
        let _ = write!(text, " {}.{:02}m", centimetres / 100, centimetres % 100);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<u8>> {
        super::read(&text.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    #[test]
    fn locations_are_read_and_written() {
        for (text, written) in [
            (
                "42 21 54 N 71 06 18 W -24m 30m",
                "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
            ),
            ("52 N 4 E 0", "52 0 0.000 N 4 0 0.000 E 0.00m 1.00m 10000.00m 10.00m"),
            (
                "32 7 19 s 116 2 25.5 e 10.25m 0.01m 90m 1m",
                "32 7 19.000 S 116 2 25.500 E 10.25m 0.01m 90.00m 1.00m",
            ),
            (
                "90 0 0 N 180 0 0 W 42849672.95m",
                "90 0 0.000 N 180 0 0.000 W 42849672.95m 1.00m 10000.00m 10.00m",
            ),
        ] {
            let data = read(text).unwrap_or_else(|| panic!("{text}"));
            let mut back = String::new();
            add_text(&mut back, &data);
            assert_eq!(back, written, "{text}");
            assert_eq!(read(&back), Some(data));
        }
        assert_eq!(read("0 N 0 E 0m").unwrap(), b"\0\x12\x16\x13\x80\0\0\0\x80\0\0\0\0\x98\x96\x80");
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for text in [
            "",
            "91 N 0 E 0m",
            "90 0 1 N 0 E 0m",
            "0 60 N 0 E 0m",
            "0 0 60 N 0 E 0m",
            "0 0 0.0001 N 0 E 0m",
            "0 N 181 E 0m",
            "0 N 0 E",
            "0 E 0 N 0m",
            "0 N 0 E -100001m",
            "0 N 0 E 42949672.96m",
            "0 N 0 E 0m 1m 1m 1m 1m",
            "0 N 0 E 0m -1m",
            "0 N 0 E 0m 100000000000m",
            "1.5 N 0 E 0m",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
