//! The properties that the broker adds to a message, in one pass over them.
//!
//! Invariant: the sender's properties keep their bytes and order, except the four that only the
//! broker may set.

use bytestring::ByteString;

use crate::broker::config::TraceRules;
use crate::clock::Clock;
use crate::message::properties_writer::PropertiesWriter;
use crate::message::property_text::{PROPERTY_SEPARATOR, iter, parts};
use crate::message::{Properties, UniqueIds, property};

/// `regionId`.
pub(super) const REGION_ID: &str = "DefaultRegion";

/// The capacity for the properties of a batch: those of a few dozen messages share an allocation.
const BATCH_CAPACITY: usize = 4096;

/// The properties that the broker adds to every message.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Region, trace switch and cluster.
    tail: Properties,
    ids: UniqueIds,
    /// Whether clients may trace the messages, as text.
    traced: &'static str,
}

/// The properties that all messages of a batch get.
pub(super) struct BatchStamp<'a> {
    stamp: &'a Stamp,
    /// The properties of the request and those of the broker.
    tail: Properties,
    out: PropertiesWriter,
}

impl Stamp {
    pub(super) fn new(cluster: &str, ids: UniqueIds, rules: &TraceRules) -> Self {
        let traced = if rules.wanted { "true" } else { "false" };
        let own = [
            (property::MSG_REGION, REGION_ID),
            (property::TRACE_ON, traced),
            (property::CLUSTER, cluster),
        ];
        Self {
            tail: Properties::from_iter(own),
            ids,
            traced,
        }
    }

    /// Whether clients may trace the messages, as text.
    pub(super) fn traced(&self) -> ByteString {
        ByteString::from_static(self.traced)
    }

    /// The properties to store of a message with these, and its unique id; a missing one is added.
    pub(super) fn on(&self, sent: &ByteString, clock: &Clock) -> (Properties, ByteString) {
        let mut out = PropertiesWriter::with_capacity(room_for(sent.as_bytes(), &self.tail));
        let id = keep_senders(sent.as_bytes(), &mut out);
        let id = id.and_then(|id| ByteString::try_from(sent.as_bytes().slice_ref(id)).ok());
        let id = id.unwrap_or_else(|| self.put_id(&mut out, clock).into());
        self.tail.append_to(&mut out);
        (Properties::written(out), id)
    }

    /// The stamp for the messages of a batch whose request has these properties. Its unique id is
    /// left out, because all the messages would get it.
    pub(super) fn for_batch(&self, shared: &str) -> BatchStamp<'_> {
        let mut tail = PropertiesWriter::with_capacity(room_for(shared.as_bytes(), &self.tail));
        parts(shared.as_bytes())
            .filter(|part| !is_the_brokers(part.name) && part.name != b"UNIQ_KEY")
            .for_each(|part| tail.keep(&part));
        self.tail.append_to(&mut tail);
        BatchStamp {
            stamp: self,
            tail: Properties::written(tail),
            out: PropertiesWriter::with_capacity(BATCH_CAPACITY),
        }
    }

    fn put_id(&self, out: &mut PropertiesWriter, clock: &Clock) -> String {
        let id = self.ids.next(clock.now_ms());
        out.put(property::UNIQ_KEY, &id);
        id
    }
}

impl BatchStamp<'_> {
    /// The properties that every message gets.
    pub(super) fn shared(&self) -> &Properties {
        &self.tail
    }

    /// The properties to store of the next message, which has these; a missing unique id is added.
    pub(super) fn on(&mut self, sent: &Properties, clock: &Clock) -> Properties {
        let sent = sent.as_bytes();
        self.out.reserve(room_for(sent, &self.tail));
        if keep_senders(sent, &mut self.out).is_none() {
            self.stamp.put_id(&mut self.out, clock);
        }
        self.tail.append_to(&mut self.out);
        Properties::taken_from(&mut self.out)
    }
}

/// The length of `sent` and `tail` together; exact for a sender that sets an id and nothing that only
/// the broker may set.
fn room_for(sent: &[u8], tail: &Properties) -> usize {
    let separator = usize::from(sent.last().is_some_and(|last| *last != PROPERTY_SEPARATOR));
    sent.len() + separator + tail.as_bytes().len()
}

/// Copies the sender's properties, except those that only the broker may set; returns the unique id.
fn keep_senders<'a>(sent: &'a [u8], out: &mut PropertiesWriter) -> Option<&'a [u8]> {
    let mut id = None;
    for part in parts(sent) {
        match (part.name, part.value) {
            (name, _) if is_the_brokers(name) => continue,
            (b"UNIQ_KEY", b"") => continue,
            (b"UNIQ_KEY", value) => id = id.or(Some(value)),
            _ => {}
        }
        out.keep(&part);
    }
    id
}

/// The unique id in a text of properties.
pub(super) fn unique_id(text: &ByteString) -> Option<ByteString> {
    let id = iter(text.as_bytes()).find(|(name, _)| *name == property::UNIQ_KEY);
    id.map(|(_, value)| text.slice_ref(value))
}

fn is_the_brokers(name: &[u8]) -> bool {
    matches!(name, b"MSG_REGION" | b"TRACE_ON" | b"CLUSTER" | b"POP_CK")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        let traces = TraceRules {
            topic: None,
            wanted: true,
        };
        let ids = UniqueIds::new("127.0.0.1".parse().unwrap(), 1, 2, 0);
        Stamp::new("C", ids, &traces)
    }

    #[test]
    fn the_senders_properties_come_first_in_their_order() {
        let sent = "b\u{1}2\u{2}UNIQ_KEY\u{1}U\u{2}POP_CK\u{1}x\u{2}CLUSTER\u{1}Z\u{2}a\u{1}1";

        let (stored, id) = stamp().on(&sent.into(), &Clock::manual(0));

        let expected = [
            ("b", "2"),
            ("UNIQ_KEY", "U"),
            ("a", "1"),
            ("MSG_REGION", REGION_ID),
            ("TRACE_ON", "true"),
            ("CLUSTER", "C"),
        ];
        assert_eq!(stored.iter().collect::<Vec<_>>(), expected);
        assert_eq!(id, "U");
    }

    #[test]
    fn a_message_without_an_id_gets_one_of_its_own() {
        let (stamp, clock) = (stamp(), Clock::manual(0));
        let id = |sent: &'static str| {
            let (stored, id) = stamp.on(&sent.into(), &clock);
            assert_eq!(stored.get(property::UNIQ_KEY), Some(&*id));
            id
        };

        assert_eq!(id("").len(), 32);
        assert_ne!(id(""), id("UNIQ_KEY\x01\x02"));
    }

    #[test]
    fn the_messages_of_a_batch_get_what_its_request_has_but_for_the_id() {
        let stamp = stamp();
        let mut batch = stamp.for_batch("UNIQ_KEY\x01B\x02WAIT\x01false\x02CLUSTER\x01Z");
        let mut stored = |sent: &'static str| {
            let stored = batch.on(&Properties::from_bytes(sent), &Clock::manual(0));
            assert_eq!(stored.get(property::WAIT), Some("false"));
            stored
        };

        let first = stored("UNIQ_KEY\x01U\x02KEYS\x01a");
        let second = stored("");

        let expected = [
            ("UNIQ_KEY", "U"),
            ("KEYS", "a"),
            ("WAIT", "false"),
            ("MSG_REGION", REGION_ID),
            ("TRACE_ON", "true"),
            ("CLUSTER", "C"),
        ];
        assert_eq!(first.iter().collect::<Vec<_>>(), expected);
        assert_eq!(first.get(property::UNIQ_KEY), Some("U"));
        assert_eq!(second.get(property::UNIQ_KEY).map(str::len), Some(32));
        assert_eq!(second.get(property::KEYS), None);
    }
}
