//! Records on their way to the trace topic, several in one message (`AsyncTraceDispatcher.flushData`).

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
}

impl TraceMessage {
    /// The messages that carry `records` of `group`.
    pub(super) fn of(records: &[TraceRecord], group: &str) -> Vec<Self> {
        let mut full = Vec::new();
        let mut open = Self::default();
        for record in records {
            let line = record.line(group);
            if open.records > 0 && !open.has_room(&line, record) {
                full.push(std::mem::take(&mut open));
            }
            open.records += 1;
            open.body.push_str(&line);
            open.keys.extend(record.keys().map(str::to_owned));
        }
        full.push(open);
        full
    }

    fn has_room(&self, line: &str, record: &TraceRecord) -> bool {
        let taken = self.keys.iter().map(String::as_str);
        let keys: usize = taken.chain(record.keys()).map(|key| key.len() + 1).sum();
        self.body.len() + line.len() <= MAX_BODY && keys <= MAX_KEYS
    }

    pub(super) fn into_message(self, topic: &TopicName) -> Message {
        let mut message = Message::new(topic.clone(), self.body);
        let keys: Vec<_> = self.keys.into_iter().collect();
        message.properties.set(property::KEYS, &keys.join(" "));
        message
    }
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
