//! The attempts of one send: route, queue, broker, and another broker when the first fails
//! (`sendDefaultImpl`).

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::later::LaterError;
use super::outcome::{SendResult, SendStatus};
use super::prepare::{SendDraft, SendKind};
use super::select;
use super::shared::ProducerShared;
use super::target::Target;
use super::traced::{self, DEFAULT_REGION};
use crate::client::error::{self, MessageError, SendError};
use crate::client::routes::TopicRoute;
use crate::clock::Moment;
use crate::keyed_fifo::NextMayBegin;
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;
use crate::wire::Reply;
use crate::wire::header::{SendBatchMessage, SendMessage, SendMessageReply, SendReplyMessage};

/// The time limit of a send, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendTime {
    pub(super) limit: Duration,
    pub(super) deadline: Moment,
}

/// Which failures are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The caller waits: every failure after which another broker may accept the message.
    Waiting,
    /// In the background: only transport errors.
    Background,
}

impl ProducerShared {
    /// Sets `on_its_way` when the connection has the request of the first attempt.
    pub(super) async fn attempts_in_turn(
        &self,
        draft: SendDraft,
        target: Target,
        SendTime { limit, deadline }: SendTime,
        retry: Retry,
        on_its_way: &NextMayBegin,
    ) -> Result<SendResult, SendError> {
        let clock = &self.cluster.clock;
        let attempts = self.allowed_attempts(&target, retry);
        let timeout = || SendError::Timeout {
            topic: draft.topic.clone(),
            limit,
        };
        let mut outcome = Err(timeout());
        let mut avoid: Option<MessageQueue> = None;
        for attempt in 1..=attempts {
            let left = deadline.since(clock.moment());
            if left.is_zero() {
                break;
            }
            let avoided = avoid.as_ref().map(|queue| &*queue.broker);
            let route = self.route_around(&draft.topic, avoided);
            let route = clock.timeout(left, route).await;
            let route = route.map_err(|_elapsed| timeout())??;
            let queue = self.choose(&route, &draft.topic, &target, avoided)?;
            let answer = match self.header(&draft, &queue, deadline).await {
                Ok((address, header)) => {
                    self.attempt(&draft, &address, header, deadline, on_its_way)
                        .await
                }
                Err(LaterError::Call(error)) => Err(error),
                Err(LaterError::Message(source)) => return Err(unfit(&draft, source)),
            };
            match answer {
                Ok(reply) => {
                    let result = result_of(&draft, &queue, reply);
                    if route.from_template {
                        self.cluster.routes_are_stale();
                    }
                    let good = result.status == SendStatus::Ok
                        || !self.config.retry_another_broker_when_not_store_ok;
                    outcome = Ok(result);
                    if good {
                        return outcome;
                    }
                }
                Err(source) => {
                    self.cluster.routes_are_stale();
                    let again = match retry {
                        Retry::Waiting => error::may_succeed_elsewhere(&source),
                        Retry::Background => source.is_transport(),
                    };
                    // An earlier attempt that stored the message, with a status other than `Ok`,
                    // remains the result.
                    if outcome.is_err() {
                        outcome = Err(SendError::Broker {
                            broker: queue.broker.to_string(),
                            attempts: attempt,
                            source,
                        });
                    }
                    if !again {
                        return outcome;
                    }
                }
            }
            avoid = Some(queue);
        }
        outcome
    }

    pub(super) async fn one_way_in_turn(
        &self,
        draft: SendDraft,
        target: Target,
    ) -> Result<(), SendError> {
        let route = self.route(&draft.topic).await?;
        let queue = self.choose(&route, &draft.topic, &target, None)?;
        if self.cluster.master(&queue.broker).is_none() {
            return Err(SendError::NoBroker(queue));
        }
        let deadline = self.cluster.clock.moment().plus(self.config.send_timeout);
        let failed = |source| {
            self.cluster.routes_are_stale();
            SendError::Broker {
                broker: queue.broker.to_string(),
                attempts: 1,
                source,
            }
        };
        let (address, header) = match self.header(&draft, &queue, deadline).await {
            Ok(ready) => ready,
            Err(LaterError::Call(error)) => return Err(failed(error)),
            Err(LaterError::Message(source)) => return Err(unfit(&draft, source)),
        };
        let remoting = &self.cluster.remoting;
        let sent = match draft.kind {
            SendKind::Reply => {
                let header = SendReplyMessage(header);
                remoting.one_way(&address, header, draft.body).await
            }
            SendKind::Single | SendKind::Batch => {
                remoting.one_way(&address, header, draft.body).await
            }
        };
        sent.map_err(failed)
    }

    pub(super) async fn route(&self, topic: &TopicName) -> Result<Arc<TopicRoute>, SendError> {
        if self.tasks.is_stopping() || self.cluster.tasks.is_stopping() {
            return Err(SendError::ShutDown);
        }
        let queue_nums = self.config.default_topic_queue_nums;
        let route = self.cluster.publish_route(topic, queue_nums).await;
        let route = route.map_err(|source| SendError::Route {
            topic: topic.clone(),
            source,
        })?;
        route.ok_or_else(|| match self.cluster.known_route(topic) {
            Some(_unwritable) => SendError::NotWritable(topic.clone()),
            None => SendError::NoRoute(topic.clone()),
        })
    }

    /// The route for an attempt after one at the broker `avoided`. When no other is known, a name server may
    /// know one that was away for a moment.
    async fn route_around(
        &self,
        topic: &TopicName,
        avoided: Option<&str>,
    ) -> Result<Arc<TopicRoute>, SendError> {
        let route = self.route(topic).await?;
        let is_avoided =
            |queue: &MessageQueue| avoided.is_some_and(|broker| queue.broker == broker);
        if !route.publish.iter().all(is_avoided) {
            return Ok(route);
        }
        if let Err(error) = self.cluster.refresh(topic).await {
            tracing::debug!(%topic, %error, "the cached route stays in use");
        }
        self.route(topic).await
    }

    fn allowed_attempts(&self, target: &Target, retry: Retry) -> u32 {
        match (target, retry) {
            (Target::Any, Retry::Waiting) => self.config.retry_times_when_send_failed + 1,
            (Target::Any, Retry::Background) => self.config.retry_times_when_send_async_failed + 1,
            _ => 1,
        }
    }

    fn choose(
        &self,
        route: &TopicRoute,
        topic: &TopicName,
        target: &Target,
        avoid: Option<&str>,
    ) -> Result<MessageQueue, SendError> {
        let queues = &route.publish;
        let in_turn = |select: &dyn Fn(&mut usize) -> Option<MessageQueue>| {
            let mut turns = self.turns.lock();
            select(turns.entry(topic.clone()).or_insert_with(random_number))
        };
        let chosen = match target {
            Target::Any => in_turn(&|turn| select::in_turn(queues, turn, avoid).cloned()),
            Target::Rooms(rooms) => in_turn(&|turn| select::in_rooms(queues, turn, rooms).cloned()),
            Target::Queue(queue) => return Ok(queue.clone()),
            Target::Hash(key) => select::by_hash(queues, key).cloned(),
            Target::Random => select::at_random(queues, random_number()).cloned(),
            Target::Chosen(selector) => selector(queues).and_then(|i| queues.get(i)).cloned(),
        };
        chosen.ok_or_else(|| SendError::NotSelected {
            topic: topic.clone(),
            queues: queues.len(),
        })
    }

    async fn attempt(
        &self,
        draft: &SendDraft,
        address: &ByteString,
        header: SendMessage,
        deadline: Moment,
        on_its_way: &NextMayBegin,
    ) -> Result<Reply<SendMessageReply>, CallError> {
        let (clock, remoting) = (&self.cluster.clock, &self.cluster.remoting);
        let (body, note) = (draft.body.clone(), || on_its_way.set());
        let (begun, at_ms) = (clock.moment(), header.born_timestamp);
        let limit = deadline.since(begun);
        let answer = match draft.kind {
            SendKind::Single => {
                let call = remoting.call_noting(address, header, body, limit, &note);
                call.await
            }
            SendKind::Batch => {
                let header = SendBatchMessage(header);
                let call = remoting.call_noting(address, header, body, limit, &note);
                call.await
            }
            SendKind::Reply => {
                let header = SendReplyMessage(header);
                let call = remoting.call_noting(address, header, body, limit, &note);
                call.await
            }
        };
        if let (Some(tracer), Ok(reply)) = (&self.tracer, &answer) {
            let cost = clock.moment().since(begun);
            traced::published(tracer, draft, address, (at_ms, cost), reply);
        }
        answer
    }

    /// The address of the queue's broker, and the header for it.
    async fn header(
        &self,
        draft: &SendDraft,
        queue: &MessageQueue,
        deadline: Moment,
    ) -> Result<(ByteString, SendMessage), LaterError> {
        let broker = &queue.broker;
        let address = self.cluster.master(broker);
        let address = address.ok_or_else(|| LaterError::Call(CallError::unknown(broker)))?;
        let mut header = SendMessage {
            queue_id: queue.id,
            born_timestamp: self.cluster.clock.now_ms(),
            broker_name: Some(broker.clone()),
            unit_mode: Some(self.cluster.unit_mode),
            ..draft.header.clone()
        };
        if let Some(properties) = header.properties.as_ref().filter(|_| draft.is_timed) {
            let limit = deadline.since(self.cluster.clock.moment());
            // Boxed, so that other sends keep no room for it.
            let timed = Box::pin(self.timed_properties(properties, broker, &address, limit));
            header.properties = Some(timed.await?);
        }
        Ok((address, header))
    }
}

fn unfit(draft: &SendDraft, source: MessageError) -> SendError {
    SendError::Message {
        topic: draft.topic.clone(),
        source,
    }
}

fn result_of(
    draft: &SendDraft,
    queue: &MessageQueue,
    reply: Reply<SendMessageReply>,
) -> SendResult {
    let stored = reply.header;
    let text = |text: ByteString| text.to_string();
    SendResult {
        status: SendStatus::from_code(reply.code),
        message_id: draft.id.clone(),
        offset_message_id: text(stored.msg_id),
        queue: MessageQueue::new(draft.topic.clone(), queue.broker.clone(), stored.queue_id),
        queue_offset: QueueOffset::from_wire(stored.queue_offset).unwrap_or_default(),
        transaction_id: stored.transaction_id.map(text),
        region: stored
            .region
            .map_or_else(|| DEFAULT_REGION.to_owned(), text),
        recall_handle: stored.recall_handle.map(text),
    }
}

/// A random number: where round robin starts, so that producers that start together do not all begin
/// with the same queue.
fn random_number() -> usize {
    use std::hash::{BuildHasher, Hasher, RandomState};
    usize::try_from(RandomState::new().build_hasher().finish() >> 33).unwrap_or(0)
}
