//! The hashes by which the index knows keys.

use smallvec::SmallVec;

use crate::message::{Properties, java_hash, java_hash_after, property};

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
    let hash = java_hash_after(java_hash_after(java_hash(topic), "#"), key);
    hash.checked_abs().unwrap_or(0)
}
