//! The layer that takes nothing but `SEND_OK` for success, unless the caller accepts less.

use mq_core::client::{SendResult, SendStatus};
use mq_core::lines::Passed;

use super::error::SendError;
use super::publish::{PreparedSend, Publish};

/// Makes a status other than `SEND_OK` an error.
pub(super) struct RequireFlushed<I>(pub(super) I);

impl<I: Publish> Publish for RequireFlushed<I> {
    async fn publish(
        &self,
        prepared: PreparedSend,
        handed_over: &Passed,
    ) -> Result<Option<SendResult>, SendError> {
        let accept_unflushed = prepared.options.accept_unflushed;
        match self.0.publish(prepared, handed_over).await? {
            Some(sent) if sent.status != SendStatus::Ok && !accept_unflushed => {
                Err(SendError::Unflushed(Box::new(sent)))
            }
            sent => Ok(sent),
        }
    }
}
