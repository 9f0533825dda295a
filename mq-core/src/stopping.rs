//! How something stopped: all that went on, was not saved or did not close, each with its cause.
//!
//! Stopping tries every step, whatever fails before, so there may be several problems.

use std::error::Error;

use tokio::task::JoinError;

use crate::reason::reason;
use crate::saved_file::FileError;
use crate::tasks::Unfinished;

/// Not everything ended as it should; what is not listed here did.
///
/// Printed with `{}` it tells every problem with its causes; [`problems`](Self::problems) still has
/// them as errors.
///
/// ```
/// use mq_core::stopping::{StopError, StopProblem};
/// use mq_core::tasks::Unfinished;
///
/// let late = |owner| StopProblem::Late { owner, tasks: Unfinished(vec!["connection"]) };
/// let error = StopError::of([late("broker"), late("name server")]).unwrap_err();
///
/// assert_eq!(error.problems().len(), 2);
/// assert_eq!(
///     error.to_string(),
///     "the broker did not stop in time: still running after the deadline: connection; \
///      the name server did not stop in time: still running after the deadline: connection"
/// );
/// assert!(StopError::of([]).is_ok());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{}", joined(.0))]
pub struct StopError(Vec<StopProblem>);

/// One thing that did not end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopProblem {
    /// Tasks go on after the deadline.
    #[error("the {owner} did not stop in time: {tasks}")]
    Late {
        /// Whose tasks they are.
        owner: &'static str,
        /// The tasks.
        #[source]
        tasks: Unfinished,
    },
    /// A file that is kept up to date is not: the next start begins with an older content.
    #[error("not everything could be saved: {0}")]
    Save(#[source] FileError),
    /// The store did not close in order; the next start recovers.
    #[error("the store did not close: {0}")]
    Store(#[source] Box<dyn Error + Send + Sync>),
    /// Closing the store was cut short; the next start recovers.
    #[error("closing the store was cut short: {0}")]
    Interrupted(#[source] JoinError),
}

impl StopError {
    /// What stopping came to: `Ok` when there was no problem.
    ///
    /// # Errors
    ///
    /// All of `problems`, when there are any.
    pub fn of(problems: impl IntoIterator<Item = StopProblem>) -> Result<(), Self> {
        let problems: Vec<_> = problems.into_iter().collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }

    /// The problems, in the order in which they were met.
    pub fn problems(&self) -> &[StopProblem] {
        &self.0
    }

    /// The problems, for a longer list.
    pub fn into_problems(self) -> Vec<StopProblem> {
        self.0
    }
}

impl StopProblem {
    /// Tasks of `owner` that go on, if there are any.
    pub fn late(owner: &'static str, stopped: Result<(), Unfinished>) -> Option<Self> {
        stopped.err().map(|tasks| Self::Late { owner, tasks })
    }
}

fn joined(problems: &[StopProblem]) -> String {
    let problems: Vec<_> = problems.iter().map(|problem| reason(problem)).collect();
    problems.join("; ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A full disk was told as a text, and nobody could ask which file it was and why.
    #[test]
    fn every_problem_is_told_and_keeps_its_file_and_the_systems_error() {
        let full = FileError::Disk {
            action: "write",
            path: "/store/config/topics.json".into(),
            source: io::Error::from_raw_os_error(28),
        };
        let late = StopProblem::late("broker", Err(Unfinished(vec!["connection"])));
        let problems = late.into_iter().chain([StopProblem::Save(full)]);

        let error = StopError::of(problems).unwrap_err();

        let text = error.to_string();
        assert!(text.contains("after the deadline: connection; "), "{text}");
        assert!(text.contains("`/store/config/topics.json`"), "{text}");
        let [_, StopProblem::Save(FileError::Disk { source, .. })] = error.problems() else {
            panic!("{error:?}");
        };
        assert_eq!(source.raw_os_error(), Some(28));
    }
}
