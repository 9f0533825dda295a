//! When two spellings are one key.
//!
//! `send-message-timeout`, `sendMessageTimeout` and `send_message_timeout` are the same key; the
//! names that users give (groups, topics, clients) are exact, letter for letter.

use std::fmt;

/// A key in the one spelling that all others are compared by.
///
/// Segments are joined by dots, an element of a list is a segment `[0]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    /// Reads a key in whatever spelling it was written.
    pub(super) fn new(written: &str) -> Self {
        let mut canonical = Vec::<String>::new();
        for segment in segments(written) {
            let exact = names_follow(&canonical);
            canonical.push(if exact {
                segment.to_owned()
            } else {
                plain(segment)
            });
        }
        if is_listener(&canonical) {
            canonical.push("enabled".to_owned());
        }
        Self(canonical.join("."))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which an environment variable can name this key: nothing but letters and digits.
    pub(super) fn squashed(&self) -> String {
        squash(&self.0)
    }

    /// What follows `prefix.` in this key.
    pub(super) fn below(&self, prefix: &Self) -> Option<&str> {
        self.0.strip_prefix(prefix.as_str())?.strip_prefix('.')
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters and digits of `text` in lower case: how an environment variable is compared.
pub(super) fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// One segment without what the spellings differ in.
pub(super) fn plain(segment: &str) -> String {
    segment
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Segments of a written key; `list[0]` is two of them.
fn segments(written: &str) -> impl Iterator<Item = &str> {
    written.split('.').flat_map(|segment| {
        let at = segment.find('[').unwrap_or(segment.len());
        let (name, index) = segment.split_at(at);
        [name, index].into_iter().filter(|part| !part.is_empty())
    })
}

/// Whether the next segment is a name that a user gave.
fn names_follow(canonical: &[String]) -> bool {
    let parts: Vec<&str> = canonical.iter().map(String::as_str).collect();
    matches!(
        parts.as_slice(),
        ["rocketmq", "consumer", "listeners"]
            | ["rocketmq", "consumer", "listeners", _]
            | ["rocketmq", "topics" | "clients"]
    )
}

/// `listeners.<group>.<topic>` alone is Java's switch: short for its `enabled`.
fn is_listener(canonical: &[String]) -> bool {
    let parts: Vec<&str> = canonical.iter().map(String::as_str).collect();
    matches!(
        parts.as_slice(),
        ["rocketmq", "consumer", "listeners", _, _]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_key_are_equal_and_names_are_exact() {
        let same = [
            "rocketmq.producer.send-message-timeout",
            "rocketmq.producer.sendMessageTimeout",
            "rocketmq.producer.send_message_timeout",
        ];
        for spelling in same {
            assert_eq!(Key::new(spelling), Key::new(same[0]), "{spelling}");
        }
        assert_ne!(
            Key::new("rocketmq.topics.order-topic.queues"),
            Key::new("rocketmq.topics.orderTopic.queues")
        );
        assert_ne!(
            Key::new("rocketmq.consumer.listeners.shop.Order"),
            Key::new("rocketmq.consumer.listeners.shop.order")
        );
    }

    #[test]
    fn a_bare_listener_is_its_switch() {
        assert_eq!(
            Key::new("rocketmq.consumer.listeners.shop.order-topic"),
            Key::new("rocketmq.consumer.listeners.shop.order-topic.enabled")
        );
    }

    #[test]
    fn an_element_of_a_list_is_a_segment() {
        assert_eq!(Key::new("a.list[1].b").as_str(), "a.list.[1].b");
    }
}
