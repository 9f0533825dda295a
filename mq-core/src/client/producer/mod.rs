//! Sends messages (`DefaultMQProducer`).
//!
//! A send ends with the broker's response or a timeout; messages are not collected into batches on
//! the way.

mod attempts;
mod background;
mod batch;
mod config;
mod later;
mod order;
mod outcome;
mod parts;
mod prepare;
mod request;
mod select;
mod shared;
mod target;
pub(super) mod trace_sender;
mod traced;
mod transaction;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
pub use config::ProducerConfig;
use futures_util::FutureExt;

pub use outcome::{SendHandle, SendResult, SendStatus};
pub use parts::BatchPart;
pub use request::ExpectedReply;
pub use target::{Selector, Target};
pub use transaction::{HalfMessage, OpenTransaction};

use super::checker::{AnyChecker, TransactionChecker};
use super::cluster::{ClusterClient, Role};
use super::error::{MessageError, RequestError, SendError, StartError};
use crate::message::{GroupName, Message, MessageExt, MessageQueue, SysFlag, TopicName};
use crate::tasks::Unfinished;
use attempts::Retry;
use background::BackgroundSend;
use shared::ProducerShared;
use trace_sender::TracedSide;
use traced::TracedChecker;

/// Sends messages. Clones are the same producer.
#[derive(Clone)]
pub struct Producer(Arc<ProducerShared>);

impl Producer {
    pub(super) fn start(
        cluster: &Arc<ClusterClient>,
        config: ProducerConfig,
    ) -> Result<Self, StartError> {
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        config.check()?;
        cluster.groups.lock().add_producer(&config.group)?;
        cluster.heartbeat_is_due();
        let trace = config.trace.as_ref();
        let tracer =
            trace.map(|to| trace_sender::tracer(cluster, to, &config.group, TracedSide::Produce));
        Ok(Self(Arc::new(ProducerShared::new(cluster, config, tracer))))
    }

    /// The producer with which messages of the group `own` are sent that came from a broker; it is not
    /// in heartbeats, and brokers create no topic for it but a retry topic.
    pub(super) fn inner(cluster: &Arc<ClusterClient>, own: &GroupName) -> Self {
        let group = GroupName::new("CLIENT_INNER_PRODUCER").unwrap_or_else(|_never| own.clone());
        let mut config = ProducerConfig::new(group);
        config.create_topic_key = ByteString::new();
        Self(Arc::new(ProducerShared::new(cluster, config, None)))
    }

    /// Its settings.
    pub fn config(&self) -> &ProducerConfig {
        &self.0.config
    }

    /// Sends to any queue; tries other brokers when one fails.
    ///
    /// # Errors
    ///
    /// [`SendError`]; after a timeout the message may have been stored.
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
        selector: impl Fn(&[MessageQueue]) -> Option<usize> + Send + Sync + 'static,
    ) -> Result<SendResult, SendError> {
        let limit = self.0.config.send_timeout;
        self.send_with(message, Target::chosen(selector), limit)
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
    /// [`SendError`]; after a timeout the message may have been stored.
    pub async fn send_with(
        &self,
        message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let draft = prepare::single(message, &self.0.config, || self.0.cluster.unique_id())?;
        self.0.send(draft, target, limit, Retry::Waiting).await
    }

    /// Sends a message that came from a broker to `target`, with its body compressed as `flag` says.
    pub(super) async fn send_unchanged(
        &self,
        message: Message,
        flag: SysFlag,
        target: Target,
    ) -> Result<SendResult, SendError> {
        let ProducerShared {
            config, cluster, ..
        } = &*self.0;
        let draft = prepare::unchanged(message, flag, config, || cluster.unique_id())?;
        let limit = config.send_timeout;
        self.0.send(draft, target, limit, Retry::Waiting).await
    }

    /// Calls back a message that waits for its time, by the handle in the result of its send; gives its
    /// unique id. Called back in time, it is not delivered.
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # async fn example(producer: Producer) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut reminder = Message::new(TopicName::new("reminders")?, "pay");
    /// reminder.deliver(Later::After(std::time::Duration::from_secs(3600)));
    /// let sent = producer.send(reminder).await?;
    /// if let Some(handle) = &sent.recall_handle {
    ///     producer.recall(handle).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Handle`] for a text that is no handle, [`SendError::Recall`] when it is too late or
    /// the broker calls no messages back, as those of RocketMQ 4 and, unless it is allowed there
    /// (`recallMessageEnable`), of 5.
    pub async fn recall(&self, handle: &str) -> Result<String, SendError> {
        self.0.recall(handle).await
    }

    /// Sends several messages of one topic in one request: all are stored, or none.
    ///
    /// The result's id holds the ids of all messages, joined by `,`.
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

    /// Sends messages of one topic in as few requests as their sizes allow, in their order, and reports
    /// each request; `limit` is for each.
    ///
    /// A request that fails does not keep the later ones from being sent, unless `target` is one queue,
    /// in which they would come before the ones that failed.
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # async fn example(producer: Producer, lines: Vec<Message>) -> Result<(), SendError> {
    /// let limit = std::time::Duration::from_secs(3);
    /// for part in producer.send_in_parts(lines, Target::Any, limit).await? {
    ///     if let Err(error) = part.outcome {
    ///         eprintln!("messages {:?} were not sent: {error}", part.messages);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`] when a message cannot be sent in a batch; none of them was sent then. The outcome of
    /// each request is in its [`BatchPart`].
    pub async fn send_in_parts(
        &self,
        messages: Vec<Message>,
        target: Target,
        limit: Duration,
    ) -> Result<Vec<BatchPart>, SendError> {
        self.0.send_in_parts(messages, target, limit).await
    }

    /// Sends a request message to `target` and waits for its reply; `limit` is for both together. A reply
    /// that comes later is dropped and counted, see
    /// [`Client::late_replies`](super::Client::late_replies).
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # async fn example(producer: Producer) -> Result<(), Box<dyn std::error::Error>> {
    /// let query = Message::new(TopicName::new("price")?, "one coffee");
    /// let limit = std::time::Duration::from_secs(3);
    /// let reply = producer.request(query, Target::Any, limit).await?;
    /// println!("{:?}", reply.message.body);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequestError`]; without a reply in time the request may have been handled all the same.
    pub async fn request(
        &self,
        mut message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<MessageExt, RequestError> {
        let expected = self.expect_reply(&mut message, limit).await?;
        let sent = self.send_with(message, target, expected.left()).await;
        // However durably it is stored: whoever handles it decides about the reply.
        let _stored = sent.map_err(RequestError::Send)?;
        expected.receive().await
    }

    /// Makes `message` a request whose reply is waited for, for callers that send it themselves. `limit`
    /// begins now.
    ///
    /// # Errors
    ///
    /// [`RequestError::NoReply`] when the brokers could not be told in time who waits.
    pub async fn expect_reply(
        &self,
        message: &mut Message,
        limit: Duration,
    ) -> Result<ExpectedReply, RequestError> {
        self.0.expect_reply(message, limit).await
    }

    /// Replies to a request message.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the message is no request, or nobody has taken the reply.
    pub async fn reply(
        &self,
        request: &MessageExt,
        body: impl Into<Bytes>,
    ) -> Result<SendResult, SendError> {
        let reply = request.reply(body).map_err(|source| SendError::Message {
            topic: request.message.topic.clone(),
            source: MessageError::NotARequest(source),
        })?;
        let limit = self.0.config.send_timeout;
        self.send_reply(request, reply, limit).await
    }

    /// Sends a reply that [`MessageExt::reply`] gave and that may have got properties since.
    ///
    /// # Errors
    ///
    /// [`SendError`] when nobody has taken the reply.
    pub async fn send_reply(
        &self,
        request: &MessageExt,
        reply: Message,
        limit: Duration,
    ) -> Result<SendResult, SendError> {
        let target = self.0.reply_target(request, &reply).await?;
        self.send_with(reply, target, limit).await
    }

    /// Sends a message that is delivered only when its transaction is committed; until then nobody gets
    /// it. Without an end the broker asks the checker of the group, see [`Producer::answer_checks`].
    ///
    /// A message may say by its property `CHECK_IMMUNITY_TIME_IN_SECONDS` when it is asked about first.
    ///
    /// ```no_run
    /// # use mq_core::{client::*, message::*};
    /// # async fn example(producer: Producer) -> Result<(), Box<dyn std::error::Error>> {
    /// let created = Message::new(TopicName::new("order-topic")?, "one coffee");
    /// let transaction = producer.begin(created).await?;
    /// // … the order is written into the database …
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`]; after a timeout the half message may have been stored, and is asked about.
    pub async fn begin(&self, message: Message) -> Result<OpenTransaction, SendError> {
        let limit = self.0.config.send_timeout;
        self.begin_with(message, Target::Any, limit).await
    }

    /// The same to `target`, within `limit`.
    ///
    /// # Errors
    ///
    /// As [`Producer::begin`].
    pub async fn begin_with(
        &self,
        mut message: Message,
        target: Target,
        limit: Duration,
    ) -> Result<OpenTransaction, SendError> {
        let marked = self.mark_half(&mut message)?;
        let half = self.send_with(message, target, limit).await?;
        Ok(self.transaction_of(marked, half))
    }

    /// Makes `message` the half message of a transaction, for callers that send it themselves and then
    /// have its [`transaction`](Self::transaction_of).
    ///
    /// # Errors
    ///
    /// [`SendError::Message`] for a message that cannot be in a transaction.
    pub fn mark_half(&self, message: &mut Message) -> Result<HalfMessage, SendError> {
        self.0.mark_half(message)
    }

    /// The transaction of a half message that this producer has sent.
    pub fn transaction_of(&self, message: HalfMessage, half: SendResult) -> OpenTransaction {
        self.0.transaction_of(message, half)
    }

    /// Has `checker` say how transactions of this group ended when a broker asks: those of this producer
    /// and of others in the group, also from before they were restarted. Makes the client known to every
    /// broker of the cluster.
    pub fn answer_checks(&self, checker: impl TransactionChecker) {
        let ProducerShared {
            config,
            cluster,
            tracer,
            ..
        } = &*self.0;
        let checker = match tracer {
            Some(tracer) => AnyChecker::new(TracedChecker {
                checker,
                tracer: tracer.clone(),
            }),
            None => AnyChecker::new(checker),
        };
        cluster.groups.lock().set_checker(&config.group, checker);
        cluster.heartbeat_is_due();
    }

    /// Sends a one-way request: `Ok` means that a connection took the message, not that a broker
    /// stored it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when there is no route or no connection.
    pub async fn send_one_way(&self, message: Message, target: Target) -> Result<(), SendError> {
        let draft = prepare::single(message, &self.0.config, || self.0.cluster.unique_id())?;
        self.0.one_way(draft, target).await
    }

    /// Sends in the background, in the order of the calls. Another broker is tried when one cannot
    /// be reached.
    ///
    /// The send goes on when the handle is dropped.
    pub fn send_async(&self, message: Message, target: Target, limit: Duration) -> SendHandle {
        let (done, handle) = SendHandle::new();
        self.send_then(message, target, limit, |outcome| {
            // The handle may have been dropped.
            let _unwanted = done.send(outcome);
        });
        handle
    }

    /// Sends in the background, in the order of the calls, and calls `then` with the outcome
    /// (`SendCallback`). With too many sends in flight, `then` is called at once with
    /// [`SendError::TooMany`].
    pub fn send_then(
        &self,
        message: Message,
        target: Target,
        limit: Duration,
        then: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let most = self.0.config.max_background_sends;
        let Some(slot) = BackgroundSend::begin(&self.0, most) else {
            then(Err(SendError::TooMany { limit: most }));
            return;
        };
        let mut sending = Box::pin(slot.send(message, target, limit));
        // Poll once before spawning, so that the send has queued up behind earlier ones when this
        // returns.
        let begun = sending.as_mut().now_or_never();
        self.0.tasks.spawn("send in the background", async move {
            let outcome = match begun {
                Some(outcome) => outcome,
                None => sending.await,
            };
            then(outcome);
        });
    }

    /// As [`send_then`](Self::send_then), for callers that spawn a task themselves.
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
        let slot =
            BackgroundSend::begin(&self.0, most).ok_or(SendError::TooMany { limit: most })?;
        slot.send(message, target, limit).await
    }

    /// The queues of `topic` that can be sent to, sorted by broker and queue id.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the topic has no route.
    pub async fn queues(&self, topic: &TopicName) -> Result<Vec<MessageQueue>, SendError> {
        let route = self.0.route(topic).await?;
        Ok(route.publish.clone())
    }

    /// Waits for background sends, sends the message traces that wait, and leaves the group; `limit` is
    /// for all of that.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] when some are still in flight.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let ProducerShared {
            cluster,
            config,
            tasks,
            tracer,
            ..
        } = &*self.0;
        let deadline = cluster.clock.moment().plus(limit);
        let outcome = tasks.stop(limit).await;
        cluster.groups.lock().remove_producer(&config.group);
        cluster.leave(&config.group, Role::Producer, deadline).await;
        if let Some(tracer) = tracer {
            tracer.shutdown(deadline).await;
        }
        outcome
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProducerShared { config, .. } = &*self.0;
        f.debug_struct("Producer")
            .field("config", config)
            .finish_non_exhaustive()
    }
}
