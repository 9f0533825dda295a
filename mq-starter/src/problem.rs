//! What keeps an application from starting, running or ending well.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use mq_core::reason::reason;
use mq_core::remoting::BindError;

use crate::config::{ConfigErrors, ConfigProblem};
use crate::stopping::ShutdownProblem;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: String,
    what: String,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }

    /// The file and line, or the source of the setting.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is wrong, and what to do.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl From<ConfigProblem> for Problem {
    fn from(problem: ConfigProblem) -> Self {
        Self::new(problem.origin.to_string(), problem.said())
    }
}

/// Why an application does not start, does not go on or did not end well. Printed with `{}` it tells
/// its causes too; they are still there as sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// Settings or annotations are wrong: all of it, nothing was started.
    #[error("the application cannot start{}", lines(.0))]
    Refused(Vec<Problem>),
    /// The broker in this process does not start.
    #[error(
        "the embedded broker does not start with the store `{}` (`rocketmq.embedded.store-path`): {}",
        store.display(),
        reason(&**source)
    )]
    Broker {
        /// The directory of its store.
        store: PathBuf,
        /// What is in the way: a port, the store, the disk.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The cluster could not be reached, or refused.
    #[error("could not {action}: {}", reason(&**source))]
    Cluster {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The web server's address cannot be listened on.
    #[error("the web server does not start: {0}")]
    Listen(#[source] BindError),
    /// The web server ended with an error.
    #[error("the web server ended: {0}")]
    Web(#[source] std::io::Error),
    /// The application, or the broker that it shares, was shut down, which is final.
    #[error("{0} was shut down and does not start again: make a new one")]
    ShutDown(&'static str),
    /// Not everything ended as it should: all of it, the rest did.
    #[error("{}{}", heading(.0), told(.0))]
    Stop(Vec<ShutdownProblem>),
}

impl ApplicationError {
    /// A web server that could not listen on `address`, and what to do about it.
    pub fn listen(address: &str, source: std::io::Error) -> Self {
        Self::Listen(BindError::new(address, source))
    }
}

impl From<ConfigErrors> for ApplicationError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Refused(errors.into_problems().into_iter().map(Into::into).collect())
    }
}

fn heading(problems: &[ShutdownProblem]) -> &'static str {
    if problems.iter().all(ShutdownProblem::is_late) {
        "not everything ended in time (`rocketmq.shutdown-timeout`, or \
         `await_termination_millis_when_shutdown` of a listener)"
    } else {
        "not everything ended as it should"
    }
}

/// Lists the problems, each with its causes.
fn told(problems: &[ShutdownProblem]) -> String {
    let problems: Vec<_> = problems.iter().map(|problem| reason(problem)).collect();
    lines(&problems)
}

fn lines(problems: &[impl ToString]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    format!("\n  {}", lines.join("\n  "))
}

/// What `main` ends with: any error, printed with its causes.
///
/// Like [`ConsumeError`](crate::ConsumeError) it does not implement [`Error`] itself, so that `?`
/// takes every other.
pub struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reason(&*self.0))
    }
}
