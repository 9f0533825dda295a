//! Keeps room in a message's properties for those that the broker adds later: for a retry, for a dead
//! letter, for a message or half message that waits on.
//!
//! A record has a signed 16-bit length for its properties. A retried copy adds `RETRY_TOPIC`,
//! `ORIGIN_MESSAGE_ID`, `DELAY`, `REAL_TOPIC` and `REAL_QID`, at most 503 bytes; a dead letter adds
//! a reason instead of the delay. Invariant: every admitted message can be sent back.

use crate::message::{Properties, property};
use crate::reason::line;
use crate::wire::{Refusal, ResponseCode};

/// The longest properties of a record, in bytes.
const MAX_PROPERTIES_BYTES: usize = 32_767;

/// The bytes reserved for retries.
const RESERVED_FOR_RETRY_BYTES: usize = 1_024;

/// Properties that a copy can do without, in the order in which they are removed.
const OPTIONAL_PROPERTIES: [&str; 5] = [
    property::ORIGIN_MESSAGE_ID,
    property::MSG_REGION,
    property::TRACE_ON,
    property::CLUSTER,
    property::WAIT,
];

/// Refuses a message that could not be sent back.
pub(in crate::broker) fn check(stored: &Properties) -> Result<(), Refusal> {
    const MAX_SENT_PROPERTIES_BYTES: usize = MAX_PROPERTIES_BYTES - RESERVED_FOR_RETRY_BYTES;

    let length = stored.as_bytes().len();
    if length <= MAX_SENT_PROPERTIES_BYTES {
        return Ok(());
    }
    Err(Refusal::new(
        ResponseCode::MESSAGE_ILLEGAL,
        format!(
            "the properties have {length} bytes with those that the broker adds, at most {MAX_SENT_PROPERTIES_BYTES} are \
         allowed: of the {MAX_PROPERTIES_BYTES} bytes of a record, {RESERVED_FOR_RETRY_BYTES} are kept for retries"
        ),
    ))
}

/// Removes optional properties until the copy fits; returns whether it does. Only messages that
/// were admitted without [`check`], by Apache's broker or an older version of this one, can be too
/// long.
pub(in crate::broker) fn make(properties: &mut Properties) -> bool {
    for name in OPTIONAL_PROPERTIES {
        if properties.as_bytes().len() <= MAX_PROPERTIES_BYTES {
            return true;
        }
        properties.remove(name);
    }
    properties.as_bytes().len() <= MAX_PROPERTIES_BYTES
}

/// Sets `name` when there is room for it.
pub(in crate::broker) fn set(properties: &mut Properties, name: &str, value: &str) {
    let mut longer = properties.clone();
    longer.set(name, value);
    if longer.as_bytes().len() <= MAX_PROPERTIES_BYTES {
        *properties = longer;
    }
}

/// Sets the reason of a dead letter, cut to the room that there is.
pub(in crate::broker) fn set_reason(properties: &mut Properties, reason: &str) {
    properties.remove(property::DLQ_REASON);
    let name = property::DLQ_REASON.len() + "\u{1}\u{2}\u{2}".len();
    let room = MAX_PROPERTIES_BYTES.saturating_sub(properties.as_bytes().len() + name);
    let reason = line(reason);
    let (kept, _cut) = reason.split_at(reason.floor_char_boundary(room));
    if !kept.is_empty() {
        properties.set(property::DLQ_REASON, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(length: usize) -> Properties {
        let mut properties = Properties::default();
        properties.set(property::MSG_REGION, "DefaultRegion");
        let rest = length - properties.as_bytes().len() - "x".len() - 2;
        properties.set("x", &"y".repeat(rest));
        properties
    }

    #[test]
    fn a_message_leaves_room_for_a_retry() {
        assert!(check(&of_length(31_743)).is_ok());
        let refusal = check(&of_length(31_744)).unwrap_err();

        assert_eq!(refusal.code, ResponseCode::MESSAGE_ILLEGAL);
        assert!(refusal.remark.contains("have 31744 bytes"), "{refusal}");
        assert!(refusal.remark.contains("at most 31743"), "{refusal}");
    }

    #[test]
    fn only_what_a_copy_can_do_without_makes_room() {
        let mut fits = of_length(MAX_PROPERTIES_BYTES);
        let mut too_long = of_length(MAX_PROPERTIES_BYTES + 10);
        let mut hopeless = of_length(MAX_PROPERTIES_BYTES + 100);

        assert!(make(&mut fits) && make(&mut too_long));
        assert!(!make(&mut hopeless));

        assert!(fits.get(property::MSG_REGION).is_some());
        assert!(too_long.get(property::MSG_REGION).is_none());
        for properties in [fits, too_long, hopeless] {
            assert!(properties.get("x").is_some());
        }
    }

    #[test]
    fn what_has_no_room_is_not_set() {
        let mut properties = of_length(MAX_PROPERTIES_BYTES - 10);

        set(&mut properties, property::DELAY, "long enough");
        set_reason(&mut properties, "none");
        set(&mut properties, "z", "1234567");

        assert_eq!(properties.get(property::DELAY), None);
        assert_eq!(properties.get(property::DLQ_REASON), None);
        assert_eq!(properties.as_bytes().len(), MAX_PROPERTIES_BYTES);
    }

    #[test]
    fn a_reason_is_cut_to_the_room_that_there_is() {
        let mut properties = of_length(MAX_PROPERTIES_BYTES - 20);

        set_reason(&mut properties, "no\u{1}product");

        assert_eq!(properties.get(property::DLQ_REASON), Some("no prod"));
        assert!(properties.as_bytes().len() <= MAX_PROPERTIES_BYTES);
    }
}
