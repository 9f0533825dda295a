//! The properties that the broker adds to a message, in one pass over them.
//!
//! Invariant: the sender's properties keep their bytes and order, except the four that only the
//! broker may set.

use bytes::Bytes;

use crate::clock::Clock;
use crate::message::property_text::{PropertiesWriter, iter, parts};
use crate::message::{Properties, UniqueIds, property};

/// `regionId`.
pub(super) const REGION_ID: &str = "DefaultRegion";

/// The properties that the broker adds to every message.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Region, trace switch and cluster, encoded.
    tail: Bytes,
    ids: UniqueIds,
}

impl Stamp {
    pub(super) fn new(cluster: &str, ids: UniqueIds) -> Self {
        let own = [
            (property::MSG_REGION, REGION_ID),
            (property::TRACE_ON, "true"),
            (property::CLUSTER, cluster),
        ];
        Self {
            tail: Properties::from_iter(own).as_bytes().clone(),
            ids,
        }
    }

    /// The properties to store, from the texts that were sent; a missing unique id is added.
    pub(super) fn on(&self, sent: &[&[u8]], clock: &Clock) -> Properties {
        // As a rule exact: nearly every sender sets an id and leaves out the last separator.
        let length: usize = sent.iter().map(|text| text.len() + 1).sum();
        let mut out = PropertiesWriter::with_capacity(length + self.tail.len());
        let mut has_id = false;
        for part in sent.iter().copied().flat_map(parts) {
            match (part.name, part.value) {
                (name, _) if is_the_brokers(name) => continue,
                (b"UNIQ_KEY", b"") => continue,
                (b"UNIQ_KEY", _) => has_id = true,
                _ => {}
            }
            out.keep(&part);
        }
        if !has_id {
            out.put(property::UNIQ_KEY, &self.ids.next(clock.now_ms()));
        }
        out.put_all(&self.tail);
        Properties::from_bytes(out.finish())
    }
}

/// The unique id in a text of properties.
pub(super) fn unique_id(text: &str) -> Option<&str> {
    iter(text.as_bytes()).find_map(|(name, value)| (name == property::UNIQ_KEY).then_some(value))
}

fn is_the_brokers(name: &[u8]) -> bool {
    matches!(name, b"MSG_REGION" | b"TRACE_ON" | b"CLUSTER" | b"POP_CK")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp::new("C", UniqueIds::new("127.0.0.1".parse().unwrap(), 1, 2, 0))
    }

    #[test]
    fn the_senders_properties_come_first_in_their_order() {
        let sent = "b\u{1}2\u{2}UNIQ_KEY\u{1}U\u{2}POP_CK\u{1}x\u{2}CLUSTER\u{1}Z\u{2}a\u{1}1";

        let stored = stamp().on(&[sent.as_bytes()], &Clock::manual(0));

        let expected = [
            ("b", "2"),
            ("UNIQ_KEY", "U"),
            ("a", "1"),
            ("MSG_REGION", REGION_ID),
            ("TRACE_ON", "true"),
            ("CLUSTER", "C"),
        ];
        assert_eq!(stored.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_message_without_an_id_gets_one_of_its_own() {
        let (stamp, clock) = (stamp(), Clock::manual(0));
        let id = |sent: &[u8]| {
            stamp
                .on(&[sent], &clock)
                .get(property::UNIQ_KEY)
                .map(str::to_owned)
                .unwrap()
        };

        assert_eq!(id(b"").len(), 32);
        assert_ne!(id(b""), id(b"UNIQ_KEY\x01\x02"));
    }
}
