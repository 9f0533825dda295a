//! The handle of a running lite pull consumer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, BoxStream, StreamExt};

use super::buffer::Receipt;
use super::core::Core;
use super::delivery::Delivery;
use super::error::PollError;
use crate::client::cluster::Role;
use crate::client::pull::PullError;
use crate::message::{GroupName, MessageExt, MessageQueue, QueueOffset};
use crate::tasks::Unfinished;

/// How long a stream waits for a message before it looks again.
const STREAM_WAIT: Duration = Duration::from_mins(1);

/// A running lite pull consumer. Clones are the same consumer.
///
/// Dropping the last handle does not stop it: the consumer goes on as a member of its group, and keeps its
/// share of the queues. Keep a handle to [shut it down](Self::shutdown).
///
/// It fetches in the background, within the limits of its
/// [settings](crate::client::LitePullConfig), and hands messages over in one of three ways:
///
/// | | A message is finished |
/// |---|---|
/// | [`poll`](Self::poll) | when `poll` is called again |
/// | [`messages`](Self::messages), a stream | when the next one is asked for |
/// | [`receive`](Self::receive) and [`deliveries`](Self::deliveries), a stream | by [`Delivery::ack`] |
///
/// What is finished is committed every 5 s ([`LitePullConfig::auto_commit`](crate::client::LitePullConfig::auto_commit))
/// and at [`shutdown`](Self::shutdown), or by [`commit`](Self::commit).
///
/// ```no_run
/// # use std::time::Duration;
/// # use mq_core::{client::*, message::*};
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let config = LitePullConfig::new(GroupName::new("report")?);
/// let orders = client.lite_pull_consumer(config).subscribe(TopicName::new("orders")?, "*");
/// let orders = orders.start().await?;
/// for message in orders.poll(Duration::from_secs(5)).await? {
///     println!("{}", message.message_id());
/// }
/// orders.shutdown(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LitePullConsumer(pub(super) Arc<Core>);

impl LitePullConsumer {
    /// The group.
    pub fn group(&self) -> &GroupName {
        &self.0.config.group
    }

    /// Messages as soon as there are some, or none when there are none within `timeout`: at most
    /// [`pull_batch_size`](crate::client::LitePullConfig::pull_batch_size), those of each queue in its
    /// order. Whatever earlier calls returned counts as finished.
    ///
    /// It is cancel-safe. When several tasks poll, the call of one finishes what the others have: use
    /// [`receive`](Self::receive) there.
    ///
    /// # Errors
    ///
    /// [`PollError::ShutDown`]. Brokers that do not respond are none.
    pub async fn poll(&self, timeout: Duration) -> Result<Vec<MessageExt>, PollError> {
        let core = &self.0;
        core.buffer.finish_polled();
        let most = core.config.pull_batch_size.into();
        let (messages, receipts): (Vec<_>, Vec<_>) =
            core.hand_over(most, timeout).await?.into_iter().unzip();
        core.buffer.polled(receipts);
        Ok(messages)
    }

    /// As [`poll`](Self::poll), at most `most` messages, each of which is finished once it is
    /// acknowledged.
    ///
    /// # Errors
    ///
    /// [`PollError::ShutDown`].
    pub async fn receive(
        &self,
        most: usize,
        timeout: Duration,
    ) -> Result<Vec<Delivery>, PollError> {
        let taken = self.0.hand_over(most, timeout).await?.into_iter();
        let delivery = |(message, receipt)| Delivery::new(message, receipt, &self.0);
        Ok(taken.map(delivery).collect())
    }

    /// The messages one by one, until the consumer is shut down. Each is finished when the next one is
    /// asked for; the last one that a dropped stream gave is not.
    pub fn messages(&self) -> BoxStream<'static, MessageExt> {
        let start = (self.clone(), None::<Receipt>);
        let messages = stream::unfold(start, |(consumer, before)| async move {
            if let Some(before) = before {
                consumer.0.buffer.finish(&before);
            }
            let (message, receipt) = consumer.next().await?;
            Some((message, (consumer, Some(receipt))))
        });
        messages.boxed()
    }

    /// The messages one by one, to be acknowledged, until the consumer is shut down.
    pub fn deliveries(&self) -> BoxStream<'static, Delivery> {
        let deliveries = stream::unfold(self.clone(), |consumer| async move {
            let (message, receipt) = consumer.next().await?;
            Some((Delivery::new(message, receipt, &consumer.0), consumer))
        });
        deliveries.boxed()
    }

    /// The next message; `None` once the consumer is shut down.
    async fn next(&self) -> Option<(MessageExt, Receipt)> {
        loop {
            let taken = self.0.hand_over(1, STREAM_WAIT).await.ok()?;
            if let Some(next) = taken.into_iter().next() {
                return Some(next);
            }
        }
    }

    /// Commits what is finished of all queues; whatever [`poll`](Self::poll) returned is finished.
    ///
    /// # Errors
    ///
    /// [`PullError::Broker`] for the first queue whose offset its broker did not take; others may have
    /// been committed. [`PullError::Offsets`] when the file of a broadcasting group was not written.
    pub async fn commit(&self) -> Result<(), PullError> {
        self.0.buffer.finish_polled();
        let _one_at_a_time = self.0.committing.lock().await;
        let positions = self.0.buffer.positions();
        let commits = positions
            .iter()
            .map(|(queue, at)| self.commit_at(queue, *at));
        // At once, so that a broker that is away delays no other.
        join_all(commits).await.into_iter().collect()
    }

    /// Commits an offset of the application's own: all messages of `queue` before it are finished. It is not
    /// compared with the queue, as that of [`PullConsumer::commit`](crate::client::PullConsumer::commit). With
    /// [`auto_commit`](crate::client::LitePullConfig::auto_commit) the next commit of what is finished
    /// replaces it.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit).
    pub async fn commit_to(
        &self,
        queue: &MessageQueue,
        offset: QueueOffset,
    ) -> Result<(), PullError> {
        let _one_at_a_time = self.0.committing.lock().await;
        self.commit_at(queue, offset).await
    }

    async fn commit_at(&self, queue: &MessageQueue, offset: QueueOffset) -> Result<(), PullError> {
        if self.0.tasks.is_stopping() {
            return Err(PullError::ShutDown);
        }
        let committed = self.0.offsets.commit_at(queue, offset).await;
        committed.map_err(|error| PullError::of_commit(queue, error))
    }

    /// Stops fetching, commits what is finished unless the application commits, and leaves the group;
    /// `limit` is for all of that. Whatever [`poll`](Self::poll) returned is finished; a delivery that is
    /// not acknowledged comes again. From now on nothing is handed over.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] with [`COMMITTING_OFFSETS`](crate::client::COMMITTING_OFFSETS) when a broker did not
    /// confirm them in time.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let core = &*self.0;
        let deadline = core.cluster.clock.moment().plus(limit);
        let was_running = !core.tasks.is_stopping();
        let outcome = core.tasks.stop(limit).await;
        if !was_running {
            return outcome;
        }
        core.buffer.finish_polled();
        let outcome = core.release_all(deadline, outcome).await;
        let group = self.group();
        core.cluster.groups.lock().remove_consumer(group);
        core.cluster.leave(group, Role::Consumer, deadline).await;
        if let Some(tracer) = &core.tracer {
            tracer.shutdown(deadline).await;
        }
        outcome
    }
}

impl fmt::Debug for LitePullConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LitePullConsumer")
            .field("group", self.group())
            .field("assignment", &self.assignment())
            .finish_non_exhaustive()
    }
}
