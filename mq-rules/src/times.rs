//! Times as Java's clients write them: `yyyyMMddHHmmss`, by the clock on the wall.

use std::fmt;

/// A time by the clock on the wall, in whatever zone that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The year, from 1970.
    pub year: i16,
    /// The month, from 1.
    pub month: i8,
    /// The day of the month, from 1.
    pub day: i8,
    /// The hour, to 23.
    pub hour: i8,
    /// The minute.
    pub minute: i8,
    /// The second.
    pub second: i8,
}

/// Reads `yyyyMMddHHmmss`. Unlike Java, which takes the 31st of February for the 3rd of March, it takes
/// days that the calendar has.
///
/// # Errors
///
/// Why the text is no time.
pub fn timestamp(text: &str) -> Result<LocalTime, String> {
    let wrong = |what: &str| {
        format!("`{text}` is no time: {what}, write year to second, as in `20260131235959`")
    };
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("it has not just 14 digits"));
    }
    let two = |at: usize| {
        let digits = text.get(at..at + 2).and_then(|digits| digits.parse().ok());
        digits.unwrap_or_default()
    };
    let time = LocalTime {
        year: text
            .get(..4)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default(),
        month: two(4),
        day: two(6),
        hour: two(8),
        minute: two(10),
        second: two(12),
    };
    if time.year < 1970 {
        return Err(wrong("its year is before 1970"));
    }
    if !(1..=12).contains(&time.month) {
        return Err(wrong("there is no such month"));
    }
    if !(1..=days_of(time.year, time.month)).contains(&time.day) {
        return Err(wrong("the month has no such day"));
    }
    if time.hour > 23 || time.minute > 59 || time.second > 59 {
        return Err(wrong("the day has no such time"));
    }
    Ok(time)
}

fn days_of(year: i16, month: i8) -> i8 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The text that [`timestamp`] reads.
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_written_alike() {
        for text in ["20260131235959", "20240229000000", "19700101000000"] {
            assert_eq!(timestamp(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_time_says_why() {
        for (text, why) in [
            ("", "14 digits"),
            ("2026-01-31 23:59", "14 digits"),
            ("2026013123595", "14 digits"),
            ("2026013123595９", "14 digits"),
            ("19690131235959", "before 1970"),
            ("20261331235959", "no such month"),
            ("20260031235959", "no such month"),
            ("20260229235959", "no such day"),
            ("21000229235959", "no such day"),
            ("20260100235959", "no such day"),
            ("20260131245959", "no such time"),
            ("20260131236059", "no such time"),
            ("20260131235960", "no such time"),
        ] {
            let error = timestamp(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
