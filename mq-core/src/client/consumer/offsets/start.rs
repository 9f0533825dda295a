//! Where a queue that is newly assigned starts (`computePullFromWhereWithException`).

use super::offset_store::{OffsetQueryError, OffsetStore};
use crate::client::consumer::config::StartFrom;
use crate::message::{MessageQueue, QueueOffset};

impl OffsetStore {
    /// The offset at which to start a newly assigned queue: the committed one, else what `start_from`
    /// says.
    pub(in crate::client) async fn start(
        &self,
        queue: &MessageQueue,
        start_from: StartFrom,
    ) -> Result<QueueOffset, OffsetQueryError> {
        if let Some(kept) = self.committed(queue).await? {
            return Ok(kept);
        }
        match start_from {
            StartFrom::FirstOffset => Ok(QueueOffset(0)),
            StartFrom::LastOffset if queue.topic.is_retry() => Ok(QueueOffset(0)),
            StartFrom::LastOffset => self.end_of_known(queue).await,
            StartFrom::Timestamp(_) if queue.topic.is_retry() => self.end(queue).await,
            StartFrom::Timestamp(at) => self.at_time(queue, at).await,
        }
    }

    /// The end of a queue of which the broker has just said that the group has no offset in it. A
    /// queue that was empty then may have its first message now. Whoever starts behind it loses it, so
    /// the broker is asked once more: it answers 0 for a queue whose first message is still in memory.
    async fn end_of_known(&self, queue: &MessageQueue) -> Result<QueueOffset, OffsetQueryError> {
        let end = self.end(queue).await?;
        if end == QueueOffset(0) {
            return Ok(end);
        }
        Ok(self.committed(queue).await?.unwrap_or(end))
    }
}
