//! A message that an administrator has a listener consume at once (309): it is neither counted nor
//! committed, and does not come again by it.

use std::sync::Arc;

use super::core::Core;
use super::listener::{AnyListener, OrderlyOutcome, Outcome};
use super::received;
use crate::client::groups::DirectMessage;
use crate::message::MessageExt;
use crate::wire::body::{ConsumeMessageDirectlyResult, DirectOutcome};

/// Gives the message to the listener in a task of the consumer.
pub(super) fn begin(core: &Arc<Core>, direct: DirectMessage) {
    let DirectMessage { message, asker } = direct;
    let own = Arc::clone(core);
    core.tasks
        .spawn_until_stop("a message consumed directly", async move {
            let result = consume(&own, message).await;
            // Whoever asked may have gone.
            let _unwanted = asker.send(result);
        });
}

async fn consume(core: &Core, message: MessageExt) -> ConsumeMessageDirectlyResult {
    let begun = core.cluster.clock.moment();
    let (outcome, remark) = match received::unpacked(message) {
        Ok(message) => outcome_of(core, message).await,
        Err(error) => (DirectOutcome::ThrowException, Some(error.to_string())),
    };
    let spent = core.cluster.clock.moment().since(begun).as_millis();
    ConsumeMessageDirectlyResult {
        consume_result: Some(outcome),
        order: core.is_orderly(),
        remark: remark.map(Into::into),
        spent_time_mills: i64::try_from(spent).unwrap_or(i64::MAX),
        ..ConsumeMessageDirectlyResult::default()
    }
}

async fn outcome_of(core: &Core, message: MessageExt) -> (DirectOutcome, Option<String>) {
    match &core.listener {
        AnyListener::Concurrent(listener) => {
            let outcomes = listener.consume(vec![message]).await;
            match outcomes.into_iter().next() {
                Some(Outcome::Done) => (DirectOutcome::Success, None),
                Some(Outcome::Later { reason, .. }) => (DirectOutcome::Later, reason),
                Some(Outcome::DeadLetter { reason }) => (DirectOutcome::Later, Some(reason)),
                Some(Outcome::Panicked { reason, .. }) => {
                    (DirectOutcome::ThrowException, Some(reason))
                }
                None => (DirectOutcome::ReturnNull, None),
            }
        }
        AnyListener::Orderly(listener) => {
            let outcomes = listener.consume(vec![message]).await;
            match outcomes.into_iter().next() {
                Some(OrderlyOutcome::Done | OrderlyOutcome::Uncommitted) => {
                    (DirectOutcome::Success, None)
                }
                Some(OrderlyOutcome::Suspend { reason, .. }) => (DirectOutcome::Later, reason),
                Some(OrderlyOutcome::RollBack { .. }) => (DirectOutcome::Rollback, None),
                Some(OrderlyOutcome::DeadLetter { reason }) => (DirectOutcome::Later, Some(reason)),
                Some(OrderlyOutcome::Panicked { reason }) => {
                    (DirectOutcome::ThrowException, Some(reason))
                }
                None => (DirectOutcome::ReturnNull, None),
            }
        }
    }
}
