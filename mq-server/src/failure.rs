//! Why the program ends with an error: one sentence, its causes, and what to do.

use std::error::Error;
use std::fmt;

use mq_core::reason::reason;

/// Any error that ends the program, shown with all its causes.
#[derive(Debug)]
pub(crate) struct ProgramFailure {
    error: Box<dyn Error + Send + Sync>,
    advice: Option<String>,
}

impl ProgramFailure {
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
