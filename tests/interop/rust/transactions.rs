//! Sends a plan in transactions: of three messages one is committed at once, one when the broker asks, and
//! one after another message was rolled back and a further one when the broker asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{Producer, TransactionChecker, TransactionState};
use mq_core::clock::Clock;
use mq_core::message::{Message, MessageExt};
use parking_lot::Mutex;

use crate::Failure;

/// The index of messages that nobody may get.
const ROLLED_BACK: &str = "rolled-back";
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
/// Answers to checks have left by then.
const LAST_END: Duration = Duration::from_secs(1);

/// The ids of messages about which the broker has not asked yet.
#[derive(Clone, Default)]
pub(crate) struct Left(Arc<Mutex<BTreeSet<String>>>);

impl TransactionChecker for Left {
    async fn check(&self, message: MessageExt) -> TransactionState {
        self.0.lock().remove(&message.message_id());
        match message.message.properties.get("index") {
            Some(ROLLED_BACK) => TransactionState::Rollback,
            _ => TransactionState::Commit,
        }
    }
}

impl Left {
    /// Sends the message with this number; gives its id.
    pub(crate) async fn send(
        &self,
        producer: &Producer,
        number: usize,
        message: Message,
    ) -> Result<String, Failure> {
        if number % 3 == 2 {
            let mut other = message.clone();
            other.properties.set("index", ROLLED_BACK);
            producer.begin(other.clone()).await?.rollback().await?;
            self.leave(producer, other).await?;
        }
        if number % 3 == 1 {
            return self.leave(producer, message).await;
        }
        let sent = producer.begin(message).await?.commit().await?;
        Ok(sent.message_id)
    }

    async fn leave(&self, producer: &Producer, message: Message) -> Result<String, Failure> {
        let open = producer.begin(message).await?;
        let id = open.half().message_id.clone();
        self.0.lock().insert(id.clone());
        Ok(id)
    }

    /// Waits until the broker has asked about all that was left to it.
    pub(crate) async fn until_asked(&self) -> Result<(), Failure> {
        let clock = Clock::system();
        let begun = clock.moment();
        while !self.0.lock().is_empty() {
            if clock.moment().since(begun) > PATIENCE {
                return Err(format!("the broker has not asked about {:?}", self.0.lock()).into());
            }
            clock.sleep(PAUSE).await;
        }
        clock.sleep(LAST_END).await;
        Ok(())
    }
}
