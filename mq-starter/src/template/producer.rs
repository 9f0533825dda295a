//! The producer behind the templates: made before the application is connected, and refusing to send
//! until then.

use std::sync::{Arc, OnceLock};

use mq_core::client::{self, SendResult, Target};
use mq_core::message::Message;

use super::draft::How;
use super::error::SendError;

/// What sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producer(Arc<OnceLock<client::Producer>>);

impl Producer {
    /// From now on it sends through `producer`.
    pub(crate) fn open(&self, producer: &client::Producer) {
        self.0.get_or_init(|| producer.clone());
    }

    pub(super) async fn send(&self, message: Message, how: How) -> Result<SendResult, SendError> {
        let producer = self.0.get().ok_or(SendError::NotRunning)?;
        let limit = how.timeout.unwrap_or(producer.config().send_timeout);
        let in_background = how.in_background;
        let target = target(how);
        let sent = if in_background {
            producer.send_in_background(message, target, limit).await
        } else {
            producer.send_with(message, target, limit).await
        };
        sent.map_err(SendError::from)
    }

    pub(super) async fn send_one_way(&self, message: Message, how: How) -> Result<(), SendError> {
        let producer = self.0.get().ok_or(SendError::NotRunning)?;
        let sent = producer.send_one_way(message, target(how)).await;
        sent.map_err(SendError::from)
    }
}

fn target(how: How) -> Target {
    how.hash_key.map_or(Target::Any, Target::Hash)
}
