//! The pull consumer behind the templates: made before the application is connected, and receiving
//! nothing until then.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use mq_core::client::LitePullConsumer;

use super::error::ReceiveError;
use super::received::Received;
use crate::payload::Payload;

/// What receives.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceiverSlot(Arc<OnceLock<LitePullConsumer>>);

impl ReceiverSlot {
    /// From now on it receives through `consumer`.
    pub(crate) fn open(&self, consumer: &LitePullConsumer) {
        self.0.get_or_init(|| consumer.clone());
    }

    fn consumer(&self) -> Result<&LitePullConsumer, ReceiveError> {
        self.0.get().ok_or(ReceiveError::NotConfigured)
    }

    pub(crate) async fn receive<T: Payload>(
        &self,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<Received<T>>, ReceiveError> {
        let received = self.consumer()?.receive(most, limit).await?;
        Ok(received.into_iter().map(Received::new).collect())
    }

    pub(crate) fn deliveries<T: Payload>(
        &self,
    ) -> Result<BoxStream<'static, Received<T>>, ReceiveError> {
        let deliveries = self.consumer()?.deliveries();
        Ok(deliveries.map(Received::new).boxed())
    }
}
