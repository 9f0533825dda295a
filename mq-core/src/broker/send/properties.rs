//! What the broker adds to a message's properties, in one pass over them.
//!
//! Invariant: what the sender wrote keeps its bytes and its order, but for the four names that are
//! the broker's to set.

use bytes::{BufMut, Bytes, BytesMut};

use crate::clock::Clock;
use crate::message::{Properties, UniqueIds, property};

/// `regionId`.
pub(super) const REGION: &str = "DefaultRegion";

const SEPARATOR: u8 = 2;

/// What the broker adds to every message.
#[derive(Debug)]
pub(super) struct Stamp {
    /// Region, trace switch and cluster, ready to be appended.
    tail: Bytes,
    ids: UniqueIds,
}

impl Stamp {
    pub(super) fn new(cluster: &str, ids: UniqueIds) -> Self {
        let own = [
            (property::MSG_REGION, REGION),
            (property::TRACE_ON, "true"),
            (property::CLUSTER, cluster),
        ];
        Self {
            tail: Properties::from_iter(own).as_bytes().clone(),
            ids,
        }
    }

    /// The properties as they are stored, with a unique id in any case.
    pub(super) fn on(&self, sent: &[u8], clock: &Clock) -> Properties {
        const ROOM_FOR_ID: usize = 64;

        let capacity = sent.len() + self.tail.len() + ROOM_FOR_ID;
        let mut out = BytesMut::with_capacity(capacity);
        let mut has_id = false;
        for part in sent
            .split(|byte| *byte == SEPARATOR)
            .filter(|part| !part.is_empty())
        {
            match name_and_value(part) {
                (name, _) if is_the_brokers(name) => continue,
                (b"UNIQ_KEY", b"") => continue,
                (b"UNIQ_KEY", _) => has_id = true,
                _ => {}
            }
            out.put_slice(part);
            out.put_u8(SEPARATOR);
        }
        if !has_id {
            put(&mut out, property::UNIQ_KEY, &self.ids.next(clock.now_ms()));
        }
        out.put_slice(&self.tail);
        Properties::from_bytes(out)
    }
}

/// The unique id in a text of properties.
pub(super) fn unique_id(properties: &str) -> Option<&str> {
    properties
        .split('\u{2}')
        .filter_map(|part| part.split_once('\u{1}'))
        .find_map(|(name, value)| (name == property::UNIQ_KEY).then_some(value))
}

fn is_the_brokers(name: &[u8]) -> bool {
    matches!(name, b"MSG_REGION" | b"TRACE_ON" | b"CLUSTER" | b"POP_CK")
}

fn name_and_value(part: &[u8]) -> (&[u8], &[u8]) {
    match part.iter().position(|byte| *byte == 1) {
        Some(at) => {
            let (name, rest) = part.split_at(at);
            (name, rest.get(1..).unwrap_or_default())
        }
        None => (part, &[]),
    }
}

fn put(out: &mut BytesMut, name: &str, value: &str) {
    out.put_slice(name.as_bytes());
    out.put_u8(1);
    out.put_slice(value.as_bytes());
    out.put_u8(SEPARATOR);
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

        let stored = stamp().on(sent.as_bytes(), &Clock::manual(0));

        let expected = [
            ("b", "2"),
            ("UNIQ_KEY", "U"),
            ("a", "1"),
            ("MSG_REGION", REGION),
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
                .on(sent, &clock)
                .get(property::UNIQ_KEY)
                .map(str::to_owned)
                .unwrap()
        };

        assert_eq!(id(b"").len(), 32);
        assert_ne!(id(b""), id(b"UNIQ_KEY\x01\x02"));
    }
}
