//! Why the program ends with an error: one sentence, its causes, and what to do.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use mq_core::reason::reason;

use crate::output::OutputError;

/// Any error that ends the program, shown with all its causes.
#[derive(Debug)]
pub(crate) struct ProgramFailure {
    error: Box<dyn Error + Send + Sync>,
    advice: Option<String>,
    class: ExitClass,
}

/// What went wrong, as the exit code tells it to scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ExitClass {
    /// 1: anything else.
    #[default]
    Other,
    /// 2: the words cannot be understood.
    Usage,
    /// 3: what was named is not there.
    NotThere,
    /// 4: a server refused.
    Refused,
    /// 5: no server answered in time; what was asked for may have been done.
    NoAnswer,
    /// 6: some brokers did what was asked for, others did not.
    Partial,
}

impl ExitClass {
    /// The classes, as the help of the program tells them.
    pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  anything else went wrong
  2  the words cannot be understood
  3  what was named is not there
  4  a server refused
  5  no server answered in time; what was asked for may have been done
  6  some brokers did what was asked for, others did not";
}

impl ProgramFailure {
    /// Says what went wrong by the exit code, too.
    pub(crate) fn of_class(self, class: ExitClass) -> Self {
        Self { class, ..self }
    }

    /// Whether the command ended only because nobody reads its output any more.
    pub(crate) fn is_closed_output(&self) -> bool {
        let output = self.error.downcast_ref();
        matches!(output, Some(OutputError::Closed))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.class {
            ExitClass::Other => 1,
            ExitClass::Usage => 2,
            ExitClass::NotThere => 3,
            ExitClass::Refused => 4,
            ExitClass::NoAnswer => 5,
            ExitClass::Partial => 6,
        })
    }

    /// Adds what to do about the error.
    pub(crate) fn advise(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for ProgramFailure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            advice: None,
            class: ExitClass::default(),
        }
    }
}

impl fmt::Display for ProgramFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reason(&*self.error))?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not listen on {0}")]
    struct Listen(&'static str, #[source] io::Error);

    #[test]
    fn a_failure_tells_its_causes_and_what_to_do() {
        let error = Listen("127.0.0.1:9876", io::Error::other("taken"));
        let failure = ProgramFailure::from(error).advise("choose another port");

        assert_eq!(
            failure.to_string(),
            "could not listen on 127.0.0.1:9876: taken; choose another port"
        );
    }
}
