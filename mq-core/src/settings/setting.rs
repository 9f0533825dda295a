//! A key and its value, from a file or an argument of the command line.

use std::path::Path;

use super::problem::{SettingOrigin, SettingProblem};
use super::properties;

/// A key and its value, and where they were set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key as it was spelled.
    pub key: String,
    /// The value, without white space around it.
    pub value: String,
    /// Where it was set.
    pub origin: SettingOrigin,
}

impl Setting {
    /// A setting that was given as `key=value` on the command line.
    ///
    /// # Errors
    ///
    /// When `word` has no `=` or nothing before it.
    pub fn from_word(word: &str) -> Result<Self, SettingProblem> {
        let origin = SettingOrigin::CommandLine(word.to_owned());
        match word.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok(Self {
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                origin,
            }),
            _ => Err(SettingProblem::new(origin, "", "expected key=value")),
        }
    }

    /// All settings of a Java properties file, in order.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is not UTF-8, or has a broken escape.
    pub fn from_file(path: &Path) -> Result<Vec<Self>, SettingProblem> {
        let at = |line| SettingOrigin::File {
            path: path.to_owned(),
            line,
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            SettingProblem::new(at(0), "", format!("could not read the file: {error}"))
        })?;
        let pairs = properties::read(text.trim_start_matches('\u{feff}'));
        let pairs =
            pairs.map_err(|error| SettingProblem::new(at(error.line), "", error.to_string()))?;
        let settings = pairs.into_iter().map(|pair| Self {
            key: pair.key,
            value: pair.value.trim().to_owned(),
            origin: at(pair.line),
        });
        Ok(settings.collect())
    }
}
