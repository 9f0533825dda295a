//! 36: a consumer sends a message back (`AbstractSendMessageProcessor.consumerSendMsgBack`).
//!
//! Invariant: the copy differs from the original only in topic, queue, attempts and the properties
//! of retries. Success is answered when the copy is as durable as any message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytestring::ByteString;

use super::refusals::refusal;
use super::retry::{self, Redelivery};
use crate::broker::admit::{Admission, Admit, WRITE, forbidden, unreadable};
use crate::broker::background::delay;
use crate::broker::parts::Parts;
use crate::broker::room;
use crate::broker::state::groups::Group;
use crate::broker::state::topics::Topic;
use crate::excerpt::excerpt;
use crate::keyed_fifo::KeyedFifo;
use crate::message::record::{RecordDraft, RecordView};
use crate::message::{MessageExt, PhysicalOffset, TopicName, property};
use crate::remoting::{Incoming, PeerId, Processor};
use crate::store::{Append, Appended, MessageStore};
use crate::wire::body::permission;
use crate::wire::header::ConsumerSendMsgBack;
use crate::wire::{NoFields, Refusal, Reply};

/// Handles messages that consumers send back.
#[derive(Debug)]
pub(in crate::broker) struct SendBackProcessor {
    admit: Admit,
    store: MessageStore,
    store_host: std::net::SocketAddr,
    next_queue: AtomicU32,
    /// The sends back whose append has not begun yet.
    order: KeyedFifo<(PeerId, ByteString)>,
}

impl SendBackProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            store: parts.store.clone(),
            store_host: parts.advertised.socket,
            next_queue: AtomicU32::new(0),
            order: KeyedFifo::default(),
        }
    }

    async fn retry_topic(
        &self,
        admission: Admission<'_>,
        group: &Group,
    ) -> Result<Arc<Topic>, Refusal> {
        let name = TopicName::retry_of(&group.name);
        let topic = admission
            .own_topic(&name, group.config.retry_queue_nums)
            .await?;
        if !topic.permits(permission::WRITE) {
            return Err(forbidden(&format!(
                "the topic[{name}] sending message is forbidden"
            )));
        }
        Ok(topic)
    }

    async fn original(&self, offset: i64) -> Result<MessageExt, Refusal> {
        let missing = || Refusal::system(format!("look message by offset failed, {offset}"));
        let offset = PhysicalOffset::from_wire(offset).ok_or_else(missing)?;
        let record = self
            .store
            .record_at_async(offset)
            .await
            .map_err(|error| unreadable(&error))?;
        let record = record.ok_or_else(missing)?;
        let view = RecordView::parse(&record).map_err(|_broken| missing())?;
        view.to_message(&record).map_err(|_broken| missing())
    }

    fn any_queue(&self, queues: i32) -> i32 {
        let queues = u32::try_from(queues).unwrap_or(0).max(1);
        i32::try_from(self.next_queue.fetch_add(1, Ordering::Relaxed) % queues).unwrap_or(0)
    }

    /// The copy for the retry topic or the dead-letter topic.
    async fn copy(
        &self,
        admission: Admission<'_>,
        group: &Group,
        retry_topic: &Topic,
        header: &ConsumerSendMsgBack,
    ) -> Result<RecordDraft, Refusal> {
        let original = self.original(header.offset).await?;
        let allowed = retry::allowed(header.max_reconsume_times, &group.config);
        let reason = header.reason.as_deref().unwrap_or_default();
        match retry::redelivery(original.reconsume_times, allowed, header.delay_level) {
            Redelivery::Retry(level) => {
                if let Some(copy) = self.again(group, retry_topic, &original, level)? {
                    return Ok(copy);
                }
                let reason = "its properties leave no room for another attempt";
                let (topic, id) = (&original.message.topic, original.message_id());
                let id = excerpt(&id);
                tracing::warn!(%topic, group = %group.name, %id, reason, "dead letter");
                self.dead(admission, group, &original, reason).await
            }
            Redelivery::DeadLetter => self.dead(admission, group, &original, reason).await,
        }
    }

    /// The copy for the retry topic; `None` when its properties would be too long.
    fn again(
        &self,
        group: &Group,
        retry_topic: &Topic,
        original: &MessageExt,
        level: i32,
    ) -> Result<Option<RecordDraft>, Refusal> {
        let mut copy = self.copy_of(original);
        let properties = &mut copy.message.properties;
        if properties.get(property::RETRY_TOPIC).is_none() {
            properties.set(property::RETRY_TOPIC, original.message.topic.as_str());
        }
        if has_no_origin(original) {
            properties.set(property::ORIGIN_MESSAGE_ID, &origin(original));
        }
        properties.set(property::DELAY, &level.to_string());
        copy.message.topic = retry_topic.name.clone();
        // Consumers read only the read queues, which may be fewer than the group's current setting.
        let queues = retry_topic.config.read_queue_nums;
        copy.queue_id = self.any_queue(group.config.retry_queue_nums.min(queues));
        delay::divert(&mut copy, &self.admit.config.rules.delay_levels)?;
        Ok(room::make(&mut copy.message.properties).then_some(copy))
    }

    /// The dead letter; optional properties are added as long as there is room.
    async fn dead(
        &self,
        admission: Admission<'_>,
        group: &Group,
        original: &MessageExt,
        reason: &str,
    ) -> Result<RecordDraft, Refusal> {
        let mut copy = self.copy_of(original);
        let properties = &mut copy.message.properties;
        room::set(properties, property::DELAY, "0");
        if properties.get(property::RETRY_TOPIC).is_none() {
            let topic = original.message.topic.as_str();
            room::set(properties, property::RETRY_TOPIC, topic);
        }
        if has_no_origin(original) {
            room::set(properties, property::ORIGIN_MESSAGE_ID, &origin(original));
        }
        if !reason.is_empty() {
            room::set_reason(properties, reason);
        }
        let dead_letters = admission.dead_letters(&group.name).await?;
        copy.message.topic = dead_letters.name.clone();
        copy.queue_id = 0;
        Ok(copy)
    }

    fn copy_of(&self, original: &MessageExt) -> RecordDraft {
        RecordDraft {
            message: original.message.clone(),
            queue_id: 0,
            sys_flag: original.sys_flag,
            born_timestamp: original.born_timestamp,
            born_host: original.born_host,
            store_host: self.store_host,
            reconsume_times: original.reconsume_times.saturating_add(1),
            prepared_transaction_offset: 0,
        }
    }
}

fn has_no_origin(message: &MessageExt) -> bool {
    let properties = &message.message.properties;
    let origin = properties.get(property::ORIGIN_MESSAGE_ID);
    origin.is_none_or(str::is_empty)
}

fn origin(message: &MessageExt) -> String {
    message.offset_message_id().to_string()
}

impl Processor<ConsumerSendMsgBack> for SendBackProcessor {
    async fn process(
        &self,
        request: Incoming<ConsumerSendMsgBack>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let (peer, group) = (request.peer.id(), request.header.group.clone());
        let (one_way, before) = (request.one_way, self.admit.registration.latest());
        let begun = self.begin(request);
        let pending = self.order.run_from_one_task(&(peer, group), begun).await?;
        let Some(append) = pending else {
            return Ok(Reply::ok(NoFields));
        };
        let heard = self.admit.registration.heard_since(before);
        append.await.map_err(|error| Refusal {
            code: crate::wire::ResponseCode::SYSTEM_ERROR,
            ..refusal(&error)
        })?;
        if !one_way {
            heard.await;
        }
        Ok(Reply::ok(NoFields))
    }
}

impl SendBackProcessor {
    /// Begins the append of the copy; `None` when the group has no retry queues.
    async fn begin(
        &self,
        request: Incoming<ConsumerSendMsgBack>,
    ) -> Result<Option<Append<Appended>>, Refusal> {
        let (admission, header) = (self.admit.admission_for(&request.peer), &request.header);
        let group = admission.group(&header.group).await?;
        if !self.admit.permits(WRITE) {
            let name = &self.admit.identity().name;
            return Err(forbidden(&format!(
                "the broker[{name}] sending message is forbidden"
            )));
        }
        if group.config.retry_queue_nums <= 0 {
            return Ok(None);
        }
        let retry_topic = self.retry_topic(admission, &group).await?;
        let draft = self.copy(admission, &group, &retry_topic, header).await?;
        Ok(Some(self.store.append_moved(&draft)))
    }
}
