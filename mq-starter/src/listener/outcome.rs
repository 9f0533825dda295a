//! What a listener answers: done, or what is to happen next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mq_core::reason::reason;

/// What a listener answers. `Ok` acknowledges the message.
pub type ConsumeResult = Result<(), ConsumeError>;

/// Why a message could not be handled, and what is to happen next.
///
/// Any error becomes "again later" with `?`:
///
/// ```
/// # use mq_starter::{ConsumeError, ConsumeResult, Next};
/// fn handle(body: &str) -> ConsumeResult {
///     let amount: u32 = body.parse()?;
///     if amount == 0 {
///         return Err(ConsumeError::dead_letter("an amount of 0 will never do"));
///     }
///     Ok(())
/// }
///
/// assert_eq!(handle("x").unwrap_err().next(), Next::Later);
/// assert_eq!(handle("0").unwrap_err().next(), Next::DeadLetter);
/// ```
///
/// It does not implement [`Error`] itself: then it could not take every other error.
#[derive(Clone)]
pub struct ConsumeError {
    next: Next,
    origin: Origin,
    cause: Arc<dyn Error + Send + Sync>,
}

/// Where an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The listener returned it.
    Listener,
    /// The listener panicked.
    Panic,
    /// The message itself could not be read, so that the listener's setting decides.
    Payload,
    /// The application stopped and waits for the listener no more: nothing is said to the broker.
    Stop,
}

/// What happens to a message that could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Again, after the delay that grows with each attempt; in order: after the queue's pause.
    Later,
    /// Again after this time, rounded up to the next delay level; in order: a pause of 10 ms to 30 s.
    After(Duration),
    /// To the dead-letter queue of the group, at once.
    DeadLetter,
}

impl ConsumeError {
    /// Again later.
    pub fn later(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            next: Next::Later,
            origin: Origin::Listener,
            cause: Arc::from(cause.into()),
        }
    }

    /// Again after `delay`; see [`Next::After`] for its precision.
    pub fn retry_after(delay: Duration, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            next: Next::After(delay),
            origin: Origin::Listener,
            cause: Arc::from(cause.into()),
        }
    }

    /// Never again: the message goes to the dead-letter queue with the cause in its properties.
    pub fn dead_letter(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            next: Next::DeadLetter,
            origin: Origin::Listener,
            cause: Arc::from(cause.into()),
        }
    }

    /// The message is not what the listener takes: its `on_decode_error` says what happens, and without
    /// one it goes to the dead-letter queue.
    pub fn undecodable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            origin: Origin::Payload,
            ..Self::dead_letter(cause)
        }
    }

    /// Whether the message is not what the listener takes.
    pub fn is_undecodable(&self) -> bool {
        self.origin == Origin::Payload
    }

    /// The listener panicked.
    pub(crate) fn panicked(cause: String) -> Self {
        Self {
            origin: Origin::Panic,
            ..Self::later(cause)
        }
    }

    /// Whether the listener panicked.
    pub(crate) fn is_panic(&self) -> bool {
        self.origin == Origin::Panic
    }

    /// The application stopped while the listener had the message.
    pub(crate) fn stopped() -> Self {
        Self {
            origin: Origin::Stop,
            ..Self::later("the application stopped")
        }
    }

    /// Whether the application stopped while the listener had the message.
    pub(crate) fn is_stop(&self) -> bool {
        self.origin == Origin::Stop
    }

    /// The same error, after which `next` happens.
    pub(crate) fn with_next(self, next: Next) -> Self {
        Self { next, ..self }
    }

    /// What happens next.
    pub fn next(&self) -> Next {
        self.next
    }

    /// Why.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.cause
    }

    /// The cause with its own causes, in one line.
    pub fn reason(&self) -> String {
        reason(&*self.cause)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for ConsumeError {
    fn from(cause: E) -> Self {
        Self::later(cause)
    }
}

impl fmt::Debug for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.next, self.reason())
    }
}

/// What an annotated function may return: [`ConsumeResult`], a result with any error, or nothing.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "return `ConsumeResult`",
    note = "`Result<(), E>` with any error, and nothing at all, will do too"
)]
pub trait IntoConsumeResult {
    /// The outcome.
    ///
    /// # Errors
    ///
    /// When the message was not handled.
    fn into_consume_result(self) -> ConsumeResult;
}

impl<E: Into<ConsumeError>> IntoConsumeResult for Result<(), E> {
    fn into_consume_result(self) -> ConsumeResult {
        self.map_err(Into::into)
    }
}

impl IntoConsumeResult for () {
    fn into_consume_result(self) -> ConsumeResult {
        Ok(())
    }
}

/// What an annotated function returned, as a listener's answer.
///
/// # Errors
///
/// When the message was not handled.
pub fn outcome<R: IntoConsumeResult>(outcome: R) -> ConsumeResult {
    outcome.into_consume_result()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the gateway is gone")]
    struct Gone(#[source] std::num::ParseIntError);

    #[test]
    fn the_reason_is_the_whole_chain() {
        let cause = "x".parse::<i32>().unwrap_err();

        let error = ConsumeError::from(Gone(cause));

        assert_eq!(
            error.reason(),
            "the gateway is gone: invalid digit found in string"
        );
    }

    #[test]
    fn boxed_errors_and_texts_convert_too() {
        fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
            Err("no".into())
        }
        fn listener() -> ConsumeResult {
            boxed()?;
            Ok(())
        }

        assert_eq!(listener().unwrap_err().reason(), "no");
    }
}
