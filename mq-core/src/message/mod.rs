//! The traveller: a message, its names, its properties and its stored form.
//!
//! Nothing here does I/O, asks the time or knows a request code.

pub mod batch;
pub mod compression;
mod date;
mod hash;
mod id;
mod names;
mod offset;
mod properties;
pub mod property;
mod queue;
pub mod record;
mod stored;
pub mod subscription;
mod sys_flag;
mod zstd;

use bytes::Bytes;

pub use date::Date;
pub use hash::java_hash;
pub use id::{IdError, OffsetMessageId, UniqueIds};
pub use names::{GroupName, NameError, Tag, TopicName};
pub use offset::{PhysicalOffset, QueueOffset};
pub use properties::{Properties, PropertyError};
pub use queue::MessageQueue;
pub use stored::MessageExt;
pub use sys_flag::{Compression, SysFlag, Transaction};

/// A message as its sender sees it, before any broker has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub topic: TopicName,
    /// A number for the application's own use; the broker keeps it as it is.
    pub flag: i32,
    /// Keys, tag, user properties and everything else that travels as text.
    pub properties: Properties,
    /// The payload.
    pub body: Bytes,
}

impl Message {
    /// A message without properties.
    pub fn new(topic: TopicName, body: impl Into<Bytes>) -> Self {
        Self {
            topic,
            flag: 0,
            properties: Properties::default(),
            body: body.into(),
        }
    }

    /// The tag, when the message has one.
    pub fn tag(&self) -> Option<&str> {
        self.properties.get(property::TAGS)
    }

    /// The keys under which the message can be found, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.properties
            .get(property::KEYS)
            .into_iter()
            .flat_map(str::split_whitespace)
    }
}
