//! Serializes a [`MessageQueue`] in bodies, as a value and as a key of an object.

use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::message::{MessageQueue, TopicName};

/// Members are written in alphabetical order, because Java reads a key only in that order.
impl Serialize for MessageQueue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut object = out.serialize_struct("MessageQueue", 3)?;
        object.serialize_field("brokerName", &self.broker)?;
        object.serialize_field("queueId", &self.id)?;
        object.serialize_field("topic", self.topic.as_str())?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for MessageQueue {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let written = MessageQueueFields::deserialize(reader)?;
        let topic = TopicName::new(written.topic).map_err(D::Error::custom)?;
        Ok(Self::new(topic, written.broker_name, written.queue_id))
    }
}

#[derive(serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct MessageQueueFields {
    broker_name: ByteString,
    queue_id: i32,
    topic: ByteString,
}
