//! A received message as a listener sees it.

use std::ops::Deref;

use bytes::Bytes;
use mq_core::message as core;

/// A message with its offsets, the number of attempts and its headers.
///
/// A type of this crate's own, so that a listener can ask for it where others ask for a payload.
/// Everything that [`mq_core::message::MessageExt`] has is reached through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageExt(core::MessageExt);

impl MessageExt {
    /// The topic it was sent to.
    pub fn topic(&self) -> &str {
        self.0.message.topic.as_str()
    }

    /// The tag, when it has one.
    pub fn tag(&self) -> Option<&str> {
        self.0.message.tag()
    }

    /// The keys, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.message.keys()
    }

    /// The payload as it came.
    pub fn body(&self) -> &Bytes {
        &self.0.message.body
    }

    /// A header, which is a user property on the wire.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.message.properties.get(name)
    }
}

impl From<core::MessageExt> for MessageExt {
    fn from(message: core::MessageExt) -> Self {
        Self(message)
    }
}

impl From<MessageExt> for core::MessageExt {
    fn from(message: MessageExt) -> Self {
        message.0
    }
}

impl Deref for MessageExt {
    type Target = core::MessageExt;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
