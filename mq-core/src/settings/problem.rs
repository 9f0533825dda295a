//! Errors and warnings about settings, with the origin where each was set.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SettingOrigin {
    /// A line of a file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line, counted from 1; 0 when the whole file is meant.
        line: u64,
    },
    /// An argument of the command line.
    CommandLine(String),
    /// An environment variable.
    Environment(&'static str),
    /// The program's default.
    Default,
}

impl SettingOrigin {
    /// The line, if it is in the same file as `other`.
    pub(super) fn line_beside(&self, other: &Self) -> Option<u64> {
        match (self, other) {
            (Self::File { path, line }, Self::File { path: there, .. }) if path == there => {
                Some(*line)
            }
            _ => None,
        }
    }

    /// The sort key: files by name and line, then the rest, whose order stays.
    fn position(&self) -> (bool, PathBuf, u64) {
        match self {
            Self::File { path, line } => (false, path.clone(), *line),
            _ => (true, PathBuf::new(), 0),
        }
    }
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::CommandLine(word) => write!(f, "command line `{word}`"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// An error or warning about one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    /// Where it was written.
    pub origin: SettingOrigin,
    /// The key as it was spelled; empty when the message is about the whole file or argument.
    pub key: String,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl SettingProblem {
    /// An error or warning about `key`, which was set at `origin`.
    pub fn new(origin: SettingOrigin, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            origin,
            key: key.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// All errors in the settings; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblems(Vec<SettingProblem>);

impl SettingProblems {
    /// `Ok(value)` when `problems` is empty; otherwise all of them, in the order of the file.
    ///
    /// # Errors
    ///
    /// All of `problems`, if there are any.
    pub fn unless_empty<T>(problems: Vec<SettingProblem>, value: T) -> Result<T, Self> {
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(Self(Vec::new()).and(problems))
        }
    }

    /// These and `others`.
    #[must_use]
    pub fn and(mut self, others: Vec<SettingProblem>) -> Self {
        self.0.extend(others);
        self.0.sort_by_key(|problem| problem.origin.position());
        self
    }

    /// The problems; never empty.
    pub fn list(&self) -> &[SettingProblem] {
        &self.0
    }
}

impl fmt::Display for SettingProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the settings have a problem\n  {one}"),
            all => {
                write!(f, "the settings have {} problems", all.len())?;
                all.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
        }
    }
}

impl std::error::Error for SettingProblems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_listed_in_the_order_of_the_file_and_then_of_the_arguments() {
        let file = |line| SettingOrigin::File {
            path: "broker.conf".into(),
            line,
        };
        let typed = |word: &str| SettingOrigin::CommandLine(word.to_owned());
        let origins = [typed("b"), file(9), typed("a"), file(0), file(2)];
        let problems = origins.map(|origin| SettingProblem::new(origin, "", "wrong"));

        let told = SettingProblems::unless_empty(problems.to_vec(), ()).unwrap_err();

        assert_eq!(
            told.to_string(),
            "the settings have 5 problems\n  broker.conf: wrong\n  broker.conf:2: wrong\n  \
             broker.conf:9: wrong\n  command line `b`: wrong\n  command line `a`: wrong"
        );
    }
}
