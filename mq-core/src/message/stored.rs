//! A message as it comes back: what was sent, and where and when it was stored.

use std::net::SocketAddr;

use bytes::Bytes;

use super::id::OffsetMessageId;
use super::names::TopicName;
use super::offset::{PhysicalOffset, QueueOffset};
use super::property;
use super::sys_flag::SysFlag;
use super::unsent::Message;

/// A message as it comes back from a broker (`MessageExt`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageExt {
    /// What was sent.
    pub message: Message,
    /// The queue it is in.
    pub queue_id: i32,
    /// Its queue offset.
    pub queue_offset: QueueOffset,
    /// The physical offset of its record.
    pub physical_offset: PhysicalOffset,
    /// How the record is to be read.
    pub sys_flag: SysFlag,
    /// When it was sent, ms since 1970 by the sender's clock.
    pub born_timestamp: i64,
    /// Who sent it.
    pub born_host: SocketAddr,
    /// When it was stored, ms since 1970 by the broker's clock.
    pub store_timestamp: i64,
    /// The broker that stored it, as it advertises itself.
    pub store_host: SocketAddr,
    /// How often it has been tried before: 0 at the first attempt.
    pub reconsume_times: i32,
    /// The physical offset of its half message, for a committed one; else 0.
    pub prepared_transaction_offset: i64,
    /// Bytes of the whole record.
    pub store_size: u32,
}

impl MessageExt {
    /// Where it was sent to.
    pub fn topic(&self) -> &TopicName {
        &self.message.topic
    }

    /// The payload.
    pub fn body(&self) -> &Bytes {
        &self.message.body
    }

    /// The payload as text; `None` when it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        self.message.text()
    }

    /// The tag, when it has one.
    pub fn tag(&self) -> Option<&str> {
        self.message.tag()
    }

    /// The keys under which it can be found, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.message.keys()
    }

    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.message.property(name)
    }

    /// The id that users know: the sender's unique id, or the offset id of a message without one.
    pub fn message_id(&self) -> String {
        match self.message.properties.get(property::UNIQ_KEY) {
            Some(id) => id.to_owned(),
            None => self.offset_message_id().to_string(),
        }
    }

    /// The id made of the broker's address and the physical offset.
    pub fn offset_message_id(&self) -> OffsetMessageId {
        OffsetMessageId {
            host: self.store_host,
            offset: self.physical_offset,
        }
    }
}
