//! A dead letter as `--json` prints it. Scripts read these names.

use std::collections::BTreeMap;

use mq_core::client::{DeadLetter, Resent, SentAgain};
use serde::Serialize;

use crate::printable::{hex, printable};

/// A dead letter in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LetterView {
    id: String,
    offset_id: String,
    broker: String,
    queue_offset: i64,
    topic: Option<String>,
    origin_id: Option<String>,
    attempts: i32,
    reason: Option<String>,
    tag: Option<String>,
    keys: Vec<String>,
    born_at: i64,
    died_at: i64,
    sent_again: Option<SentAgainView>,
}

/// The message as which a dead letter was sent again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SentAgainView {
    topic: String,
    offset_id: String,
    at: i64,
}

/// A dead letter with everything in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeLetterView {
    #[serde(flatten)]
    letter: LetterView,
    properties: BTreeMap<String, String>,
    /// The body, when it is text.
    body: Option<String>,
    /// The body in hexadecimal digits, when it is no text.
    body_hex: Option<String>,
}

/// What became of a dead letter that was to be sent again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResentView {
    id: String,
    offset_id: String,
    /// `sent`, `sentBefore` or `sentUnindexed`.
    outcome: &'static str,
    sent_again: Option<SentAgainView>,
}

impl From<&DeadLetter> for LetterView {
    fn from(letter: &DeadLetter) -> Self {
        let stored = &letter.message;
        Self {
            id: stored.message_id(),
            offset_id: stored.offset_message_id().to_string(),
            broker: letter.broker.to_string(),
            queue_offset: stored.queue_offset.to_wire(),
            topic: letter.origin_topic().map(|topic| topic.to_string()),
            origin_id: letter.origin_id().map(str::to_owned),
            attempts: letter.attempts(),
            reason: letter.reason().map(str::to_owned),
            tag: stored.message.tag().map(str::to_owned),
            keys: stored.message.keys().map(str::to_owned).collect(),
            born_at: stored.born_timestamp,
            died_at: stored.store_timestamp,
            sent_again: letter.sent_again.as_ref().map(SentAgainView::from),
        }
    }
}

impl From<&SentAgain> for SentAgainView {
    fn from(sent: &SentAgain) -> Self {
        Self {
            topic: sent.topic.to_string(),
            offset_id: sent.id.to_string(),
            at: sent.at_ms,
        }
    }
}

impl From<&DeadLetter> for WholeLetterView {
    fn from(letter: &DeadLetter) -> Self {
        let properties = letter.message.message.properties.iter();
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        // A body that cannot be unpacked is shown as it lies there.
        let body = letter.body();
        let body = body.unwrap_or_else(|_packed| letter.message.message.body.clone());
        let (body, body_hex) = match String::from_utf8(body.to_vec()) {
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(hex(bytes.as_bytes()))),
        };
        Self {
            letter: letter.into(),
            properties: properties.map(own).collect(),
            body,
            body_hex,
        }
    }
}

impl WholeLetterView {
    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.properties.iter();
        properties.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn printable_body(&self) -> String {
        match (&self.body, &self.body_hex) {
            (Some(text), _) => printable(text),
            (None, hex) => format!("0x{}", hex.as_deref().unwrap_or_default()),
        }
    }
}

impl ResentView {
    pub(super) fn of(letter: &DeadLetter, resent: &Resent) -> Self {
        let (outcome, sent) = match resent {
            Resent::Now(sent) => ("sent", Some(sent)),
            Resent::Before(sent) => ("sentBefore", Some(sent)),
            _ => ("sentUnindexed", None),
        };
        Self {
            id: letter.message.message_id(),
            offset_id: letter.message.offset_message_id().to_string(),
            outcome,
            sent_again: sent.map(SentAgainView::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use mq_core::message::{
        Message, MessageExt, PhysicalOffset, QueueOffset, SysFlag, TopicName, property,
    };

    use super::*;

    fn letter(body: &'static [u8]) -> DeadLetter {
        let host = ([127, 0, 0, 1], 10911).into();
        let mut message = Message::new(TopicName::new("%DLQ%shop").unwrap(), body);
        message.properties.set(property::UNIQ_KEY, "U");
        message.properties.set(property::KEYS, "k1 k2");
        let message = MessageExt {
            message,
            queue_id: 0,
            queue_offset: QueueOffset(3),
            physical_offset: PhysicalOffset(16),
            sys_flag: SysFlag::default(),
            born_timestamp: 1,
            born_host: host,
            store_timestamp: 2,
            store_host: host,
            reconsume_times: 17,
            prepared_transaction_offset: 0,
            store_size: 0,
        };
        DeadLetter {
            message,
            broker: "broker-a".into(),
            sent_again: None,
        }
    }

    /// Scripts read these names.
    #[test]
    fn a_letter_of_bytes_has_its_body_in_hexadecimal_digits() {
        let shown = serde_json::to_value(WholeLetterView::from(&letter(&[0, 255]))).unwrap();

        let expected = serde_json::json!({
            "id": "U",
            "offsetId": "7F00000100002A9F0000000000000010",
            "broker": "broker-a",
            "queueOffset": 3,
            "topic": null,
            "originId": null,
            "attempts": 17,
            "reason": null,
            "tag": null,
            "keys": ["k1", "k2"],
            "bornAt": 1,
            "diedAt": 2,
            "sentAgain": null,
            "properties": { "UNIQ_KEY": "U", "KEYS": "k1 k2" },
            "body": null,
            "bodyHex": "00ff",
        });
        assert_eq!(shown, expected);
    }

    /// It may have died because its body cannot be unpacked.
    #[test]
    fn a_body_that_cannot_be_unpacked_is_shown_as_it_lies_there() {
        let mut letter = letter(b"no zlib");
        letter.message.sys_flag = SysFlag(SysFlag::COMPRESSED);

        let shown = WholeLetterView::from(&letter);

        assert_eq!(shown.printable_body(), "no zlib");
    }
}
