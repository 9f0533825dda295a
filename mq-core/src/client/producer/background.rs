//! Background sends: the number in flight is limited.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::attempts::Retry;
use super::outcome::SendResult;
use super::prepare;
use super::shared::ProducerShared;
use super::target::Target;
use crate::client::error::SendError;
use crate::message::Message;

/// A background send in flight; counted until it is dropped.
pub(super) struct BackgroundSend(Arc<ProducerShared>);

impl BackgroundSend {
    /// `None` when `limit` are in flight.
    pub(super) fn begin(shared: &Arc<ProducerShared>, limit: usize) -> Option<Self> {
        let slot = Self(Arc::clone(shared));
        let before = shared.background.fetch_add(1, Ordering::Relaxed);
        (before < limit).then_some(slot)
    }

    pub(super) async fn send(
        self,
        message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let shared = &*self.0;
        let draft = prepare::single(message, &shared.config, || shared.cluster.unique_id())?;
        let attempts = shared.send(draft, target, limit, Retry::Background);
        attempts.await
    }
}

impl Drop for BackgroundSend {
    fn drop(&mut self) {
        self.0.background.fetch_sub(1, Ordering::Relaxed);
    }
}
