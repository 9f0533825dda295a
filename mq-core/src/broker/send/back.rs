//! 36: a consumer gives a message back (`AbstractSendMessageProcessor.consumerSendMsgBack`).
//!
//! Invariant: the copy differs from the original in topic, queue, attempts and bookkeeping only,
//! and the consumer hears "ok" when the copy is as durable as any message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::refusal;
use super::retry::{self, Fate};
use crate::broker::Parts;
use crate::broker::admit::{Admit, WRITE, forbidden, unreadable};
use crate::broker::delay;
use crate::broker::groups::Group;
use crate::broker::topics::Topic;
use crate::message::record::{Draft, RecordView};
use crate::message::{MessageExt, PhysicalOffset, TopicName, property};
use crate::reason::line;
use crate::remoting::{Incoming, Processor};
use crate::store::{Durability, MessageStore};
use crate::wire::body::permission;
use crate::wire::header::ConsumerSendMsgBack;
use crate::wire::{NoFields, Refusal, Reply};

/// Takes messages back.
#[derive(Debug)]
pub(in crate::broker) struct SendBackProcessor {
    admit: Admit,
    store: MessageStore,
    store_host: std::net::SocketAddr,
    next_queue: AtomicU32,
}

impl SendBackProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            store: parts.store.clone(),
            store_host: parts.advertised.socket,
            next_queue: AtomicU32::new(0),
        }
    }

    async fn retry_topic(&self, group: &Group) -> Result<Arc<Topic>, Refusal> {
        let name = TopicName::retry_of(&group.name);
        let topic = self
            .admit
            .own_topic(&name, group.config.retry_queue_nums)
            .await?;
        if !topic.permits(permission::WRITE) {
            return Err(forbidden(&format!(
                "the topic[{name}] sending message is forbidden"
            )));
        }
        Ok(topic)
    }

    fn original(&self, offset: i64) -> Result<MessageExt, Refusal> {
        let missing = || Refusal::system(format!("look message by offset failed, {offset}"));
        let offset = PhysicalOffset::from_wire(offset).ok_or_else(missing)?;
        let record = self
            .store
            .record_at(offset)
            .map_err(|error| unreadable(&error))?;
        let record = record.ok_or_else(missing)?;
        let view = RecordView::parse(&record).map_err(|_broken| missing())?;
        view.to_message(&record).map_err(|_broken| missing())
    }

    fn any_queue(&self, queues: i32) -> i32 {
        let queues = u32::try_from(queues).unwrap_or(0).max(1);
        i32::try_from(self.next_queue.fetch_add(1, Ordering::Relaxed) % queues).unwrap_or(0)
    }

    /// The copy for another attempt, or for nobody.
    async fn copy(
        &self,
        group: &Group,
        retry_topic: &Topic,
        header: &ConsumerSendMsgBack,
    ) -> Result<Draft, Refusal> {
        let original = self.original(header.offset)?;
        let allowed = retry::allowed(header.max_reconsume_times, &group.config);
        let mut message = original.message.clone();
        let properties = &mut message.properties;
        if properties.get(property::RETRY_TOPIC).is_none() {
            properties.set(property::RETRY_TOPIC, original.message.topic.as_str());
        }
        if properties
            .get(property::ORIGIN_MESSAGE_ID)
            .is_none_or(str::is_empty)
        {
            let id = original.offset_message_id().to_string();
            properties.set(property::ORIGIN_MESSAGE_ID, &id);
        }
        let queue_id = match retry::fate(original.reconsume_times, allowed, header.delay_level) {
            Fate::Again(level) => {
                properties.set(property::DELAY, &level.to_string());
                message.topic = retry_topic.name.clone();
                // A topic that was made when the group had fewer queues is read no further.
                let queues = retry_topic.config.read_queue_nums;
                self.any_queue(group.config.retry_queue_nums.min(queues))
            }
            Fate::Dead => {
                properties.set(property::DELAY, "0");
                if let Some(reason) = header.reason.as_deref() {
                    properties.set(property::DLQ_REASON, &line(reason));
                }
                message.topic = self.admit.dead_letters(&group.name).await?.name.clone();
                0
            }
        };
        Ok(Draft {
            message,
            queue_id,
            sys_flag: original.sys_flag,
            born_timestamp: original.born_timestamp,
            born_host: original.born_host,
            store_host: self.store_host,
            reconsume_times: original.reconsume_times.saturating_add(1),
            prepared_transaction_offset: 0,
        })
    }
}

impl Processor<ConsumerSendMsgBack> for SendBackProcessor {
    async fn process(
        &self,
        request: Incoming<ConsumerSendMsgBack>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let group = self.admit.group(&header.group).await?;
        if !self.admit.permits(WRITE) {
            let name = &self.admit.identity().name;
            return Err(forbidden(&format!(
                "the broker[{name}] sending message is forbidden"
            )));
        }
        if group.config.retry_queue_nums <= 0 {
            return Ok(Reply::ok(NoFields));
        }
        let retry_topic = self.retry_topic(&group).await?;
        let mut draft = self.copy(&group, &retry_topic, &header).await?;
        delay::divert(&mut draft, &self.admit.config.rules.delay_levels)?;
        let stored = self.store.append(&draft, Durability::AsConfigured).await;
        stored.map_err(|error| Refusal {
            code: crate::wire::ResponseCode::SYSTEM_ERROR,
            ..refusal(&error)
        })?;
        Ok(Reply::ok(NoFields))
    }
}
