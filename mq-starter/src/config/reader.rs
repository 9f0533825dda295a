//! Reads and checks one value after the other, and collects what is wrong.
//!
//! Invariant: reading never stops at a problem; a value that is wrong is read as its default.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::error::{ConfigOrigin, ConfigProblem};
use super::key::{ConfigKey, plain};
use super::layers::ConfigLayers;
use super::{placeholder, typed};

#[derive(Debug)]
pub(super) struct SettingReader<'a> {
    pub(super) layers: &'a ConfigLayers,
    pub(super) problems: Vec<ConfigProblem>,
}

/// A value with its placeholders filled, and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) written: String,
    pub(super) origin: ConfigOrigin,
}

impl<'a> SettingReader<'a> {
    pub(super) fn new(layers: &'a ConfigLayers) -> Self {
        Self {
            layers,
            problems: Vec::new(),
        }
    }

    pub(super) fn complain(&mut self, value: &Filled, what: impl Into<String>) {
        let problem = ConfigProblem::new(value.origin.clone(), &value.written, what);
        self.problems.push(problem);
    }

    /// What `key` says, if anybody sets it and its placeholders can be filled.
    pub(super) fn filled(&mut self, key: &str) -> Option<Filled> {
        let found = self.layers.find(&ConfigKey::new(key))?;
        let mut value = Filled {
            text: found.value.to_owned(),
            written: found.written.to_owned(),
            origin: found.origin.clone(),
        };
        match placeholder::fill(self.layers, found.value) {
            Ok(text) => {
                text.trim().clone_into(&mut value.text);
                Some(value)
            }
            Err(error) => {
                self.complain(&value, error.to_string());
                None
            }
        }
    }

    /// As [`filled`](Self::filled), and what is there must not be blank.
    pub(super) fn text(&mut self, key: &str) -> Option<Filled> {
        let value = self.filled(key)?;
        if value.text.is_empty() {
            self.complain(&value, "has no value, give it one or leave it out");
            return None;
        }
        Some(value)
    }

    /// What `check` makes of the text.
    pub(super) fn checked<T, E: Display>(
        &mut self,
        key: &str,
        check: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.text(key)?;
        match check(&value.text) {
            Ok(checked) => Some(checked),
            Err(error) => {
                self.complain(&value, error.to_string());
                None
            }
        }
    }

    pub(super) fn number<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + Display + PartialOrd,
    {
        self.amount(key, "number", range)
    }

    /// As [`number`](Self::number); `noun` says of what, such as "number of bytes".
    pub(super) fn amount<T>(&mut self, key: &str, noun: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + Display + PartialOrd,
    {
        self.checked(key, |text| {
            let (from, to) = (range.start(), range.end());
            match text.parse() {
                Ok(number) if range.contains(&number) => Ok(number),
                _ => Err(format!(
                    "is `{text}`, expected a {noun} from {from} to {to}"
                )),
            }
        })
    }

    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        self.checked(key, |text| {
            typed::truth(text).ok_or_else(|| format!("is `{text}`, expected true or false"))
        })
    }

    /// One of a few words, in any spelling.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.checked(key, |text| {
            let meant = choices.iter().find(|(word, _)| plain(word) == plain(text));
            meant.map(|(_, choice)| *choice).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                none_of(text, &words)
            })
        })
    }
}

/// A complaint about a text that is none of these words.
pub(super) fn none_of(text: &str, words: &[&str]) -> String {
    format!("is `{text}`, expected {}", words.join(" or "))
}
