//! Sends messages (`DefaultMQProducer`).
//!
//! A send is over when a broker has answered or the time is up; nothing is queued or batched on
//! the way.

mod attempts;
mod background;
mod batch;
mod config;
mod order;
mod outcome;
mod prepare;
mod select;
mod shared;
mod target;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use config::ProducerConfig;
use futures_util::FutureExt;

pub use outcome::{SendHandle, SendResult, SendStatus};
pub use target::{Selector, Target};

use super::cluster::Cluster;
use super::error::{SendError, StartError};
use crate::message::{GroupName, Message, MessageQueue, SysFlag, TopicName};
use crate::tasks::Unfinished;
use attempts::Retry;
use background::BackgroundSend;
use shared::Shared;

/// Sends messages. Clones are the same producer.
#[derive(Clone)]
pub struct Producer(Arc<Shared>);

impl Producer {
    pub(super) fn start(
        cluster: &Arc<Cluster>,
        config: ProducerConfig,
    ) -> Result<Self, StartError> {
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        config.check()?;
        cluster.groups.lock().add_producer(&config.group)?;
        cluster.heartbeat_is_due();
        Ok(Self(Arc::new(Shared::new(cluster, config))))
    }

    /// The producer for what a client itself has to send; it is in no heartbeat.
    pub(super) fn inner(cluster: &Arc<Cluster>, group: GroupName) -> Self {
        Self(Arc::new(Shared::new(cluster, ProducerConfig::new(group))))
    }

    /// How it sends.
    pub fn config(&self) -> &ProducerConfig {
        &self.0.config
    }

    /// Sends to any queue; tries other brokers when one fails.
    ///
    /// # Errors
    ///
    /// [`SendError`]; after a timeout the message may be stored all the same.
    pub async fn send(&self, message: Message) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_with(message, Target::Any, limit).await
    }

    /// Sends to `queue` and no other.
    ///
    /// # Errors
    ///
    /// [`SendError`], without another attempt.
    pub async fn send_to(
        &self,
        message: Message,
        queue: &MessageQueue,
    ) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_with(message, Target::Queue(queue.clone()), limit)
            .await
    }

    /// Sends to the queue at the index that `selector` chooses.
    ///
    /// # Errors
    ///
    /// [`SendError`], without another attempt.
    pub async fn send_by(
        &self,
        message: Message,
        selector: impl FnOnce(&[MessageQueue]) -> Option<usize> + Send + 'static,
    ) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_with(message, Target::Chosen(Box::new(selector)), limit)
            .await
    }

    /// Sends to the queue of `key`, so that messages with equal keys stay in order.
    ///
    /// # Errors
    ///
    /// [`SendError`], without another attempt.
    pub async fn send_by_hash(&self, message: Message, key: &str) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_with(message, Target::Hash(key.to_owned()), limit)
            .await
    }

    /// Sends to `target`; `limit` is for all attempts together.
    ///
    /// # Errors
    ///
    /// [`SendError`]; after a timeout the message may be stored all the same.
    pub async fn send_with(
        &self,
        message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let draft = prepare::single(message, &self.0.config, || self.0.cluster.unique_id())?;
        self.0.send(draft, target, limit, Retry::Waiting).await
    }

    /// Sends a message that came from a broker, its body packed as `flag` says.
    pub(super) async fn send_as_it_came(
        &self,
        message: Message,
        flag: SysFlag,
    ) -> Result<SendResult, SendError> {
        let Shared {
            config, cluster, ..
        } = &*self.0;
        let draft = prepare::as_it_came(message, flag, config, || cluster.unique_id())?;
        let limit = config.send_timeout;
        self.0.send(draft, Target::Any, limit, Retry::Waiting).await
    }

    /// Sends several messages of one topic as one: all of them are stored, or none.
    ///
    /// The id of the result is theirs, joined by `,`.
    ///
    /// # Errors
    ///
    /// [`SendError`]; a batch as a whole must not be longer than a message may be.
    pub async fn send_batch(&self, messages: Vec<Message>) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_batch_with(messages, Target::Any, limit).await
    }

    /// The same to `target`, within `limit`.
    ///
    /// # Errors
    ///
    /// As [`Producer::send_batch`].
    pub async fn send_batch_with(
        &self,
        messages: Vec<Message>,
        target: Target,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let draft = batch::draft(messages, &self.0.config, || self.0.cluster.unique_id())?;
        self.0.send(draft, target, limit, Retry::Waiting).await
    }

    /// Hands the message to a connection and does not learn what becomes of it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when there is no route or no connection.
    pub async fn send_one_way(&self, message: Message, target: Target) -> Result<(), SendError> {
        let draft = prepare::single(message, &self.0.config, || self.0.cluster.unique_id())?;
        self.0.one_way(draft, target).await
    }

    /// Sends in the background, in the order of the calls; other brokers are tried when one cannot
    /// be reached.
    ///
    /// The send goes on when the handle is dropped.
    pub fn send_async(&self, message: Message, target: Target, limit: Duration) -> SendHandle {
        let (done, handle) = SendHandle::new();
        self.send_then(message, target, limit, |outcome| {
            // Whoever dropped the handle does not want to know.
            let _unwanted = done.send(outcome);
        });
        handle
    }

    /// Sends in the background and calls `then` with the outcome (`SendCallback`): at once when
    /// too many sends are under way. Messages of one caller leave in the order of the calls.
    pub fn send_then(
        &self,
        message: Message,
        target: Target,
        limit: Duration,
        then: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let most = self.0.config.max_background_sends;
        let Some(place) = BackgroundSend::begin(&self.0, most) else {
            then(Err(SendError::TooMany { limit: most }));
            return;
        };
        let mut sending = Box::pin(place.send(message, target, limit));
        // The first step is made here and now: the send has its place in the order when this returns.
        let begun = sending.as_mut().now_or_never();
        self.0.tasks.spawn("send in the background", async move {
            let outcome = match begun {
                Some(outcome) => outcome,
                None => sending.await,
            };
            then(outcome);
        });
    }

    /// What [`send_then`](Self::send_then) does, for callers that have a task of their own for it.
    ///
    /// # Errors
    ///
    /// [`SendError::TooMany`] at once, or as [`send_with`](Self::send_with).
    pub async fn send_in_background(
        &self,
        message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let most = self.0.config.max_background_sends;
        let place =
            BackgroundSend::begin(&self.0, most).ok_or(SendError::TooMany { limit: most })?;
        place.send(message, target, limit).await
    }

    /// The queues that messages to `topic` go to, sorted by broker and number.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the topic has no route.
    pub async fn queues(&self, topic: &TopicName) -> Result<Vec<MessageQueue>, SendError> {
        let route = self.0.route(topic).await?;
        Ok(route.publish.clone())
    }

    /// Waits for sends in the background, at most `limit`, and leaves the group.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] when some are still under way.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let Shared {
            cluster,
            config,
            tasks,
            ..
        } = &*self.0;
        let deadline = cluster.clock.moment().plus(limit);
        let outcome = tasks.stop(limit).await;
        cluster.groups.lock().remove_producer(&config.group);
        cluster.leave(&config.group, deadline).await;
        outcome
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { config, .. } = &*self.0;
        f.debug_struct("Producer")
            .field("config", config)
            .finish_non_exhaustive()
    }
}
