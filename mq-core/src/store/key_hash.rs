//! The hashes by which the index knows keys.

use smallvec::SmallVec;

use crate::message::{Properties, property};

/// The hashes of a message's keys; as a rule there is a unique one and one more.
pub(super) type KeyHashes = SmallVec<[i32; 4]>;

/// The hashes of a message's keys, the unique one first.
pub(super) fn key_hashes(topic: &str, properties: &Properties) -> KeyHashes {
    let unique = properties.get(property::UNIQ_KEY);
    let keys = properties.get(property::KEYS).unwrap_or_default();
    let keys = unique
        .into_iter()
        .chain(keys.split(' ').filter(|key| !key.is_empty()));
    keys.map(|key| key_hash(topic, key)).collect()
}

/// The absolute value of Java's hash of `topic#key` (`IndexFile.indexKeyHashMethod`).
pub(super) fn key_hash(topic: &str, key: &str) -> i32 {
    let units = topic
        .encode_utf16()
        .chain(['#' as u16])
        .chain(key.encode_utf16());
    let hash = units.fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    });
    hash.checked_abs().unwrap_or(0)
}
