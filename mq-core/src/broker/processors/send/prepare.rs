//! Makes the record to store of a send request (`SendMessageProcessor.sendMessage`).
//!
//! Invariant: a message of a kind that the broker does not support is refused, never stored as
//! another kind.

use std::net::SocketAddr;
use std::sync::Arc;

use bytestring::ByteString;

use super::properties::Stamp;
use super::refusals::illegal;
use super::retry;
use crate::broker::admit::{Admit, forbidden};
use crate::broker::background::{delay, timer, transactions};
use crate::broker::parts::Parts;
use crate::broker::room;
use crate::broker::state::queue_locks::QueueLocks;
use crate::broker::state::topics::Topic;
use crate::clock::Clock;
use crate::message::batch::{self, Child};
use crate::message::record::RecordDraft;
use crate::message::{Message, Properties, SysFlag, Transaction, UniqueIds, property};
use crate::remoting::{Incoming, Peer};
use crate::store::Durability;
use crate::wire::Refusal;
use crate::wire::body::TopicFilterType;
use crate::wire::header::SendMessage;

/// `MessageSysFlag.INNER_BATCH_FLAG` and `NEED_UNWRAP_FLAG`.
const INNER_BATCH_FLAGS: i32 = 0xC0;
/// The first client version whose retries have `max_reconsume_times` (`V3_4_9`).
const MAX_RECONSUME_SINCE_VERSION: i32 = 121;

/// A message that a client sent, as it is to be stored.
pub(super) struct AcceptedMessage {
    pub(super) draft: RecordDraft,
    pub(super) durability: Durability,
    pub(super) unique_id: ByteString,
    /// The time for which it waits, ms since 1970.
    pub(super) due_ms: Option<i64>,
}

/// Prepares sent messages for storing.
#[derive(Clone, Debug)]
pub(super) struct Preparation {
    admit: Admit,
    locks: Arc<QueueLocks>,
    /// The properties that the broker adds to every message.
    stamp: Arc<Stamp>,
    store_host: SocketAddr,
    clock: Clock,
}

impl Preparation {
    pub(super) fn new(parts: &Parts) -> Self {
        let cluster = &parts.admit.identity().cluster;
        let traces = &parts.admit.config.rules.traces;
        Self {
            admit: parts.admit.clone(),
            locks: Arc::clone(&parts.locks),
            stamp: Arc::new(Stamp::new(cluster, unique_ids(parts), traces)),
            store_host: parts.advertised.socket,
            clock: parts.clock.clone(),
        }
    }

    /// Whether clients may trace the messages, as text.
    pub(super) fn traced(&self) -> ByteString {
        self.stamp.traced()
    }

    /// Prepares one message. Ready at once, unless its dead-letter topic has to be created.
    pub(super) async fn prepare(
        &self,
        topic: Arc<Topic>,
        queue: i32,
        request: &Incoming<SendMessage>,
    ) -> Result<AcceptedMessage, Refusal> {
        let one_way = request.one_way;
        let none = ByteString::new();
        let sent = request.header.properties.as_ref().unwrap_or(&none);
        let (properties, unique_id) = self.stamp.on(sent, &self.clock);
        let kind = kind(&request.header, &properties)?;
        let message = Message {
            topic: topic.name.clone(),
            flag: request.header.flag,
            properties,
            body: request.body.clone(),
        };
        let mut draft = self.draft(&topic, queue, request, message);
        if kind == MessageKind::Half {
            return self.prepare_half(draft, unique_id);
        }
        if !topic.name.is_retry() {
            room::check(&draft.message.properties)?;
        } else if Box::pin(self.is_out_of_retries(&draft, request)).await? {
            self.make_dead_letter(&request.peer, &mut draft).await?;
        }
        let properties = &draft.message.properties;
        let durability = durability(properties, one_way);
        // A level counts before a time (`HookUtils.checkIfTimerMessage`).
        let due_ms = if delay::is_delayed(properties)? {
            None
        } else {
            let rules = self.admit.config.rules.timers.as_ref();
            timer::due_of(properties, rules, self.clock.now_ms())?
        };
        match due_ms {
            Some(due_ms) => timer::divert(&mut draft, due_ms),
            None => delay::divert(&mut draft, &self.admit.config.rules.delay_levels)?,
        }
        if topic.name.is_retry() && !room::make(&mut draft.message.properties) {
            delay::undivert(&mut draft, &topic.name);
            self.make_dead_letter(&request.peer, &mut draft).await?;
        }
        Ok(AcceptedMessage {
            draft,
            durability,
            unique_id,
            due_ms,
        })
    }

    /// Whoever sends a half message names the place of its record later, so it waits for the disk whatever
    /// it says.
    fn prepare_half(
        &self,
        mut draft: RecordDraft,
        unique_id: ByteString,
    ) -> Result<AcceptedMessage, Refusal> {
        if self.admit.config.rules.transactions.rejected {
            return Err(forbidden(&format!(
                "the broker[{}] sending transaction message is forbidden",
                self.admit.identity().name
            )));
        }
        room::check(&draft.message.properties)?;
        transactions::divert(&mut draft)?;
        Ok(AcceptedMessage {
            draft,
            durability: Durability::AsConfigured,
            unique_id,
            due_ms: None,
        })
    }

    /// The messages of a batch, in order.
    pub(super) fn prepare_batch(
        &self,
        topic: &Topic,
        queue: i32,
        request: &Incoming<SendMessage>,
    ) -> Result<(Vec<RecordDraft>, Durability), Refusal> {
        let shared = request.header.properties.as_deref().unwrap_or_default();
        let mut stamp = self.stamp.for_batch(shared);
        only_plain(&request.header, stamp.shared())?;
        let durability = durability(stamp.shared(), request.one_way);
        let mut drafts = Vec::new();
        for child in batch::decode(request.body.clone()) {
            let Child {
                flag,
                body,
                properties,
            } = child.map_err(|error| illegal(&error.to_string()))?;
            let properties = stamp.on(&properties, &self.clock);
            room::check(&properties)?;
            only_plain(&request.header, &properties)?;
            let rules = self.admit.config.rules.timers.as_ref();
            let due_ms = timer::due_of(&properties, rules, self.clock.now_ms())?;
            if delay::is_delayed(&properties)? || due_ms.is_some() {
                return Err(illegal("a message of a batch cannot be delayed"));
            }
            let message = Message {
                topic: topic.name.clone(),
                flag,
                properties,
                body,
            };
            drafts.push(self.draft(topic, queue, request, message));
        }
        if drafts.is_empty() {
            return Err(illegal("the batch is empty"));
        }
        Ok((drafts, durability))
    }

    fn draft(
        &self,
        topic: &Topic,
        queue: i32,
        request: &Incoming<SendMessage>,
        message: Message,
    ) -> RecordDraft {
        let several_tags = topic.config.topic_filter_type == TopicFilterType::MultiTag;
        let tags = if several_tags { SysFlag::MULTI_TAGS } else { 0 };
        RecordDraft {
            message,
            queue_id: queue,
            sys_flag: SysFlag(request.header.sys_flag)
                .without(SysFlag::TRANSACTION_MASK)
                .with(tags),
            born_timestamp: request.header.born_timestamp,
            born_host: request.peer.address(),
            store_host: self.store_host,
            reconsume_times: request.header.reconsume_times.unwrap_or(0),
            prepared_transaction_offset: 0,
        }
    }

    /// Whether the retries of a message that a consumer itself sends to its retry topic are used
    /// up. Orderly consumers send a message only then.
    async fn is_out_of_retries(
        &self,
        draft: &RecordDraft,
        request: &Incoming<SendMessage>,
    ) -> Result<bool, Refusal> {
        let Some(name) = draft.message.topic.group() else {
            return Ok(false);
        };
        let group = self
            .admit
            .admission_for(&request.peer)
            .group(name.as_str())
            .await?;
        let header = &request.header;
        let attempts = header.reconsume_times.unwrap_or(0);
        let resent = &draft.message.properties;
        let resent = resent.get(property::RESENT_DEAD_LETTERS).is_some();
        if resent && attempts == 0 && header.max_reconsume_times.is_none() {
            // A dead letter that is sent again, and not a message that a consumer gives up. Apache's
            // broker makes it a dead letter once more while consumers of the group that read in order
            // run.
            return Ok(false);
        }
        let said = header
            .max_reconsume_times
            .filter(|_| request.version >= MAX_RECONSUME_SINCE_VERSION);
        let allowed = retry::allowed(said, &group.config);
        Ok(attempts > allowed || self.locks.is_used_by(name.as_str()))
    }

    /// Makes a dead letter of a message of a retry topic.
    async fn make_dead_letter(&self, asker: &Peer, draft: &mut RecordDraft) -> Result<(), Refusal> {
        if let Some(group) = draft.message.topic.group() {
            let admission = self.admit.admission_for(asker);
            let topic = Box::pin(admission.dead_letters(&group)).await?;
            draft.message.topic = topic.name.clone();
            draft.queue_id = 0;
            room::set(&mut draft.message.properties, property::DELAY, "0");
        }
        Ok(())
    }
}

/// The kinds of messages that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageKind {
    Plain,
    /// Nobody sees it until its transaction is committed.
    Half,
}

/// The message's kind; refuses kinds that are not supported.
fn kind(header: &SendMessage, properties: &Properties) -> Result<MessageKind, Refusal> {
    let sys_flag = SysFlag(header.sys_flag);
    if sys_flag.has(INNER_BATCH_FLAGS) {
        return Err(illegal(
            "batches that stay together are not supported by this broker",
        ));
    }
    if transactions::is_half(properties, header.reconsume_times.unwrap_or(0))? {
        return Ok(MessageKind::Half);
    }
    // Clients before 4.6.1 mark the retry of a committed message as a half message.
    let is_retry = header.reconsume_times.is_some_and(|times| times > 0);
    match sys_flag.transaction() {
        Transaction::None => Ok(MessageKind::Plain),
        _ if is_retry => Ok(MessageKind::Plain),
        _ => Err(illegal(&format!(
            "the system flag {} marks a part of a transaction, but the property {} is missing",
            header.sys_flag,
            property::TRAN_MSG
        ))),
    }
}

fn only_plain(header: &SendMessage, properties: &Properties) -> Result<(), Refusal> {
    match kind(header, properties)? {
        MessageKind::Plain => Ok(()),
        MessageKind::Half => Err(illegal("a message of a batch cannot be in a transaction")),
    }
}

/// The durability that the sender waits for: none for `WAIT` = `false` and one-way requests.
fn durability(properties: &Properties, one_way: bool) -> Durability {
    match properties.get(property::WAIT) {
        _ if one_way => Durability::Written,
        Some(wait) if wait.eq_ignore_ascii_case("false") => Durability::Written,
        _ => Durability::AsConfigured,
    }
}

/// Unique ids for messages without one.
fn unique_ids(parts: &Parts) -> UniqueIds {
    let address = parts.advertised.socket;
    let now_ms = parts.clock.now_ms();
    let instance = u32::try_from(now_ms & 0xFFFF_FFFF).unwrap_or(0);
    UniqueIds::new(address.ip(), std::process::id(), instance, now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_wants_an_answer_waits_for_the_disk() {
        let plain = Properties::default();
        let mut hasty = Properties::default();
        hasty.set(property::WAIT, "false");

        assert_eq!(durability(&plain, false), Durability::AsConfigured);
        assert_eq!(durability(&plain, true), Durability::Written);
        assert_eq!(durability(&hasty, false), Durability::Written);
    }
}
