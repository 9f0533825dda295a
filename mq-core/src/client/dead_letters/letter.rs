//! A dead letter, and the message that it becomes when it is sent again.

use bytes::Bytes;
use bytestring::ByteString;

use crate::message::compression::{self, CompressionError, MAX_UNPACKED_BODY};
use crate::message::later::remove_times;
use crate::message::{Message, MessageExt, OffsetMessageId, TopicName, property};

/// The most dead letters that a message sent again names: a message that dies more often names the
/// last ones. Their ids, of at most 56 characters each, fit beside what a retry adds into the bytes
/// that brokers of ours keep free in properties.
const MAX_NAMED_LETTERS: usize = 8;

/// Properties that belong to the delivery that failed, beside its time. Each would keep the message from
/// being delivered at once, or say something that is no longer so.
const OF_THE_FAILED_DELIVERY: [&str; 12] = [
    property::DELAY,
    property::DLQ_REASON,
    property::RECONSUME_TIME,
    property::MAX_RECONSUME_TIMES,
    property::REAL_TOPIC,
    property::REAL_QID,
    property::TRAN_MSG,
    property::POP_CK,
    property::TIMER_OUT_MS,
    property::TIMER_ENQUEUE_MS,
    property::TIMER_DEQUEUE_MS,
    property::TIMER_ROLL_TIMES,
];

/// Where a dead letter is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResendTo {
    /// To the group whose dead letter it is, by its retry topic: no other group gets it again.
    #[default]
    Group,
    /// To the topic that it was first sent to: every group that reads the topic gets it again.
    OriginTopic,
}

/// A message that was sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAgain {
    /// The topic that it was sent to. The dead-letter topic itself: the broker made it a dead letter
    /// at once, as Apache's brokers do while consumers of the group that read in order run.
    pub topic: TopicName,
    /// Its offset id.
    pub id: OffsetMessageId,
    /// When it was stored, ms since 1970.
    pub at_ms: i64,
}

/// A message of the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// As it lies there; the body may be compressed, see [`body`](Self::body).
    pub message: MessageExt,
    /// The name of its broker.
    pub broker: ByteString,
    /// The message as which it was sent again first.
    pub sent_again: Option<SentAgain>,
}

impl DeadLetter {
    /// The topic that it was first sent to.
    pub fn origin_topic(&self) -> Option<TopicName> {
        let origin = self.property(property::RETRY_TOPIC)?;
        TopicName::new(origin.to_owned()).ok()
    }

    /// The offset id of the message as it was first sent.
    pub fn origin_id(&self) -> Option<&str> {
        self.property(property::ORIGIN_MESSAGE_ID)
    }

    /// Why the last delivery attempt failed, when the consumer and the broker told.
    pub fn reason(&self) -> Option<&str> {
        self.property(property::DLQ_REASON)
    }

    /// How often it was delivered in vain.
    pub fn attempts(&self) -> i32 {
        self.message.reconsume_times
    }

    /// Its body as the application wrote it.
    ///
    /// # Errors
    ///
    /// [`CompressionError`] when the body cannot be unpacked, which may be the reason for which the
    /// message died.
    pub fn body(&self) -> Result<Bytes, CompressionError> {
        let packed = &self.message.message.body;
        compression::unpack(packed, self.message.sys_flag, MAX_UNPACKED_BODY)
    }

    /// The dead letters that this message had been before it was sent again.
    pub fn resent_from(&self) -> impl Iterator<Item = &str> {
        resent_from(&self.message)
    }

    fn property(&self, name: &str) -> Option<&str> {
        self.message.message.properties.get(name)
    }

    /// The message to send: without the traces of the delivery that failed, with those by which it
    /// is found again.
    pub(super) fn again(&self, topic: TopicName, to: ResendTo) -> Message {
        let mut message = self.message.message.clone();
        message.topic = topic;
        let properties = &mut message.properties;
        remove_times(properties);
        for name in OF_THE_FAILED_DELIVERY {
            properties.remove(name);
        }
        if to == ResendTo::OriginTopic {
            properties.remove(property::RETRY_TOPIC);
            properties.remove(property::ORIGIN_MESSAGE_ID);
        }
        let own = self.message.offset_message_id().to_string();
        let letters = std::iter::once(own.as_str()).chain(self.resent_from());
        let letters: Vec<_> = letters.take(MAX_NAMED_LETTERS).collect();
        properties.set(property::RESENT_DEAD_LETTERS, &letters.join(" "));
        properties.set(property::UNIQ_KEY, &self.message.message_id());
        message
    }
}

/// The dead letters that `message` had been before it was sent again.
pub(super) fn resent_from(message: &MessageExt) -> impl Iterator<Item = &str> {
    let named = message
        .message
        .properties
        .get(property::RESENT_DEAD_LETTERS);
    named.unwrap_or_default().split_whitespace()
}
