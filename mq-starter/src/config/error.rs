//! What can be wrong with settings, each with the place it was written at.
//!
//! Problems are collected and returned together, so that a file can be corrected at once.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigOrigin {
    /// A line of a file, counted from 1.
    File {
        /// The file, as it was looked for.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// A source that the program added: its name, or the origin that it gives its value.
    Source(String),
    /// An environment variable.
    Environment(String),
    /// An argument of the program, as it was typed.
    Argument(String),
    /// The program itself, through [`SettingsOptions::set`](super::SettingsOptions::set).
    Program,
    /// Nowhere: the problem is that something is missing.
    Nowhere,
}

impl ConfigOrigin {
    /// The sort key: files by name and line, then the other sources, weakest first.
    pub(super) fn position(&self) -> (u8, PathBuf, u64) {
        match self {
            Self::File { path, line } => (0, path.clone(), *line),
            Self::Source(name) => (1, PathBuf::from(name), 0),
            Self::Environment(name) => (2, PathBuf::from(name), 0),
            Self::Argument(argument) => (3, PathBuf::from(argument), 0),
            Self::Program => (4, PathBuf::new(), 0),
            Self::Nowhere => (5, PathBuf::new(), 0),
        }
    }
}

impl fmt::Display for ConfigOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Source(name) => f.write_str(name),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Argument(argument) => write!(f, "argument {argument}"),
            Self::Program => f.write_str("set by the program"),
            Self::Nowhere => f.write_str("settings"),
        }
    }
}

/// One thing wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where it was written.
    pub origin: ConfigOrigin,
    /// The key as its writer spelled it; empty when a whole file is meant.
    pub key: String,
    /// What is wrong and, where we can tell, what to write instead.
    pub what: String,
}

impl ConfigProblem {
    /// A complaint about `key`, which was written at `origin`.
    pub fn new(origin: ConfigOrigin, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            origin,
            key: key.into(),
            what: what.into(),
        }
    }
}

impl ConfigProblem {
    /// The key and what is wrong with it; the key once, when its origin names it already.
    pub(crate) fn said(&self) -> String {
        match &self.origin {
            ConfigOrigin::Environment(text) | ConfigOrigin::Argument(text)
                if text.contains(&self.key) =>
            {
                self.what.clone()
            }
            _ if self.key.is_empty() => self.what.clone(),
            _ => format!("{}: {}", self.key, self.what),
        }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.said())
    }
}

/// Everything that is wrong with the settings, in the order of the files.
///
/// It has at least one problem. Nothing was started; repair the list and start again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    problems: Vec<ConfigProblem>,
}

impl ConfigErrors {
    /// `Err` with all of `problems`, or `Ok(value)` when there are none.
    ///
    /// # Errors
    ///
    /// When `problems` is not empty.
    pub fn unless_empty<T>(problems: Vec<ConfigProblem>, value: T) -> Result<T, Self> {
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(Self { problems })
        }
    }

    /// The problems of all of `checks` together, each once.
    ///
    /// # Errors
    ///
    /// When one of them has any.
    pub fn join(checks: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let errors = checks.into_iter().filter_map(Result::err);
        let mut problems: Vec<ConfigProblem> = Vec::new();
        for problem in errors.flat_map(Self::into_problems) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems.sort_by_key(|problem| problem.origin.position());
        Self::unless_empty(problems, ())
    }

    /// The problems; never empty.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// The problems, to be joined with those found elsewhere.
    pub fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems
    }
}

impl From<ConfigProblem> for ConfigErrors {
    fn from(problem: ConfigProblem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [only] => write!(f, "the settings have a problem\n  {only}"),
            all => {
                write!(f, "the settings have {} problems", all.len())?;
                for problem in all {
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigErrors {}
