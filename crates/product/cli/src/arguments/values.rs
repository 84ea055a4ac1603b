//! Values that several options take.

use std::num::NonZeroUsize;
use std::time::Duration;

use tacita::Link;
use tacita::graph::Interval;

/// A number of computing parties.
pub fn parties() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(2..=16)
}

/// A network with a latency and a rate.
pub fn network(text: &str) -> Result<Link, String> {
    match text.parse() {
        Ok(link @ Link::Shaped { .. }) => Ok(link),
        _ => {
            Err("not LATENCY_MS,MBIT: milliseconds one way and megabits a second, such as 20,100".to_owned())
        }
    }
}

/// A number of samples.
pub fn batch(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<usize>().map(NonZeroUsize::new) {
        Ok(Some(count)) => Ok(count),
        Ok(None) => Err("0 samples compute nothing: give 1 or more".to_owned()),
        Err(_) => Err("not a number of samples: give 1 or more".to_owned()),
    }
}

/// An open size and its number.
pub fn size(text: &str) -> Result<(String, NonZeroUsize), String> {
    let wrong = || "not NAME=N: an open size of the model and its number, such as sequence=128".to_owned();
    let (name, number) = text.rsplit_once('=').ok_or_else(wrong)?;
    match number.parse::<usize>().map(NonZeroUsize::new) {
        Ok(Some(size)) if !name.is_empty() => Ok((name.to_owned(), size)),
        Ok(None) => Err("a size of 0: give 1 or more".to_owned()),
        _ => Err(wrong()),
    }
}

/// Between which numbers an input lies.
pub fn range(text: &str) -> Result<Interval, String> {
    let number = |part: &str| part.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    // 0...1 may be meant to end at 1, or at .1
    match text
        .split_once("..")
        .filter(|(_, high)| !high.starts_with('.'))
        .map(|(low, high)| (number(low), number(high)))
    {
        Some((Some(min), Some(max))) if min <= max => Ok(Interval { min, max }),
        Some((Some(_), Some(_))) => Err("the first number is above the second".to_owned()),
        _ => Err("not LOW..HIGH: the least and the greatest number, such as 0..1 or -2.5..2.5".to_owned()),
    }
}

/// What a member of a session may be called.
pub fn member_name(text: &str) -> Result<String, String> {
    tacita::check_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

/// A number of threads.
pub fn threads() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=256)
}

/// Whole seconds, up to a day.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 0..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("not a number of seconds from 0 to 86400".to_owned()),
    }
}

/// 32 bytes as 64 hexadecimal digits.
pub fn seed(text: &str) -> Result<[u8; 32], String> {
    let refuse = || "not 64 hexadecimal digits".to_owned();
    let mut seed = [0; 32];
    if text.len() != 2 * seed.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(refuse());
    }
    for (byte, digits) in seed.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| refuse())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| refuse())?;
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_all_of_its_digits() {
        let text: String = (0..32).map(|byte| format!("{:02X}", 8 * byte)).collect();
        assert_eq!(seed(&text), Ok(std::array::from_fn(|byte| 8 * byte as u8)));
        for wrong in ["", "00", &text[1..], &text.replace('0', "g"), &format!("{text}00"), &"é".repeat(32)] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_have_two_ends() {
        for (text, min, max) in
            [("0..1", 0.0, 1.0), ("-2.5..2.5", -2.5, 2.5), ("-3..-1e-3", -3.0, -1e-3), ("4..4", 4.0, 4.0)]
        {
            assert_eq!(range(text), Ok(Interval { min, max }), "{text}");
        }
        for text in ["", "1", "..", "1..", "..1", "0...1", "0..=1", "1..0", "0..inf", "nan..1", "0,1"] {
            assert!(range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_are_whole_and_at_most_a_day() {
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        assert_eq!(seconds("86400"), Ok(Duration::from_secs(86_400)));
        assert!(
            ["-1", "1.5", "86401", "", "a", "99999999999999999999"].iter().all(|text| seconds(text).is_err())
        );
    }
}
