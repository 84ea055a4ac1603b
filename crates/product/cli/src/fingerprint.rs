//! Fingerprints for people to compare, and dates for them to read.

/// Bytes of a hash that are read aloud: 80 bits, which nobody finds a second certificate or session file for.
const SPOKEN: usize = 10;

/// The beginning of a hash in groups of four digits.
pub fn short(hash: &[u8]) -> String {
    let groups = hash.chunks(2).take(SPOKEN / 2).map(tacita::hex);
    groups.collect::<Vec<_>>().join(" ")
}

/// The day of a moment, in seconds since 1970, as YYYY-MM-DD in UTC.
pub fn day(seconds: i64) -> String {
    // days since the first of March of the year 0, in cycles of 400 years: leap days end years, cycles are alike
    // (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days)
    let days = seconds.div_euclid(86_400) + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", 400 * cycle + year + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_four() {
        let hash: [u8; 32] = std::array::from_fn(|byte| 17u8.wrapping_mul(byte as u8));
        assert_eq!(short(&hash), "0011 2233 4455 6677 8899");
    }

    /// Every day of 800 years, counted one by one.
    #[test]
    fn days_follow_each_other() {
        let (mut year, mut month, mut date) = (1970, 1, 1);
        for days in 0..292_194 {
            assert_eq!(day(days * 86_400 + days % 86_400), format!("{year:04}-{month:02}-{date:02}"));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + i32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            date += 1;
            if date > length {
                (month, date) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(day(-1), "1969-12-31");
    }
}
