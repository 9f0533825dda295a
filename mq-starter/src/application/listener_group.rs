//! The running listeners of a group, as a program can steer them.

use std::fmt;

use mq_core::client::{ConsumerStatus, PushConsumer, SeekError, SeekTo};
use mq_core::message::MessageQueue;

/// The running listeners of a group: to be paused, resumed, moved and looked at. Clones are the same.
///
/// ```no_run
/// use mq_starter::SeekTo;
///
/// # async fn example(app: mq_starter::Application) -> mq_starter::Result<()> {
/// if let Some(shop) = app.listener_group("shop").await {
///     shop.pause();
///     for queue in shop.status().queues {
///         shop.seek(&queue.queue, SeekTo::Begin).await?;
///     }
///     shop.resume();
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ListenerGroup(PushConsumer);

impl ListenerGroup {
    pub(super) fn new(consumer: &PushConsumer) -> Self {
        Self(consumer.clone())
    }

    /// Pauses: no handler is called before [`resume`](Self::resume). Those that have a message go on. The
    /// application keeps its queues.
    pub fn pause(&self) {
        self.0.pause();
    }

    /// Goes on after a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.0.resume();
    }

    /// Goes on at another place in a queue, which is committed at once. A handler that has a message of
    /// the queue goes on, and its outcome is ignored.
    ///
    /// # Errors
    ///
    /// [`SeekError`]: the queue is not this application's, or has no such offset.
    pub async fn seek(&self, queue: &MessageQueue, to: impl Into<SeekTo>) -> Result<(), SeekError> {
        self.0.seek(queue, to).await
    }

    /// The queues that the application has, and how far it is in each.
    pub fn status(&self) -> ConsumerStatus {
        self.0.status()
    }
}

impl fmt::Debug for ListenerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListenerGroup")
            .field(self.0.group())
            .finish()
    }
}
