//! Topic, group and tag names, validated when they are made: a [`TopicName`] need not be checked
//! again.
//!
//! The rules are those of Apache's `TopicValidator` and `Validators`: letters, digits, `%`, `|`,
//! `-` and `_`, with a length that depends on the kind. None of these characters can lead out of a
//! directory.

use std::fmt;
use std::str::FromStr;

use bytestring::ByteString;

use crate::excerpt::excerpt;

const RETRY_PREFIX: &str = "%RETRY%";
const DLQ_PREFIX: &str = "%DLQ%";

/// `TopicValidator.NOT_ALLOWED_SEND_TOPIC_SET`, and the timer topic, where a message without a time would
/// be none for anybody.
const BROKER_ONLY_TOPICS: [&str; 7] = [
    "SCHEDULE_TOPIC_XXXX",
    "rmq_sys_wheel_timer",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
];

/// Why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty or blank.
    #[error("the {kind} name is blank")]
    Blank {
        /// `topic`, `group` or `tag`.
        kind: &'static str,
    },
    /// The text is longer than its kind allows.
    #[error("the {kind} name `{name}` has {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// `topic`, `group` or `tag`.
        kind: &'static str,
        /// The beginning of the text.
        name: String,
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The text has a character that no name may have.
    #[error(
        "the {kind} name `{name}` has the illegal character {character:?}: {}",
        allowed(kind)
    )]
    IllegalCharacter {
        /// `topic`, `group` or `tag`.
        kind: &'static str,
        /// The beginning of the text.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
}

/// What a name of this kind may have.
fn allowed(kind: &str) -> &'static str {
    match kind {
        "tag" => "a tag has no control character and no `||`, which separates tags",
        _ => "only letters, digits, `%`, `|`, `-` and `_` are allowed",
    }
}

fn check(kind: &'static str, text: &str, limit: usize) -> Result<(), NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Blank { kind });
    }
    if text.len() > limit {
        return Err(NameError::TooLong {
            kind,
            name: text.chars().take(32).collect(),
            length: text.len(),
            limit,
        });
    }
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '%' | '|' | '-' | '_');
    match text.chars().find(|c| !legal(c)) {
        Some(character) => Err(NameError::IllegalCharacter {
            kind,
            name: excerpt(text).into_owned(),
            character,
        }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(ByteString);

        impl $name {
            /// Checks `text` and makes it a name.
            ///
            /// # Errors
            ///
            /// [`NameError`] says which rule the text breaks.
            pub fn new(text: impl Into<ByteString>) -> Result<Self, NameError> {
                let text = text.into();
                check($kind, &text, $limit(&text))?;
                Ok(Self(text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same name in memory of its own, to be kept for long: one that was read from a
            /// frame keeps the whole frame in memory.
            #[must_use]
            pub fn detached(self) -> Self {
                Self(ByteString::from(&*self.0))
            }

            /// The name as shared text: a reference is counted, nothing is copied.
            pub fn to_text(&self) -> ByteString {
                self.0.clone()
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    };
}

name!(
    /// The name of a topic: at most 127 bytes, retry and dead-letter topics at most 255.
    TopicName,
    "topic",
    |text: &str| if text.starts_with(RETRY_PREFIX) || text.starts_with(DLQ_PREFIX) {
        255
    } else {
        127
    }
);

name!(
    /// The name of a group of producers or consumers: at most 240 bytes.
    ///
    /// Java's clients allow 120 and Go's 255; 240 is the longest for which `%RETRY%` + name is
    /// still a topic.
    GroupName,
    "group",
    |_: &str| 240
);

impl TopicName {
    /// `%RETRY%` + group: where messages wait for their next delivery attempt.
    pub fn retry_of(group: &GroupName) -> Self {
        Self(format!("{RETRY_PREFIX}{group}").into())
    }

    /// `%DLQ%` + group: where messages end whose delivery attempts are used up.
    pub fn dead_letters_of(group: &GroupName) -> Self {
        Self(format!("{DLQ_PREFIX}{group}").into())
    }

    /// Whether only brokers may write to this topic.
    pub fn is_closed(&self) -> bool {
        BROKER_ONLY_TOPICS.contains(&self.as_str())
    }

    /// Whether this is a retry topic.
    pub fn is_retry(&self) -> bool {
        self.0.starts_with(RETRY_PREFIX)
    }

    /// The group whose retry or dead-letter topic this is.
    pub fn group(&self) -> Option<GroupName> {
        let name = self
            .0
            .strip_prefix(RETRY_PREFIX)
            .or_else(|| self.0.strip_prefix(DLQ_PREFIX))?;
        GroupName::new(name).ok()
    }
}

/// A tag: any text without the separators of properties and tag expressions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(ByteString);

impl Tag {
    /// Checks `text` and makes it a tag.
    ///
    /// # Errors
    ///
    /// [`NameError`] when the text is blank or has a control character or `||`.
    pub fn new(text: impl Into<ByteString>) -> Result<Self, NameError> {
        const KIND: &str = "tag";
        let text = text.into();
        if text.trim().is_empty() {
            return Err(NameError::Blank { kind: KIND });
        }
        let illegal = text.chars().find(|c| c.is_control());
        let illegal = illegal.or_else(|| text.contains("||").then_some('|'));
        match illegal {
            Some(character) => Err(NameError::IllegalCharacter {
                kind: KIND,
                name: excerpt(&text).into_owned(),
                character,
            }),
            None => Ok(Self(text)),
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_directory() {
        for text in ["../x", "/etc", "a/b", "a\0b", "a b", "", " ", "主题", "a.b"] {
            assert!(TopicName::new(text).is_err(), "{text:?}");
            assert!(GroupName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_text_is_parsed_by_the_same_rules() {
        assert_eq!("orders".parse::<TopicName>(), TopicName::new("orders"));
        assert_eq!("a/b".parse::<GroupName>(), GroupName::new("a/b"));
    }

    #[test]
    fn a_topic_has_127_bytes_and_a_retry_topic_255() {
        assert!(TopicName::new("a".repeat(127)).is_ok());
        assert!(TopicName::new("a".repeat(128)).is_err());
        assert!(TopicName::new(format!("%RETRY%{}", "a".repeat(248))).is_ok());
        assert!(TopicName::new(format!("%RETRY%{}", "a".repeat(249))).is_err());
    }

    #[test]
    fn an_error_holds_the_beginning_of_a_long_text() {
        let text = format!("%RETRY%{}", "/".repeat(240));
        let Err(NameError::IllegalCharacter { name, .. }) = TopicName::new(text.clone()) else {
            unreachable!("`/` is legal")
        };
        assert_eq!(name, text);

        let long = "\u{1}".repeat(1_000_000);
        assert!(Tag::new(long).unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn a_retry_topic_knows_its_group() {
        let group = GroupName::new("shop").unwrap();

        assert_eq!(TopicName::retry_of(&group).as_str(), "%RETRY%shop");
        assert_eq!(TopicName::dead_letters_of(&group).group(), Some(group));
    }
}
