//! The bodies of 220 and 222 (`ResetOffsetBody`, `ResetOffsetBodyForC`).

use std::collections::BTreeMap;
use std::fmt;

use bytestring::ByteString;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::message::{MessageQueue, TopicName};

/// The new offset of each queue. Written with queue objects as keys; the list form is read too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResetOffsetBody {
    /// Offsets by queue.
    #[serde(deserialize_with = "map_or_list")]
    pub offset_table: BTreeMap<MessageQueue, i64>,
}

/// The offsets of a [`ResetOffsetBody`] as a list, for C++ clients (`ResetOffsetBodyForC`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResetOffsetList {
    /// Queues and their offsets.
    pub offset_table: Vec<QueueReset>,
}

/// The new offset of one queue (`MessageQueueForC`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueueReset {
    /// The broker's name.
    pub broker_name: ByteString,
    /// The offset.
    pub offset: i64,
    /// The queue.
    pub queue_id: i32,
    /// The topic.
    pub topic: ByteString,
}

impl From<&ResetOffsetBody> for ResetOffsetList {
    fn from(body: &ResetOffsetBody) -> Self {
        let reset = |(queue, offset): (&MessageQueue, &i64)| QueueReset {
            broker_name: queue.broker.clone(),
            offset: *offset,
            queue_id: queue.id,
            topic: queue.topic.to_text(),
        };
        Self {
            offset_table: body.offset_table.iter().map(reset).collect(),
        }
    }
}

fn map_or_list<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<BTreeMap<MessageQueue, i64>, D::Error> {
    reader.deserialize_any(MapOrList)
}

struct MapOrList;

impl<'de> Visitor<'de> for MapOrList {
    type Value = BTreeMap<MessageQueue, i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("offsets by queue, or a list of queues with their offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut offsets = BTreeMap::new();
        while let Some((queue, offset)) = map.next_entry()? {
            offsets.insert(queue, offset);
        }
        Ok(offsets)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut offsets = BTreeMap::new();
        while let Some(reset) = list.next_element::<QueueReset>()? {
            let topic = TopicName::new(reset.topic).map_err(serde::de::Error::custom)?;
            let queue = MessageQueue::new(topic, reset.broker_name, reset.queue_id);
            offsets.insert(queue, reset.offset);
        }
        Ok(offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::fastjson;

    fn body() -> ResetOffsetBody {
        let topic = TopicName::new("orders").unwrap();
        let queue = |id| MessageQueue::new(topic.clone(), "broker-a", id);
        ResetOffsetBody {
            offset_table: BTreeMap::from([(queue(0), 7), (queue(1), 0)]),
        }
    }

    #[test]
    fn queues_are_written_as_keys_the_way_java_and_go_take_them_apart() {
        assert_eq!(
            fastjson::write(&body()),
            concat!(
                r#"{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:7,"#,
                r#"{"brokerName":"broker-a","queueId":1,"topic":"orders"}:0}}"#
            )
        );
    }

    #[test]
    fn both_forms_are_read() {
        let keys = fastjson::write(&body());
        let list = fastjson::write(&ResetOffsetList::from(&body()));

        assert_eq!(fastjson::read::<ResetOffsetBody>(&keys).unwrap(), body());
        assert_eq!(fastjson::read::<ResetOffsetBody>(&list).unwrap(), body());
    }
}
