//! Records on their way to the trace topic, several in one message (`AsyncTraceDispatcher.flushData`).

use std::borrow::Borrow;
use std::collections::BTreeSet;

use super::record::TraceRecord;
use crate::message::{Message, TopicName, property};

/// The longest body in bytes (`maxMsgSize`), unless a single record is longer.
const MAX_BODY: usize = 128_000;
/// The most bytes of keys. All properties of a message have at most 32,767.
const MAX_KEYS: usize = 30_000;

/// A message of the trace topic in the making.
#[derive(Debug, Default)]
pub(super) struct TraceMessage {
    /// How many records it carries.
    pub(super) records: u64,
    body: String,
    keys: BTreeSet<String>,
    /// Bytes of the keys, each with its separator.
    keys_length: usize,
}

impl TraceMessage {
    /// The messages that carry `records` of `group`.
    pub(super) fn of<R: Borrow<TraceRecord>>(
        records: impl IntoIterator<Item = R>,
        group: &str,
    ) -> Vec<Self> {
        let mut full = Vec::new();
        let mut open = Self::default();
        for record in records {
            let record = record.borrow();
            let line = record.line(group);
            if open.records > 0 && !open.has_room(&line, record) {
                full.push(std::mem::take(&mut open));
            }
            open.records += 1;
            open.body.push_str(&line);
            open.add_keys(record);
        }
        full.push(open);
        full
    }

    fn has_room(&self, line: &str, record: &TraceRecord) -> bool {
        let keys: usize = record.keys().map(length_in_keys).sum();
        self.body.len() + line.len() <= MAX_BODY && self.keys_length + keys <= MAX_KEYS
    }

    /// Adds the keys of a record, as many as there is room for: those of a batch may be more than a
    /// message can have.
    fn add_keys(&mut self, record: &TraceRecord) {
        for key in record.keys() {
            let length = self.keys_length + length_in_keys(key);
            if length <= MAX_KEYS && self.keys.insert(key.to_owned()) {
                self.keys_length = length;
            }
        }
    }

    pub(super) fn into_message(self, topic: &TopicName) -> Message {
        let mut message = Message::new(topic.clone(), self.body);
        let keys: Vec<_> = self.keys.into_iter().collect();
        message.properties.set(property::KEYS, &keys.join(" "));
        message
    }
}

/// The bytes of a key with the separator behind it.
fn length_in_keys(key: &str) -> usize {
    key.len() + 1
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::published;
    use super::*;

    fn bodies(records: &[TraceRecord]) -> Vec<usize> {
        let messages = TraceMessage::of(records, "g").into_iter();
        messages.map(|message| message.body.len()).collect()
    }

    #[test]
    fn records_share_a_message_until_its_body_or_its_keys_are_full() {
        let short = || published("1", Some("a b"));
        let long = |length: usize| published(&"x".repeat(length), None);

        assert_eq!(bodies(&[short(), short()]).len(), 1);
        assert_eq!(bodies(&[long(20_000), short()]).len(), 1);
        assert_eq!(bodies(&[long(20_000), long(20_001)]).len(), 2, "keys");
        let many: Vec<_> = (0..2000)
            .map(|n| published("1", Some(&format!("{n}"))))
            .collect();
        let bodies = bodies(&many);
        assert!(bodies.len() > 1, "{bodies:?}");
        assert!(
            bodies.iter().all(|length| *length <= MAX_BODY),
            "{bodies:?}"
        );
    }

    /// The joined ids were one key, which no broker takes, so that the batch left no trace.
    #[test]
    fn a_batch_of_thousands_is_found_by_as_many_of_its_ids_as_fit() {
        let ids: Vec<_> = (0..3000).map(|n| format!("{n:032}")).collect();
        let records = [published("1", None), published(&ids.join(","), Some("k"))];
        let topic = TopicName::new("traces").unwrap();

        let mut messages = TraceMessage::of(&records, "g");
        assert_eq!(messages.len(), 2);
        let batch = messages.remove(1).into_message(&topic);

        let found: Vec<_> = batch.keys().collect();
        let length = MAX_KEYS / 33;
        assert_eq!(found[..length], ids[..length]);
        assert_eq!(found[length..], ["k"]);
        assert!(batch.properties.get(property::KEYS).unwrap().len() <= MAX_KEYS);
        let text = String::from_utf8(batch.body.to_vec()).unwrap();
        assert!(text.contains(&ids.join(",")));
    }

    #[test]
    fn a_trace_is_found_by_the_id_and_the_keys_of_its_message() {
        let records = [published("ID", Some("order-1 paid")), published("ID", None)];
        let topic = TopicName::new("traces").unwrap();

        let mut messages = TraceMessage::of(&records, "g");
        let message = messages.remove(0).into_message(&topic);

        assert_eq!(
            message.keys().collect::<Vec<_>>(),
            ["ID", "order-1", "paid"]
        );
        assert_eq!(message.topic, topic);
    }
}
