//! A message before any broker has taken it.

use bytes::Bytes;

use super::names::TopicName;
use super::properties::Properties;
use super::property;

/// A message as its sender makes it.
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
