//! Handles a send: admission, append, response.

use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytestring::ByteString;

use super::batch;
use super::prepare::{AcceptedMessage, Preparation};
use super::properties;
use super::refusals::refusal;
use crate::broker::admit::Admit;
use crate::broker::background::transactions::HALF_TOPIC;
use crate::broker::parts::Parts;
use crate::broker::state::topics::Topic;
use crate::keyed_fifo::KeyedFifo;
use crate::message::{OffsetMessageId, RecallHandle, TopicName};
use crate::remoting::{Incoming, Peer, PeerId, Processor};
use crate::store::{Append, Appended, MessageStore, SCHEDULE_TOPIC, TIMER_TOPIC};
use crate::wire::header::{SendBatchMessage, SendMessage, SendMessageReply, SendMessageV1};
use crate::wire::{Refusal, Reply, ResponseCode};

/// Answers sends.
#[derive(Clone, Debug)]
pub(in crate::broker) struct SendProcessor {
    admit: Admit,
    store: MessageStore,
    /// The sends whose append has not begun yet: those of one connection to one topic are stored in the
    /// order in which they arrived, even while the topic is being created.
    order: Arc<KeyedFifo<(PeerId, ByteString)>>,
    preparation: Preparation,
    /// The queue for the next message that names none.
    next_queue: Arc<AtomicU32>,
    store_host: SocketAddr,
}

/// A send whose append has begun, so that its place in the log's order is settled. Waiting for the
/// write, for durability and for the name servers is done outside of the send order.
struct PendingSend<T> {
    append: Append<T>,
    answer: SendAnswer,
}

/// What the answer to a send says beside where the message lies.
#[derive(Default)]
struct SendAnswer {
    queue_id: i32,
    unique_id: Option<ByteString>,
    /// With which a message that waits for its time is called back.
    recall_handle: Option<ByteString>,
}

impl SendProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            store: parts.store.clone(),
            order: Arc::default(),
            preparation: Preparation::new(parts),
            next_queue: Arc::default(),
            store_host: parts.advertised.socket,
        }
    }

    /// Stores one message.
    pub(super) async fn one(
        &self,
        request: &Incoming<SendMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        let begin = Box::pin(self.begin_one(request));
        let (appended, answer) = self.stored(request, begin).await?;
        Ok(self.reply(&[appended], answer))
    }

    /// Runs `begin` after the earlier sends of the connection to the topic, and waits for the append
    /// that it begins; gives where the messages are, and the rest of the answer. `begin` is boxed, because it ends at once as a rule, and a send in flight would keep room for it.
    async fn stored<T>(
        &self,
        request: &Incoming<SendMessage>,
        begin: Pin<Box<impl Future<Output = Result<PendingSend<T>, Refusal>> + Send>>,
    ) -> Result<(T, SendAnswer), Refusal> {
        let before = self.admit.registration.latest();
        let key = (request.peer.id(), request.header.topic.clone());
        let pending = self.order.run_from_one_task(&key, begin).await?;
        let heard = self.admit.registration.heard_since(before);
        let appended = pending.append.await.map_err(|e| refusal(&e))?;
        if !request.one_way {
            heard.await;
        }
        Ok((appended, pending.answer))
    }

    /// Begins the append of one message.
    async fn begin_one(
        &self,
        request: &Incoming<SendMessage>,
    ) -> Result<PendingSend<Appended>, Refusal> {
        let topic = self.topic(&request.peer, &request.header).await?;
        let queue = self.queue(&topic, request.header.queue_id)?;
        let AcceptedMessage {
            draft,
            durability,
            unique_id,
            due_ms,
        } = self.preparation.prepare(topic, queue, request).await?;
        // For a message that waits the response has the queue that it was sent to.
        let stored_in = &draft.message.topic;
        let waits = [SCHEDULE_TOPIC, TIMER_TOPIC, HALF_TOPIC].contains(&stored_in.as_str());
        let queue_id = if waits { queue } else { draft.queue_id };
        let recall_handle =
            due_ms.and_then(|due_ms| self.recall_handle(due_ms, request, &unique_id));
        Ok(PendingSend {
            append: self.store.append(&draft, durability),
            answer: SendAnswer {
                queue_id,
                unique_id: Some(unique_id),
                recall_handle,
            },
        })
    }

    async fn several(
        &self,
        request: &Incoming<SendMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        batch::check(request, self.store.config().max_message_size)?;
        let begin = Box::pin(self.begin_several(request));
        let (appended, answer) = self.stored(request, begin).await?;
        Ok(self.reply(&appended, answer))
    }

    /// Begins the append of the messages of a batch.
    async fn begin_several(
        &self,
        request: &Incoming<SendMessage>,
    ) -> Result<PendingSend<Vec<Appended>>, Refusal> {
        let topic = self.topic(&request.peer, &request.header).await?;
        let queue_id = self.queue(&topic, request.header.queue_id)?;
        let (drafts, durability) = self.preparation.prepare_batch(&topic, queue_id, request)?;
        let sent = request.header.properties.as_ref();
        let unique_id = sent.and_then(properties::unique_id);
        Ok(PendingSend {
            append: self.store.append_batch(&drafts, durability),
            answer: SendAnswer {
                queue_id,
                unique_id,
                recall_handle: None,
            },
        })
    }

    /// The handle of a message that waits for its time; `None` when it cannot be called back.
    fn recall_handle(
        &self,
        due_ms: i64,
        request: &Incoming<SendMessage>,
        unique_id: &ByteString,
    ) -> Option<ByteString> {
        let rules = self.admit.config.rules.timers.as_ref();
        rules.filter(|rules| rules.recall)?;
        let handle = RecallHandle {
            topic: TopicName::new(request.header.topic.clone()).ok()?,
            broker: self.admit.identity().name.clone(),
            due_ms,
            unique_key: unique_id.to_string(),
        };
        Some(handle.to_string().into())
    }

    pub(super) async fn topic(
        &self,
        asker: &Peer,
        header: &SendMessage,
    ) -> Result<Arc<Topic>, Refusal> {
        let template = &header.default_topic;
        self.admit
            .admission_for(asker)
            .writable(&header.topic, template, header.default_topic_queue_nums)
            .await
    }

    /// The queue that the sender chose, or the next one when it chose none.
    pub(super) fn queue(&self, topic: &Topic, wanted: i32) -> Result<i32, Refusal> {
        let queue = if wanted < 0 {
            self.any_queue(topic.config.write_queue_nums)
        } else {
            wanted
        };
        let queues = topic.queues();
        if queue >= queues {
            let name = &topic.name;
            let remark = format!("queueId[{queue}] is illegal, topic [{name}] has {queues} queues");
            return Err(Refusal::new(ResponseCode::INVALID_PARAMETER, remark));
        }
        Ok(queue)
    }

    fn any_queue(&self, queues: i32) -> i32 {
        let queues = u32::try_from(queues).unwrap_or(0).max(1);
        let queue = self.next_queue.fetch_add(1, Ordering::Relaxed) % queues;
        i32::try_from(queue).unwrap_or(0)
    }

    /// The offset ids of the messages, joined by `,`, in a text of exactly their length.
    fn ids(&self, appended: &[Appended]) -> String {
        let host = self.store_host;
        let length = OffsetMessageId::length(host);
        let mut ids = String::with_capacity((appended.len() * (length + 1)).saturating_sub(1));
        for at in appended {
            if !ids.is_empty() {
                ids.push(',');
            }
            let offset = at.physical_offset;
            // Writing to a `String` grows it and cannot fail.
            let written = write!(ids, "{}", OffsetMessageId { host, offset });
            debug_assert!(written.is_ok());
        }
        ids
    }

    fn reply(&self, appended: &[Appended], answer: SendAnswer) -> Reply<SendMessageReply> {
        let SendAnswer {
            queue_id,
            unique_id,
            recall_handle,
        } = answer;
        Reply::ok(SendMessageReply {
            msg_id: self.ids(appended).into(),
            queue_id,
            queue_offset: appended
                .first()
                .map_or(0, |first| first.queue_offset.to_wire()),
            transaction_id: unique_id,
            batch_uniq_id: None,
            recall_handle,
            region: Some(ByteString::from_static(properties::REGION_ID)),
            trace_on: Some(self.preparation.traced()),
        })
    }
}

impl Processor<SendMessage> for SendProcessor {
    #[expect(
        clippy::manual_async_fn,
        reason = "the state of an async function holds its arguments twice, and thousands may be in flight"
    )]
    fn process(
        &self,
        request: Incoming<SendMessage>,
    ) -> impl Future<Output = Result<Reply<SendMessageReply>, Refusal>> + Send {
        async move {
            if request.header.batch == Some(true) {
                return Box::pin(self.several(&request)).await;
            }
            self.one(&request).await
        }
    }
}

impl Processor<SendBatchMessage> for SendProcessor {
    async fn process(
        &self,
        request: Incoming<SendBatchMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        self.several(&request.map(|batch| batch.0)).await
    }
}

impl Processor<SendMessageV1> for SendProcessor {
    async fn process(
        &self,
        request: Incoming<SendMessageV1>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        self.process(request.map(SendMessage::from)).await
    }
}
