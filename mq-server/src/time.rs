//! Times as people write and read them, in UTC.

use std::str::FromStr;
use std::time::Duration;

use mq_core::message::Date;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `2026-11-29 14:05:09`.
pub(crate) fn shown(at_ms: i64) -> String {
    let Date { year, month, day } = Date::at(at_ms);
    let seconds = at_ms.div_euclid(1000).rem_euclid(24 * 60 * 60);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// A time that may not be known.
pub(crate) fn shown_if_known(at_ms: Option<i64>) -> String {
    at_ms.map_or_else(|| "-".to_owned(), shown)
}

/// A time that was typed: of the calendar, in ms since 1970, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypedTime {
    /// ms since 1970.
    At(i64),
    /// So long before now.
    Ago(Duration),
}

impl TypedTime {
    /// ms since 1970.
    pub(crate) fn at_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::At(at_ms) => at_ms,
            Self::Ago(ago) => {
                let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
                now_ms.saturating_sub_unsigned(ago)
            }
        }
    }
}

impl FromStr for TypedTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            let at_ms = text.parse().map_err(|_too_large| wrong(text))?;
            return Ok(Self::At(at_ms));
        }
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        calendar(text).map(Self::At).ok_or_else(|| wrong(text))
    }
}

fn wrong(text: &str) -> String {
    format!(
        "`{text}` is no time: write `2026-11-29 14:05:09` (UTC), `2026-11-29`, milliseconds since 1970, \
         or how long ago it was, such as `30s`, `10m`, `2h` or `1d`"
    )
}

/// `30s`, `10m`, `2h`, `1d`.
fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// `2026-11-29`, or with a time of day behind a space or a `T`, and perhaps a `Z` at the end.
fn calendar(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-')?;
    let midnight = days_since_1970(year, month, day)? * DAY_MS;
    let in_day = match time {
        Some(time) => time_of_day(time)?,
        None => 0,
    };
    Some(midnight + in_day)
}

fn time_of_day(text: &str) -> Option<i64> {
    let (text, ms) = match text.split_once('.') {
        Some((text, ms)) if ms.len() == 3 => (text, ms.parse().ok()?),
        Some(_) => return None,
        None => (text, 0),
    };
    let [hour, minute, second] = numbers(text, ':')?;
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then_some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// Three numbers that are not negative.
fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut number = || {
        let part = parts.next()?;
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    };
    let numbers = [number()?, number()?, number()?];
    parts.next().is_none().then_some(numbers)
}

/// The days from 1970 to a date; `None` when the calendar has no such date.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..10_000).contains(&year) {
        return None;
    }
    // Years begin in March, so that the day that some years have more is their last.
    let (year_from_march, month_from_march) = match month {
        1 | 2 => (year - 1, month + 9),
        3..=12 => (year, month - 3),
        _ => return None,
    };
    let leap_days = year_from_march / 4 - year_from_march / 100 + year_from_march / 400;
    let in_year = (153 * month_from_march + 2) / 5 + day - 1;
    let days = 365 * year_from_march + leap_days + in_year - 719_468;
    (Date::at(days * DAY_MS) == Date { year, month, day }).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_utc() {
        assert_eq!(shown(1_795_219_200_000 + 3_661_999), "2026-11-21 01:01:01");
    }

    #[test]
    fn what_is_told_is_read() {
        for at_ms in [0, 951_782_400_000, 1_795_219_261_000, 4_102_444_799_000] {
            let text = shown(at_ms);
            assert_eq!(text.parse(), Ok(TypedTime::At(at_ms)), "{text}");
            let text = text.replace(' ', "T") + ".007Z";
            assert_eq!(text.parse(), Ok(TypedTime::At(at_ms + 7)), "{text}");
        }
        assert_eq!("2024-02-29".parse(), Ok(TypedTime::At(1_709_164_800_000)));
        assert_eq!("17".parse(), Ok(TypedTime::At(17)));
        let ago: TypedTime = "2h".parse().unwrap();
        assert_eq!(ago.at_ms(7_200_001), 1);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "2026-02-30",
            "2026-13-01",
            "2026-00-01",
            "2026-11-29 24:00:00",
            "2026-11-29 14:05",
            "2026-11-29 14:05:09.1",
            "-5",
            "5w",
            "1-2-3-4",
            "99999999999999999999",
        ] {
            assert!(text.parse::<TypedTime>().is_err(), "{text}");
        }
    }
}
