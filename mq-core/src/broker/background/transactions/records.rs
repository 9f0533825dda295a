//! The records that end a half message or take its place (`EndTransactionProcessor`,
//! `TransactionalMessageBridge`, `DefaultTransactionalMessageCheckListener`).

use std::net::SocketAddr;

use super::half::{HALF_TOPIC, topic};
use crate::broker::room;
use crate::message::record::RecordDraft;
use crate::message::{
    Message, MessageExt, PhysicalOffset, QueueOffset, SysFlag, TopicName, property,
};

/// The topic whose records name the half messages that have ended.
pub(super) const OP_TOPIC: &str = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
/// The topic of half messages whose producers never said how they ended.
pub(super) const ASIDE_TOPIC: &str = "TRANS_CHECK_MAX_TIME_TOPIC";
/// The tag of a record of the op topic (`TransactionalMessageUtil.REMOVE_TAG`).
const ENDED_TAG: &str = "d";
/// Between the offsets in one record of the op topic (`TransactionalMessageUtil.OFFSET_SEPARATOR`).
const OFFSET_SEPARATOR: char = ',';

/// Makes records for the broker at `store_host`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records {
    pub(super) store_host: SocketAddr,
}

/// The topic and queue that a half message is for; `None` when it does not say.
pub(super) fn destination(half: &MessageExt) -> Option<(TopicName, i32)> {
    let properties = &half.message.properties;
    let topic = TopicName::new(properties.get_text(property::REAL_TOPIC)?).ok()?;
    let queue = properties.get(property::REAL_QID)?.parse().ok()?;
    (queue >= 0).then_some((topic, queue))
}

impl Records {
    /// The message as it is delivered when `half` is committed.
    pub(super) fn committed(&self, half: &MessageExt, to: TopicName, queue_id: i32) -> RecordDraft {
        let sys_flag = half.sys_flag.without(SysFlag::TRANSACTION_MASK);
        RecordDraft {
            sys_flag: sys_flag.with(SysFlag::COMMITTED),
            prepared_transaction_offset: half.physical_offset.to_wire(),
            ..self.moved(half, to, queue_id)
        }
    }

    /// The half message once more, at the end of its queue. `first` is the queue offset that its producer
    /// was given.
    pub(super) fn again(&self, half: &MessageExt, first: QueueOffset, checks: u32) -> RecordDraft {
        let mut copy = self.moved(half, topic(HALF_TOPIC), 0);
        let properties = &mut copy.message.properties;
        if checks > 0 {
            // Its own time before the first check is over. Apache's broker, when it goes on with this
            // store, would take a copy with that time left for one whose first offset has ended.
            properties.remove(property::CHECK_IMMUNITY_TIME_IN_SECONDS);
            properties.set(property::TRANSACTION_CHECK_TIMES, &checks.to_string());
        }
        properties.set(property::TRAN_PREPARED_QUEUE_OFFSET, &first.to_string());
        room::make(properties);
        copy
    }

    /// The half message as it is kept when nobody could say how it ended.
    pub(super) fn set_aside(&self, half: &MessageExt) -> RecordDraft {
        self.moved(half, topic(ASIDE_TOPIC), 0)
    }

    /// The half message that was set aside, as one whose producer was never asked.
    pub(super) fn unchecked(&self, aside: &MessageExt) -> RecordDraft {
        let mut half = self.moved(aside, topic(HALF_TOPIC), 0);
        let properties = &mut half.message.properties;
        properties.remove(property::TRANSACTION_CHECK_TIMES);
        // Its earlier offsets have ended.
        properties.remove(property::TRAN_PREPARED_QUEUE_OFFSET);
        half
    }

    /// The half message with the queue offset `half` has ended.
    ///
    /// Without a separator behind the offset, which brokers before 5.0 cannot read.
    pub(super) fn ended(&self, half: QueueOffset, now_ms: i64) -> RecordDraft {
        let mut message = Message::new(topic(OP_TOPIC), half.to_string());
        message.properties.set(property::TAGS, ENDED_TAG);
        RecordDraft {
            message,
            queue_id: 0,
            sys_flag: SysFlag::default(),
            born_timestamp: now_ms,
            born_host: self.store_host,
            store_host: self.store_host,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
        }
    }

    fn moved(&self, half: &MessageExt, to: TopicName, queue_id: i32) -> RecordDraft {
        RecordDraft {
            message: Message {
                topic: to,
                ..half.message.clone()
            },
            queue_id,
            sys_flag: half.sys_flag,
            born_timestamp: half.born_timestamp,
            born_host: half.born_host,
            store_host: self.store_host,
            reconsume_times: half.reconsume_times,
            prepared_transaction_offset: 0,
        }
    }
}

/// The half messages that a record of the op topic names.
pub(super) fn ended_halves(op: &MessageExt) -> Vec<QueueOffset> {
    if op.message.tag() != Some(ENDED_TAG) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&op.message.body);
    let offsets = text.split(OFFSET_SEPARATOR).filter(|part| !part.is_empty());
    let named = offsets.filter_map(|offset| offset.trim().parse().ok().map(QueueOffset));
    named.collect()
}

/// Where a half message is, and when it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HalfPosition {
    pub(super) queue_offset: QueueOffset,
    pub(super) physical_offset: PhysicalOffset,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(tag: &str, body: &'static str) -> MessageExt {
        let records = Records {
            store_host: "127.0.0.1:10911".parse().unwrap(),
        };
        let mut draft = records.ended(QueueOffset(7), 5);
        draft.message.properties.set(property::TAGS, tag);
        draft.message.body = body.into();
        MessageExt {
            message: draft.message,
            queue_id: 0,
            queue_offset: QueueOffset(0),
            physical_offset: PhysicalOffset(0),
            sys_flag: draft.sys_flag,
            born_timestamp: 5,
            born_host: draft.born_host,
            store_timestamp: 5,
            store_host: draft.store_host,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            store_size: 0,
        }
    }

    #[test]
    fn ends_are_read_as_every_release_writes_them() {
        let named = |tag, body| {
            let halves = ended_halves(&op(tag, body)).into_iter();
            halves.map(|half| half.0).collect::<Vec<_>>()
        };

        assert_eq!(named("d", "12"), [12]);
        assert_eq!(named("d", "12,"), [12]);
        assert_eq!(named("d", "12,15,9,"), [12, 15, 9]);
        assert_eq!(named("d", "x,,15"), [15]);
        assert_eq!(named("other", "12"), [0; 0]);
    }
}
