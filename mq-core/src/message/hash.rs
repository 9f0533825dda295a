//! Java's `String.hashCode`, which tag codes, key indexes and hash-ordered sends depend on.

/// Java's `String.hashCode`: `h = 31 · h + unit` over the UTF-16 units, wrapping at 32 bits.
///
/// ```
/// # use mq_core::message::java_hash;
/// assert_eq!(java_hash("TagA"), 2_598_919);
/// assert_eq!(java_hash(""), 0);
/// ```
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}
