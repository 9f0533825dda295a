//! The delay levels of messages, `1s 5s 10s 30s 1m …`: the first is level 1.
//!
//! Invariant: there is at least one level, and none is longer than 40 days.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::message::delay_word;

/// The longest delay of a level.
pub(in crate::broker) const MAX_DELAY: Duration = Duration::from_hours(40 * 24);
/// The most levels that a table can have.
pub(in crate::broker) const MAX_LEVELS: usize = 256;

/// Apache's `messageDelayLevel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelayLevels(Vec<Duration>);

/// Why a text is not a list of delays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a delay: {}, as in `1s 5s 1m 2h`", rule(word))]
pub struct DelayError {
    word: String,
}

impl DelayLevels {
    /// The number of levels.
    pub fn highest(&self) -> usize {
        self.0.len()
    }

    /// The delay of `level`, counted from 1; a level that is too high means the highest, as in
    /// Apache's broker. `None` for level 0 and below: no delay.
    pub fn delay(&self, level: i32) -> Option<Duration> {
        let index = usize::try_from(level).ok()?.checked_sub(1)?;
        self.0.get(index).or_else(|| self.0.last()).copied()
    }

    /// All delays with their levels, from 1.
    pub fn iter(&self) -> impl Iterator<Item = (i32, Duration)> + '_ {
        (1..).zip(self.0.iter().copied())
    }
}

impl FromStr for DelayLevels {
    type Err = DelayError;

    fn from_str(text: &str) -> Result<Self, DelayError> {
        let wrong = |word: &str| DelayError {
            word: word.to_owned(),
        };
        let delays: Vec<Duration> = text
            .split_whitespace()
            .map(|word| delay(word).ok_or_else(|| wrong(word)))
            .collect::<Result<_, _>>()?;
        if delays.is_empty() || delays.len() > MAX_LEVELS {
            return Err(wrong(text));
        }
        Ok(Self(delays))
    }
}

fn delay(word: &str) -> Option<Duration> {
    delay_word::read(word).filter(|delay| *delay <= MAX_DELAY)
}

/// What a word that is no delay breaks.
fn rule(word: &str) -> &'static str {
    if word.contains([',', ';']) {
        "separate delays by spaces alone"
    } else {
        "write a number and s, m, h or d"
    }
}

impl fmt::Display for DelayLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, delay) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            let seconds = delay.as_secs();
            match seconds {
                0 => write!(f, "{space}0s")?,
                _ if seconds % 86_400 == 0 => write!(f, "{space}{}d", seconds / 86_400)?,
                _ if seconds % 3600 == 0 => write!(f, "{space}{}h", seconds / 3600)?,
                _ if seconds % 60 == 0 => write!(f, "{space}{}m", seconds / 60)?,
                _ => write!(f, "{space}{seconds}s")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apache_s_levels_are_read_and_written() {
        let text = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";
        let levels: DelayLevels = text.parse().unwrap();

        assert_eq!(levels.highest(), 18);
        assert_eq!(levels.delay(3), Some(Duration::from_secs(10)));
        assert_eq!(levels.delay(18), levels.delay(99));
        assert_eq!(levels.delay(0), None);
        assert_eq!(levels.delay(-1), None);
        assert_eq!(levels.to_string(), text);
    }

    #[test]
    fn what_is_no_delay_is_named() {
        for (text, word) in [
            ("1s 5", "5"),
            ("1s x", "x"),
            ("", ""),
            ("-1s", "-1s"),
            ("41d", "41d"),
            ("1s é", "é"),
        ] {
            let error = text.parse::<DelayLevels>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{word}` is not a delay")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_list_with_commas_is_told_that_spaces_separate_delays() {
        let said = "`1s,2s` is not a delay: separate delays by spaces alone, as in `1s 5s 1m 2h`";

        let error = "1s,2s".parse::<DelayLevels>().unwrap_err();

        assert_eq!(error.to_string(), said);
    }
}
