//! Java's `String.hashCode`, which tag codes, key indexes and hash-ordered sends depend on.

use std::num::Wrapping;

const FACTOR: Wrapping<i32> = Wrapping(31);

/// Java's `String.hashCode`: `h = 31 · h + unit` over the UTF-16 units, wrapping at 32 bits.
///
/// ```
/// # use mq_core::message::java_hash;
/// assert_eq!(java_hash("TagA"), 2_598_919);
/// assert_eq!(java_hash(""), 0);
/// ```
pub fn java_hash(text: &str) -> i32 {
    java_hash_after(0, text)
}

/// The hash of a text with the hash `before` and `text` behind it.
pub(crate) fn java_hash_after(before: i32, text: &str) -> i32 {
    let before = Wrapping(before);
    let after = |hash, unit| FACTOR * hash + Wrapping(unit);
    if !text.is_ascii() {
        return text.encode_utf16().map(i32::from).fold(before, after).0;
    }
    // Four at a time, because each multiplication of the hash waits for the one before it.
    let (fours, rest) = text.as_bytes().as_chunks();
    let hash = fours.iter().fold(before, |hash, four| {
        let [a, b, c, d] = four.map(i32::from);
        let four = after(after(after(Wrapping(a), b), c), d);
        hash * FACTOR * FACTOR * FACTOR * FACTOR + four
    });
    rest.iter().copied().map(i32::from).fold(hash, after).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_in_one_piece_and_in_two() {
        let text = "0123456789 Größe \u{1F600} and more behind it";
        let whole = text.encode_utf16().fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
        for (at, _) in text.char_indices() {
            let (first, second) = text.split_at(at);

            assert_eq!(java_hash_after(java_hash(first), second), whole, "{at}");
        }
    }
}
