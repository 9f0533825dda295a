//! A dead letter as `--json` prints it. Scripts read these names.

use std::collections::BTreeMap;
use std::fmt::Write;

use mq_core::client::{DeadLetter, Resent, SentAgain};
use serde::Serialize;

use super::printable::printable;

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

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _never = write!(text, "{byte:02x}");
    }
    text
}
