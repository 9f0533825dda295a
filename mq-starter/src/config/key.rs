//! When two spellings are one key.
//!
//! `send-message-timeout`, `sendMessageTimeout` and `send_message_timeout` are the same key; the
//! names that users give (groups, topics, clients) are exact, letter for letter.

use std::cmp::Ordering;
use std::fmt;

/// A key in the one spelling that all others are compared by.
///
/// Segments are joined by dots, an element of a list is a segment `[0]`.
#[derive(Clone, Debug)]
pub(super) struct ConfigKey {
    canonical: String,
    /// What an environment variable that names this key looks like; see [`ConfigKey::is_named_by`].
    variable: String,
}

impl ConfigKey {
    /// Reads a key in whatever spelling it was written.
    pub(super) fn new(written: &str) -> Self {
        let mut canonical = Vec::<String>::new();
        let mut variable = Vec::<String>::new();
        for segment in segments(written) {
            let exact = names_follow(&canonical);
            canonical.push(if exact {
                segment.to_owned()
            } else {
                plain(segment)
            });
            variable.push(words(segment));
        }
        if is_listener(&canonical) {
            canonical.push("enabled".to_owned());
            variable.push("enabled".to_owned());
        }
        Self {
            canonical: canonical.join("."),
            variable: variable.join("."),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.canonical
    }

    /// The list that this is an element of or lies below one of, and the rest.
    pub(super) fn list(&self) -> Option<(&str, &str)> {
        let (list, _) = self.canonical.split_once(".[")?;
        let element = self.canonical.get(list.len().checked_add(1)?..)?;
        Some((list, element))
    }

    /// The key's letters and digits, which every variable that names it has too.
    pub(super) fn squashed(&self) -> String {
        squash(&self.canonical)
    }

    /// Whether the environment variable `name` means this key, in whatever case (Spring's relaxed
    /// binding): a dot is an underscore or a dot there, and between the words of a segment there is
    /// an underscore, a dash or nothing. `HOST_NAME` is `host.name` and `host-name`, `HOSTNAME` is
    /// `host-name` alone.
    pub(super) fn is_named_by(&self, name: &str) -> bool {
        let mut name = name.chars().flat_map(char::to_lowercase).peekable();
        let fits = self.variable.chars().all(|expected| match expected {
            '.' => matches!(name.next(), Some('_' | '.')),
            '-' => {
                name.next_if(|c| matches!(c, '_' | '-'));
                true
            }
            letter => name.next() == Some(letter),
        });
        fits && name.next().is_none()
    }

    /// The part of this key after `prefix.`.
    pub(super) fn below(&self, prefix: &Self) -> Option<&str> {
        let rest = self.canonical.strip_prefix(prefix.as_str())?;
        rest.strip_prefix('.')
    }
}

/// Spellings of one key are equal, although they tell words apart in different places.
impl PartialEq for ConfigKey {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for ConfigKey {}

impl PartialOrd for ConfigKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ConfigKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical.cmp(&other.canonical)
    }
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

/// A segment in lower case with a dash between its words: `sendTimeout`, `send_timeout` and
/// `send-timeout` have two, `sendtimeout` has one.
fn words(segment: &str) -> String {
    let mut words = String::new();
    let mut word_ends = false;
    for c in segment.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && word_ends);
        if begins && !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        }
        word_ends = c.is_lowercase() || c.is_numeric();
    }
    words.trim_end_matches('-').to_owned()
}

/// Letters and digits of `text` in lower case.
pub(super) fn squash(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A segment without what spellings of it differ in: case, dashes and underscores.
pub(super) fn plain(segment: &str) -> String {
    segment
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Segments of a written key; `list[0]` is two of them.
pub(super) fn segments(written: &str) -> impl Iterator<Item = &str> {
    let parts = written.split('.').flat_map(|segment| {
        let brackets = || segment.match_indices('[').map(|(at, _)| at);
        let starts = std::iter::once(0).chain(brackets());
        let ends = brackets().chain([segment.len()]);
        starts
            .zip(ends)
            .filter_map(|(start, end)| segment.get(start..end))
    });
    parts.filter(|part| !part.is_empty())
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
            assert_eq!(
                ConfigKey::new(spelling),
                ConfigKey::new(same[0]),
                "{spelling}"
            );
        }
        assert_ne!(
            ConfigKey::new("rocketmq.topics.order-topic.queues"),
            ConfigKey::new("rocketmq.topics.orderTopic.queues")
        );
        assert_ne!(
            ConfigKey::new("rocketmq.consumer.listeners.shop.Order"),
            ConfigKey::new("rocketmq.consumer.listeners.shop.order")
        );
    }

    /// HOSTNAME, which every container has, once hid the `host.name` of a file.
    #[test]
    fn a_variable_needs_an_underscore_for_each_dot_and_none_for_a_dash() {
        for (key, names, others) in [
            (
                "host.name",
                "HOST_NAME host_name host.name",
                "HOSTNAME HOST-NAME HOST__NAME H_OST_NAME",
            ),
            ("log.name", "LOG_NAME", "LOGNAME LOG_NAME_ LOG_NAMES"),
            ("user.name", "USER_NAME", "USERNAME U_SER_NAME"),
            ("host-name", "HOSTNAME HOST_NAME", "HOST.NAME"),
            ("hostName", "HOSTNAME HOST_NAME", "HOST__NAME"),
            ("hostname", "HOSTNAME", "HOST_NAME"),
            ("HOST_NAME", "HOST_NAME HOSTNAME", "HOST.NAME"),
            (
                "rocketmq.name-server",
                "ROCKETMQ_NAME_SERVER ROCKETMQ_NAMESERVER rocketmq.name-server",
                "ROCKETMQNAMESERVER ROCKETMQ_NAME__SERVER",
            ),
            (
                "shop.http2Port",
                "SHOP_HTTP2PORT SHOP_HTTP2_PORT",
                "SHOP_HTTP_2_PORT",
            ),
            ("list[0].at", "LIST_0_AT", "LIST0_AT"),
            (
                "rocketmq.topics.order-topic.queues",
                "ROCKETMQ_TOPICS_ORDER_TOPIC_QUEUES ROCKETMQ_TOPICS_ORDERTOPIC_QUEUES",
                "ROCKETMQ_TOPICSORDERTOPIC_QUEUES",
            ),
        ] {
            let key = ConfigKey::new(key);
            for name in names.split(' ') {
                assert!(key.is_named_by(name), "{key} {name}");
            }
            for name in others.split(' ') {
                assert!(!key.is_named_by(name), "{key} {name}");
            }
        }
    }

    #[test]
    fn a_bare_listener_is_its_switch() {
        assert_eq!(
            ConfigKey::new("rocketmq.consumer.listeners.shop.order-topic"),
            ConfigKey::new("rocketmq.consumer.listeners.shop.order-topic.enabled")
        );
    }

    #[test]
    fn an_element_of_a_list_is_a_segment() {
        assert_eq!(ConfigKey::new("a.list[1].b").as_str(), "a.list.[1].b");
    }
}
