//! What a batch listener answers.

use std::collections::BTreeMap;
use std::future::Future;

use super::messages::{Batch, BatchMessage};
use crate::listener::outcome::{ConsumeError, ConsumeResult};

/// What a batch listener answers: an outcome for each message, or one error for all of them.
///
/// A message that was handled before the listener returned an error for all is handled again.
pub type BatchResult = Result<BatchOutcomes, ConsumeError>;

/// An outcome for each message of a batch: those that [failed](Self::fail), and every other one is done.
///
/// In order, the messages behind the first one that is to come again come again too, done or not.
#[derive(Clone, Debug, Default)]
pub struct BatchOutcomes {
    /// By the position in the batch.
    failed: BTreeMap<usize, ConsumeError>,
}

impl BatchOutcomes {
    /// The message could not be handled; the error says what happens next. The last error of a message
    /// counts.
    pub fn fail<T>(&mut self, message: &BatchMessage<T>, error: impl Into<ConsumeError>) {
        self.fail_at(message.position(), error.into());
    }

    pub(super) fn fail_at(&mut self, position: usize, error: ConsumeError) {
        self.failed.insert(position, error);
    }

    pub(super) fn into_failed(self) -> impl Iterator<Item = (usize, ConsumeError)> {
        self.failed.into_iter()
    }
}

impl<T> Batch<T> {
    /// Handles one message after the other, each with its own outcome. In order it stops at the first
    /// that fails.
    ///
    /// ```
    /// # use mq_starter::{Batch, BatchResult};
    /// # async fn insert(row: u32) -> Result<(), std::num::ParseIntError> { Ok(()) }
    /// async fn audit(rows: Batch<u32>) -> BatchResult {
    ///     Ok(rows.each(|row| async move { Ok(insert(*row.payload()).await?) }).await)
    /// }
    /// ```
    pub async fn each<F: Future<Output = ConsumeResult>>(
        self,
        mut handle: impl FnMut(BatchMessage<T>) -> F,
    ) -> BatchOutcomes {
        let mut outcomes = BatchOutcomes::default();
        let in_order = self.in_order();
        for message in self {
            let position = message.position();
            if let Err(error) = handle(message).await {
                outcomes.fail_at(position, error);
                if in_order {
                    break;
                }
            }
        }
        outcomes
    }
}

/// What a batch listener's function may return: [`BatchResult`], or a result or nothing for the whole batch.
#[diagnostic::on_unimplemented(
    message = "a batch listener cannot return `{Self}`",
    label = "return `BatchResult`",
    note = "`BatchOutcomes`, `Result<(), E>` with any error, and nothing at all, will do too"
)]
pub trait IntoBatchResult {
    /// The outcomes.
    ///
    /// # Errors
    ///
    /// When all messages of the batch count as failed.
    fn into_batch_result(self) -> BatchResult;
}

impl<E: Into<ConsumeError>> IntoBatchResult for Result<BatchOutcomes, E> {
    fn into_batch_result(self) -> BatchResult {
        self.map_err(Into::into)
    }
}

impl<E: Into<ConsumeError>> IntoBatchResult for Result<(), E> {
    fn into_batch_result(self) -> BatchResult {
        self.map(|()| BatchOutcomes::default()).map_err(Into::into)
    }
}

impl IntoBatchResult for BatchOutcomes {
    fn into_batch_result(self) -> BatchResult {
        Ok(self)
    }
}

impl IntoBatchResult for () {
    fn into_batch_result(self) -> BatchResult {
        Ok(BatchOutcomes::default())
    }
}

/// What an annotated function returned, as a batch listener's answer.
///
/// # Errors
///
/// When all messages of the batch count as failed.
pub fn batch_result<R: IntoBatchResult>(outcome: R) -> BatchResult {
    outcome.into_batch_result()
}
