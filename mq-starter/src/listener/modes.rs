//! The enums of an annotation, under the names they have in Rust and in Java.

use std::fmt;
use std::str::FromStr;

pub use mq_core::message::subscription::SelectorType;

/// How the messages of one queue are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConsumeMode {
    /// Many at a time, in no order.
    #[default]
    Concurrently,
    /// One after the other; a failed message holds up those behind it.
    Orderly,
}

/// Who of a group gets a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MessageModel {
    /// One member.
    #[default]
    Clustering,
    /// Every member; a failed message is not tried again.
    ///
    /// A member begins at the end of a topic that is new to it: it gets what is sent from then on.
    /// As with Apache's clients this is also so for a topic that only comes to be while the member
    /// runs: what was sent before the member learned of it, within 30 seconds, passes it by.
    /// Declare such topics (`rocketmq.topics.<name>.queues`), and they are there from the start.
    Broadcasting,
}

/// Where a group begins that has committed no offset yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConsumeFromWhere {
    /// Behind the last message. The broker makes an exception: a queue whose first message is still young
    /// is read from its beginning.
    #[default]
    LastOffset,
    /// At the first message.
    FirstOffset,
    /// At the first message stored at `consume_timestamp` or later, which is half an hour before the
    /// start unless it is set.
    Timestamp,
}

/// What becomes of a message that a listener's parameters cannot be made of. Another attempt finds the
/// same message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDecodeError {
    /// It goes to the dead-letter queue at once.
    #[default]
    DeadLetter,
    /// It is tried again, as in Java; another version of the program may be able to read it.
    Retry,
    /// It is acknowledged, and a warning says why.
    Drop,
}

/// A text that names no member of an enum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of {expected}")]
pub struct UnknownName {
    found: String,
    expected: &'static str,
}

/// An enum that the settings can name.
pub(crate) trait Named: Copy + Sized {
    /// All names, for messages.
    const EXPECTED: &'static str;

    /// The member called `name`, whatever the case.
    fn named(name: &str) -> Option<Self>;

    /// Reads a name.
    fn read(name: &str) -> Result<Self, UnknownName> {
        Self::named(&name.trim().to_ascii_uppercase()).ok_or_else(|| UnknownName {
            found: name.to_owned(),
            expected: Self::EXPECTED,
        })
    }
}

impl Named for ConsumeMode {
    const EXPECTED: &'static str = "CONCURRENTLY, ORDERLY";

    fn named(name: &str) -> Option<Self> {
        match name {
            "CONCURRENTLY" => Some(Self::Concurrently),
            "ORDERLY" => Some(Self::Orderly),
            _ => None,
        }
    }
}

impl Named for MessageModel {
    const EXPECTED: &'static str = "CLUSTERING, BROADCASTING";

    fn named(name: &str) -> Option<Self> {
        match name {
            "CLUSTERING" => Some(Self::Clustering),
            "BROADCASTING" => Some(Self::Broadcasting),
            _ => None,
        }
    }
}

impl Named for ConsumeFromWhere {
    const EXPECTED: &'static str =
        "CONSUME_FROM_LAST_OFFSET, CONSUME_FROM_FIRST_OFFSET, CONSUME_FROM_TIMESTAMP";

    fn named(name: &str) -> Option<Self> {
        match name {
            "CONSUME_FROM_LAST_OFFSET" | "LASTOFFSET" => Some(Self::LastOffset),
            "CONSUME_FROM_FIRST_OFFSET" | "FIRSTOFFSET" => Some(Self::FirstOffset),
            "CONSUME_FROM_TIMESTAMP" | "TIMESTAMP" => Some(Self::Timestamp),
            _ => None,
        }
    }
}

impl Named for OnDecodeError {
    const EXPECTED: &'static str = "DEAD_LETTER, RETRY, DROP";

    fn named(name: &str) -> Option<Self> {
        match name {
            "DEAD_LETTER" | "DEADLETTER" => Some(Self::DeadLetter),
            "RETRY" => Some(Self::Retry),
            "DROP" => Some(Self::Drop),
            _ => None,
        }
    }
}

impl Named for SelectorType {
    const EXPECTED: &'static str = "TAG, SQL92";

    fn named(name: &str) -> Option<Self> {
        match name {
            "TAG" => Some(Self::Tag),
            "SQL92" => Some(Self::Sql92),
            _ => None,
        }
    }
}

impl FromStr for ConsumeMode {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::read(name)
    }
}

impl FromStr for MessageModel {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::read(name)
    }
}

impl fmt::Display for ConsumeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Concurrently => "CONCURRENTLY",
            Self::Orderly => "ORDERLY",
        })
    }
}

impl fmt::Display for ConsumeFromWhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LastOffset => "CONSUME_FROM_LAST_OFFSET",
            Self::FirstOffset => "CONSUME_FROM_FIRST_OFFSET",
            Self::Timestamp => "CONSUME_FROM_TIMESTAMP",
        })
    }
}

impl fmt::Display for MessageModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clustering => "CLUSTERING",
            Self::Broadcasting => "BROADCASTING",
        })
    }
}

#[cfg(test)]
mod tests {
    use mq_rules::{KEYS, Kind};

    use super::*;

    fn written<T: Named + fmt::Debug>(name: &str) -> Result<String, UnknownName> {
        T::read(name).map(|member| format!("{member:?}"))
    }

    #[test]
    fn every_member_that_the_attribute_may_name_is_read() {
        for key in KEYS {
            let Kind::Choice(choice) = &key.kind else {
                continue;
            };
            let read = match choice.type_name {
                "ConsumeFromWhere" => written::<ConsumeFromWhere>,
                "ConsumeMode" => written::<ConsumeMode>,
                "MessageModel" => written::<MessageModel>,
                "OnDecodeError" => written::<OnDecodeError>,
                _ => written::<SelectorType>,
            };
            for variant in choice.variants {
                assert_eq!(read(variant.java).as_deref(), Ok(variant.rust));
            }
            let known = choice.variants.iter().map(|variant| variant.java);
            let known = known.collect::<Vec<_>>().join(", ");
            assert_eq!(
                read("x").unwrap_err().to_string(),
                format!("`x` is none of {known}")
            );
        }
    }
}
