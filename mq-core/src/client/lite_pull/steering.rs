//! Which queues a running lite pull consumer reads, and from where.

use bytestring::ByteString;

use super::consumer::LitePullConsumer;
use super::subscribed::Source;
use super::{assigning, fetching};
use crate::client::consumer::seek::{self, SeekError, SeekTo};
use crate::client::consumer::subscribing::{find, subscription};
use crate::client::error::{ErrorKind, SubscribeError};
use crate::message::subscription::SelectorType;
use crate::message::{MessageQueue, QueueOffset, TopicName};

impl LitePullConsumer {
    /// The queues that are read.
    pub fn assignment(&self) -> Vec<MessageQueue> {
        self.0.buffer.queues()
    }

    /// Reads these queues and no others: once this returns no message of another queue is handed over.
    /// What is finished of those is committed, unless the application commits. A queue whose broker does
    /// not respond is read as soon as it does.
    ///
    /// # Errors
    ///
    /// [`AssignError`]; the queues are what they were before.
    pub async fn assign(
        &self,
        queues: impl IntoIterator<Item = MessageQueue>,
    ) -> Result<(), AssignError> {
        let core = &self.0;
        let Source::Chosen(chosen) = &core.source else {
            return Err(AssignError::StillSubscribed);
        };
        if core.tasks.is_stopping() {
            return Err(AssignError::ShutDown);
        }
        *chosen.lock() = queues.into_iter().collect();
        // Before the round here, so that whatever that leaves undone is done by a later one.
        core.request_rebalance();
        assigning::round(core).await;
        Ok(())
    }

    /// Subscribes to `topic` too, as
    /// [the builder does](crate::client::LitePullConsumerBuilder::subscribe_by), or with another expression
    /// in place of the one before. Messages that were fetched, or are being fetched, by the one before
    /// still come.
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # use mq_core::message::subscription::SelectorType;
    /// # async fn example(orders: LitePullConsumer) -> Result<(), Box<dyn std::error::Error>> {
    /// orders.subscribe(TopicName::new("returns")?, SelectorType::Tag, "paid || sent").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SubscribeError`]; the subscriptions are what they were before.
    pub async fn subscribe(
        &self,
        topic: TopicName,
        selector: SelectorType,
        expression: impl Into<ByteString>,
    ) -> Result<(), SubscribeError> {
        let core = &self.0;
        if matches!(core.source, Source::Chosen(_)) {
            return Err(SubscribeError::QueuesChosen(self.group().clone()));
        }
        if core.tasks.is_stopping() {
            return Err(SubscribeError::ShutDown);
        }
        let version = core.cluster.clock.now_ms();
        let wanted = subscription(topic, selector, expression.into(), version)?;
        find(&core.cluster, self.group(), &wanted).await?;
        core.change_subscriptions(|topics| {
            topics.insert(wanted.topic.clone(), wanted);
        });
        core.cluster.heartbeat().await;
        core.request_rebalance();
        Ok(())
    }

    /// Does not read `topic` any more: once this returns none of its messages is handed over. What is
    /// finished is committed, unless the application commits. A topic that is not subscribed to stays
    /// so.
    pub async fn unsubscribe(&self, topic: &TopicName) {
        let core = &self.0;
        if matches!(core.source, Source::Chosen(_)) || core.tasks.is_stopping() {
            return;
        }
        core.change_subscriptions(|topics| {
            topics.remove(topic);
        });
        assigning::release_unsubscribed(core).await;
        core.cluster.heartbeat().await;
    }

    /// Goes on at another place in a queue: what was fetched is dropped, and what was handed over and
    /// is not finished does not count any more. The new offset is what the next commit commits.
    ///
    /// # Errors
    ///
    /// [`SeekError`]: the queue is not this consumer's, or has no such offset.
    pub async fn seek(&self, queue: &MessageQueue, to: impl Into<SeekTo>) -> Result<(), SeekError> {
        let core = &self.0;
        if core.tasks.is_stopping() {
            return Err(SeekError::ShutDown);
        }
        let is_chosen = match &core.source {
            Source::Chosen(queues) => queues.lock().contains(queue),
            Source::Subscribed => false,
        };
        let not_assigned = || SeekError::NotAssigned(queue.clone());
        if !is_chosen && core.buffer.handed_over_next(queue).is_none() {
            return Err(not_assigned());
        }
        let offset = seek::target(&core.cluster, queue, to.into()).await?;
        if core.buffer.seek(queue, offset) {
            return Ok(());
        }
        if !is_chosen {
            return Err(not_assigned());
        }
        // Where to start is not known yet, and need not be any more.
        fetching::assign(core, queue.clone(), offset);
        Ok(())
    }

    /// Pauses queues: once this returns none of their messages is handed over before
    /// [`resume`](Self::resume). What was fetched stays.
    pub fn pause(&self, queues: &[MessageQueue]) {
        self.0.buffer.pause(queues);
    }

    /// Goes on with queues that were paused.
    pub fn resume(&self, queues: &[MessageQueue]) {
        self.0.buffer.resume(queues);
    }

    /// The offset of the message of `queue` that is handed over next; `None` when the queue is not this
    /// consumer's.
    pub fn position(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        self.0.buffer.handed_over_next(queue)
    }
}

/// Why a consumer reads the queues that it read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignError {
    /// The consumer was started with subscriptions.
    #[error("the consumer subscribes to topics: its group shares their queues among the members")]
    StillSubscribed,
    /// The consumer was shut down.
    #[error("the consumer is shut down")]
    ShutDown,
}

impl AssignError {
    /// The kind, by who can do something about the error.
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::StillSubscribed => ErrorKind::Message,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }
}
