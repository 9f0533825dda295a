//! A message as `--json` prints it. Scripts read these names.

use std::collections::BTreeMap;

use bytes::Bytes;
use mq_core::message::{MessageExt, compression};
use serde::Serialize;

use crate::printable::hex;

/// A message with everything in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageView {
    id: String,
    offset_id: String,
    topic: String,
    broker: String,
    queue: i32,
    offset: i64,
    tag: Option<String>,
    keys: Vec<String>,
    /// ms since 1970.
    born_at: i64,
    /// ms since 1970.
    stored_at: i64,
    attempts_before: i32,
    properties: BTreeMap<String, String>,
    /// The body, when it is text.
    body: Option<String>,
    /// The body in hexadecimal digits, when it is no text.
    body_hex: Option<String>,
}

impl MessageView {
    pub(super) fn of(broker: &str, message: &MessageExt) -> Self {
        let properties = message.message.properties.iter();
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let (body, body_hex) = match String::from_utf8(body_of(message).to_vec()) {
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(hex(bytes.as_bytes()))),
        };
        Self {
            id: message.message_id(),
            offset_id: message.offset_message_id().to_string(),
            topic: message.message.topic.to_string(),
            broker: broker.to_owned(),
            queue: message.queue_id,
            offset: message.queue_offset.to_wire(),
            tag: message.message.tag().map(str::to_owned),
            keys: message.message.keys().map(str::to_owned).collect(),
            born_at: message.born_timestamp,
            stored_at: message.store_timestamp,
            attempts_before: message.reconsume_times,
            properties: properties.map(own).collect(),
            body,
            body_hex,
        }
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.properties.iter();
        properties.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body, or `0x` and its digits.
    pub(super) fn body(&self) -> String {
        match (&self.body, &self.body_hex) {
            (Some(text), _) => text.clone(),
            (None, hex) => format!("0x{}", hex.as_deref().unwrap_or_default()),
        }
    }
}

/// The body, unpacked; one that cannot be unpacked as it lies there.
pub(super) fn body_of(message: &MessageExt) -> Bytes {
    let packed = &message.message.body;
    let unpacked = compression::unpack(packed, message.sys_flag, compression::MAX_UNPACKED_BODY);
    unpacked.unwrap_or_else(|_packed| packed.clone())
}
