//! Where a consumer or a group is told to go on.

use super::offsets::remote;
use crate::client::cluster::ClusterClient;
use crate::client::error::ErrorKind;
use crate::client::routes::MASTER_ID;
use crate::message::{MessageQueue, QueueOffset};
use crate::remoting::CallError;

/// Where a consumer goes on in a queue ([`PushConsumer::seek`](crate::client::PushConsumer::seek)), or a
/// group in a topic ([`Admin::reset`](crate::client::Admin::reset)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeekTo {
    /// At this offset.
    Offset(QueueOffset),
    /// At the first message that is still there.
    Begin,
    /// Behind its last message.
    End,
    /// At the first message that was stored at this time or later, ms since 1970; behind the last one
    /// when all are older.
    Time(i64),
}

impl From<QueueOffset> for SeekTo {
    fn from(offset: QueueOffset) -> Self {
        Self::Offset(offset)
    }
}

/// Why a consumer goes on where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeekError {
    /// The queue is not this consumer's. After a rebalance another member has it.
    #[error("{0} is not assigned to this consumer")]
    NotAssigned(MessageQueue),
    /// The offset is outside the queue.
    #[error("there is no offset {offset} in {queue}: it has {min} to {max}")]
    OutOfRange {
        /// The queue.
        queue: MessageQueue,
        /// The offset.
        offset: QueueOffset,
        /// The offset of its first message.
        min: QueueOffset,
        /// The offset behind its last message.
        max: QueueOffset,
    },
    /// The broker did not say which offsets the queue has.
    #[error("could not look up the offsets of {queue}: {source}")]
    Broker {
        /// The queue.
        queue: Box<MessageQueue>,
        /// Why not.
        source: CallError,
    },
    /// The consumer was shut down.
    #[error("the consumer is shut down")]
    ShutDown,
}

impl SeekError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAssigned(_) | Self::OutOfRange { .. } => ErrorKind::Message,
            Self::Broker { source, .. } => ErrorKind::of(source),
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }
}

/// The offset that `to` means in `queue`.
pub(in crate::client) async fn target(
    cluster: &ClusterClient,
    queue: &MessageQueue,
    to: SeekTo,
) -> Result<QueueOffset, SeekError> {
    let failed = |source| SeekError::Broker {
        queue: Box::new(queue.clone()),
        source,
    };
    if cluster.address(&queue.broker, MASTER_ID).is_none()
        && let Err(error) = cluster.refresh(&queue.topic).await
    {
        tracing::debug!(%queue, %error, "the broker of the queue could not be looked up");
    }
    let min = remote::begin(cluster, queue).await.map_err(failed)?;
    let max = remote::end(cluster, queue).await.map_err(failed)?;
    match to {
        SeekTo::Begin => Ok(min),
        SeekTo::End => Ok(max),
        SeekTo::Time(time_ms) => {
            let offset = remote::at_time(cluster, queue, time_ms).await;
            Ok(offset.map_err(failed)?.min(max).max(min))
        }
        SeekTo::Offset(offset) if (min..=max).contains(&offset) => Ok(offset),
        SeekTo::Offset(offset) => Err(SeekError::OutOfRange {
            queue: queue.clone(),
            offset,
            min,
            max,
        }),
    }
}
