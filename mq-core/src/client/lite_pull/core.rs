//! The state that the tasks of one lite pull consumer and the application share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::buffer::Receipt;
use super::config::LitePullConfig;
use super::error::PollError;
use super::shared_buffer::SharedBuffer;
use super::subscribed::{Source, Subscribed, membership};
use crate::client::cluster::ClusterClient;
use crate::client::consumer::ConsumerConfig;
use crate::client::consumer::offsets::{Commit, OffsetStore};
use crate::client::consumer::received;
use crate::client::consumer::refused_queues::RefusedQueues;
use crate::client::consumer::traced::{Answered, TracedCall};
use crate::client::groups::ConsumerCommand;
use crate::client::trace::Tracer;
use crate::clock::Moment;
use crate::message::subscription::Subscription;
use crate::message::{MessageExt, MessageQueue, TopicName};
use crate::tasks::{Tasks, Unfinished};

/// The state of one lite pull consumer.
pub(super) struct Core {
    pub(super) cluster: Arc<ClusterClient>,
    pub(super) config: LitePullConfig,
    /// The settings that are not a lite pull consumer's alone.
    pub(super) in_common: ConsumerConfig,
    pub(super) subscribed: Mutex<Arc<Subscribed>>,
    pub(super) source: Source,
    pub(super) offsets: OffsetStore,
    pub(super) buffer: SharedBuffer,
    pub(super) refused_queues: RefusedQueues,
    /// Held while queues are assigned, so that none is that was unsubscribed from meanwhile.
    pub(super) assigning: tokio::sync::Mutex<()>,
    /// Held while offsets are committed, so that the last commit of a queue that is released is the
    /// last that reaches its broker.
    pub(super) committing: tokio::sync::Mutex<()>,
    pub(super) commands: mpsc::Sender<ConsumerCommand>,
    /// When it was started, ms since 1970.
    pub(super) started_ms: i64,
    /// Records what is handed over.
    pub(super) tracer: Option<Tracer>,
    pub(super) tasks: Tasks,
}

impl Core {
    /// What is subscribed to now.
    pub(super) fn subscribed(&self) -> Arc<Subscribed> {
        Arc::clone(&self.subscribed.lock())
    }

    /// Changes the subscriptions, and has the next heartbeat tell of them.
    pub(super) fn change_subscriptions(
        &self,
        change: impl FnOnce(&mut BTreeMap<TopicName, Subscription>),
    ) {
        let mut subscribed = self.subscribed.lock();
        let mut topics = BTreeMap::clone(&subscribed.topics);
        change(&mut topics);
        let (data, names) = membership(&self.config, &topics, &self.source);
        let mut groups = self.cluster.groups.lock();
        groups.change_consumer(&self.config.group, data, names);
        *subscribed = Arc::new(Subscribed::new(&self.cluster, &self.in_common, topics));
    }

    /// A queue is not read any more; its position is committed unless the application commits.
    pub(super) async fn release(&self, queue: &MessageQueue) {
        let _last = self.committing.lock().await;
        if let Some(position) = self.buffer.release(queue)
            && self.config.auto_commit.is_some()
        {
            self.offsets.set(queue, position);
            let queue = std::slice::from_ref(queue);
            self.offsets.commit(queue, Commit::Confirmed).await;
        }
        tracing::debug!(%queue, "a queue is no longer assigned to this consumer");
        self.offsets.forget(queue);
        self.refused_queues.end(queue);
    }

    /// Commits the positions of all queues. Failures are logged; the next commit covers this one.
    pub(super) async fn commit(&self, how: Commit) {
        let _one_at_a_time = self.committing.lock().await;
        let positions = self.buffer.positions();
        for (queue, position) in &positions {
            self.offsets.set(queue, *position);
        }
        let queues: Vec<_> = positions.into_iter().map(|(queue, _)| queue).collect();
        self.offsets.commit(&queues, how).await;
    }

    /// Releases every queue at the end, and commits their positions unless the application commits. What
    /// is acknowledged from then on does not count.
    pub(super) async fn release_all(
        &self,
        deadline: Moment,
        outcome: Result<(), Unfinished>,
    ) -> Result<(), Unfinished> {
        let mut queues = self.buffer.queues();
        queues.retain(|queue| {
            let position = self.buffer.release(queue);
            if let Some(position) = position {
                self.offsets.set(queue, position);
            }
            position.is_some()
        });
        if self.config.auto_commit.is_none() {
            return outcome;
        }
        let clock = &self.cluster.clock;
        let _last = clock.timeout_at(deadline, self.committing.lock()).await;
        self.offsets.last_commit(&queues, deadline, outcome).await
    }

    /// Hands over at most `most` messages, or none when there is none within `limit`.
    pub(super) async fn hand_over(
        &self,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<(MessageExt, Receipt)>, PollError> {
        let clock = &self.cluster.clock;
        let until = clock.moment().plus(limit);
        loop {
            let taken = tokio::select! {
                biased;
                () = self.tasks.stopping() => return Err(PollError::ShutDown),
                () = self.cluster.tasks.stopping() => return Err(PollError::ShutDown),
                taken = self.buffer.take(clock, until, most) => taken,
            };
            let is_empty = taken.is_empty();
            let taken = taken.into_iter();
            let readable: Vec<_> = taken
                .filter_map(|(message, receipt)| Some((self.readable(message, &receipt)?, receipt)))
                .collect();
            if is_empty || !readable.is_empty() {
                self.trace(&readable);
                return Ok(readable);
            }
        }
    }

    /// Records messages that are handed over as consumed at once, as Java does.
    fn trace(&self, handed_over: &[(MessageExt, Receipt)]) {
        if let Some(tracer) = self.tracer.as_ref().filter(|_| !handed_over.is_empty()) {
            let messages = handed_over.iter().map(|(message, _)| message);
            let call = TracedCall::begin(tracer, messages);
            call.end(std::iter::repeat(Answered::Done), Duration::MAX);
        }
    }

    /// The message with its body decompressed. One that cannot be is passed over: it stays in its queue,
    /// where a pull by hand finds it.
    fn readable(&self, message: MessageExt, receipt: &Receipt) -> Option<MessageExt> {
        match received::unpacked(message) {
            Ok(message) => Some(message),
            Err(error) => {
                let Receipt { queue, offset, .. } = receipt;
                tracing::error!(%queue, %offset, %error, "the body of a message cannot be decompressed: the message is passed over");
                self.buffer.finish(receipt);
                None
            }
        }
    }

    /// Requests that the queues are assigned anew.
    pub(super) fn request_rebalance(&self) {
        if !ConsumerCommand::Rebalance.send_to(&self.commands) {
            tracing::trace!("no rebalance: the consumer has stopped");
        }
    }
}
