//! Cuts texts that come from peers before they are kept in memory or logged, so that no peer
//! decides how much memory and disk they take.

use std::borrow::Cow;
use std::fmt::Display;

/// The bytes kept of a text: no valid topic or group name is longer.
pub(crate) const MAX_EXCERPT_BYTES: usize = 255;

/// The number of items of a list that are shown.
const MAX_LISTED_ITEMS: usize = 8;

/// `text`, or its beginning and `…` when it is longer than [`MAX_EXCERPT_BYTES`].
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_EXCERPT_BYTES {
        return Cow::Borrowed(text);
    }
    let (beginning, _) = text.split_at(text.floor_char_boundary(MAX_EXCERPT_BYTES));
    Cow::Owned(format!("{beginning}…"))
}

/// The first of `items`, and how many more there are.
pub(crate) fn list<T: Display>(items: &[T], separator: &str) -> String {
    let named = items.iter().take(MAX_LISTED_ITEMS).map(ToString::to_string);
    let mut named: Vec<_> = named.collect();
    let more = items.len().saturating_sub(named.len());
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_name_stays_whole_and_a_longer_text_ends_between_two_characters() {
        assert_eq!(
            excerpt(&"a".repeat(MAX_EXCERPT_BYTES)),
            "a".repeat(MAX_EXCERPT_BYTES)
        );
        assert_eq!(
            excerpt(&"ä".repeat(MAX_EXCERPT_BYTES)),
            format!("{}…", "ä".repeat(127))
        );
    }

    #[test]
    fn a_long_list_says_how_much_it_leaves_out() {
        assert_eq!(list(&[1, 2, 3], ", "), "1, 2, 3");
        assert_eq!(list(&[0; 10], ", "), "0, 0, 0, 0, 0, 0, 0, 0, and 2 more");
    }
}
