//! Trace records as Java writes them: one line for each message (`TraceDataEncoder`).
//!
//! Fields are separated by U+0001 and a line ends with U+0002; a text that is missing is `null`.

use std::fmt::Display;

use crate::message::{Message, MessageExt, Properties, TopicName, property};

/// Java's text for a string that is `null`.
const MISSING: &str = "null";

/// The message that a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct TracedMessage {
    pub(in crate::client) topic: TopicName,
    /// The unique id; those of a batch are joined by `,`.
    pub(in crate::client) id: String,
    pub(in crate::client) tags: Option<String>,
    pub(in crate::client) keys: Option<String>,
}

impl TracedMessage {
    pub(in crate::client) fn new(topic: &TopicName, id: String, properties: &Properties) -> Self {
        let text = |name| properties.get(name).map(str::to_owned);
        Self {
            topic: topic.clone(),
            id,
            tags: text(property::TAGS),
            keys: text(property::KEYS),
        }
    }

    fn tags(&self) -> &str {
        self.tags.as_deref().unwrap_or(MISSING)
    }

    fn keys(&self) -> &str {
        self.keys.as_deref().unwrap_or(MISSING)
    }
}

impl From<&MessageExt> for TracedMessage {
    fn from(stored: &MessageExt) -> Self {
        let Message {
            topic, properties, ..
        } = &stored.message;
        Self::new(topic, stored.message_id(), properties)
    }
}

/// What happened to a message, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct TraceRecord {
    /// ms since 1970.
    pub(in crate::client) at_ms: i64,
    /// The broker's region.
    pub(in crate::client) region: String,
    pub(in crate::client) message: TracedMessage,
    pub(in crate::client) event: Event,
}

/// What happened to a message (`TraceType`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) enum Event {
    /// A broker answered its send (`Pub`).
    Published {
        /// The broker's address.
        broker: String,
        body_length: usize,
        cost_ms: u128,
        kind: MessageKind,
        offset_message_id: String,
        success: bool,
    },
    /// A listener gets it (`SubBefore`).
    Consuming { call: String, retries: i32 },
    /// A listener had it (`SubAfter`).
    Consumed {
        call: String,
        /// The time of the call, divided by the number of its messages.
        cost_ms: u128,
        success: bool,
        outcome: CallOutcome,
    },
    /// Its transaction ended (`EndTransaction`).
    Ended {
        broker: String,
        transaction_id: String,
        /// As Java names it (`LocalTransactionState`).
        state: &'static str,
        /// Whether the broker had asked.
        from_check: bool,
    },
}

/// Java's `MessageType`, of which other members are never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum MessageKind {
    Normal = 0,
    Half = 1,
    Committed = 2,
    Delayed = 3,
}

impl MessageKind {
    /// Messages for a time of their own count as normal, as in Java.
    pub(in crate::client) fn of(properties: &Properties) -> Self {
        if properties.get(property::DELAY).is_some() {
            Self::Delayed
        } else if properties.get(property::TRAN_MSG) == Some("true") {
            Self::Half
        } else {
            Self::Normal
        }
    }
}

/// How a listener call ended (`ConsumeReturnType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum CallOutcome {
    Success = 0,
    /// It took `consumeTimeout` or longer, whatever it returned.
    TimedOut = 1,
    /// The listener panicked.
    Exception = 2,
    Failed = 4,
}

impl TraceRecord {
    /// The line of a record of `group`.
    pub(super) fn line(&self, group: &str) -> String {
        let (at, region, message) = (&self.at_ms, &self.region, &self.message);
        let (topic, id) = (&message.topic, &message.id);
        let (tags, keys) = (&message.tags(), &message.keys());
        match &self.event {
            Event::Published {
                broker,
                body_length,
                cost_ms,
                kind,
                offset_message_id,
                success,
            } => joined(&[
                &"Pub",
                at,
                region,
                &group,
                topic,
                id,
                tags,
                keys,
                broker,
                body_length,
                cost_ms,
                &(*kind as u8),
                offset_message_id,
                success,
            ]),
            Event::Consuming { call, retries } => {
                joined(&[&"SubBefore", at, region, &group, call, id, retries, keys])
            }
            Event::Consumed {
                call,
                cost_ms,
                success,
                outcome,
            } => joined(&[
                &"SubAfter",
                call,
                id,
                cost_ms,
                success,
                keys,
                &(*outcome as u8),
                at,
                &group,
            ]),
            Event::Ended {
                broker,
                transaction_id,
                state,
                from_check,
            } => joined(&[
                &"EndTransaction",
                at,
                region,
                &group,
                topic,
                id,
                tags,
                keys,
                broker,
                &(MessageKind::Committed as u8),
                transaction_id,
                state,
                from_check,
            ]),
        }
    }

    /// The bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let TracedMessage { topic, id, .. } = &self.message;
        let texts = [topic.as_str(), id, self.message.tags(), self.message.keys()];
        size_of::<Self>() + texts.map(str::len).iter().sum::<usize>()
    }

    /// The keys by which the record is found: the id of the message, of a batch those of all messages, and
    /// the keys of the message.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let of_message = self.message.keys.iter();
        let of_message = of_message.flat_map(|keys| keys.split_whitespace());
        self.message.id.split(',').chain(of_message)
    }
}

fn joined(fields: &[&dyn Display]) -> String {
    let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
    format!("{}\u{2}", fields.join("\u{1}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn message(id: &str, keys: Option<&str>) -> TracedMessage {
        TracedMessage {
            topic: TopicName::new("order-topic").unwrap(),
            id: id.to_owned(),
            tags: keys.map(|_| "paid".to_owned()),
            keys: keys.map(str::to_owned),
        }
    }

    fn record(message: TracedMessage, event: Event) -> TraceRecord {
        TraceRecord {
            at_ms: 1_700_000_000_123,
            region: "DefaultRegion".to_owned(),
            message,
            event,
        }
    }

    pub(in super::super) fn published(id: &str, keys: Option<&str>) -> TraceRecord {
        let event = Event::Published {
            broker: "127.0.0.1:10911".to_owned(),
            body_length: 12,
            cost_ms: 7,
            kind: MessageKind::Normal,
            offset_message_id: "7F00000100002A9F0000000000000000".to_owned(),
            success: true,
        };
        record(message(id, keys), event)
    }

    fn kind(kind: MessageKind, succeeded: bool) -> TraceRecord {
        let mut record = published("ID", None);
        if let Event::Published {
            kind: own, success, ..
        } = &mut record.event
        {
            (*own, *success) = (kind, succeeded);
        }
        record
    }

    fn consumed(success: bool, outcome: CallOutcome) -> TraceRecord {
        let event = Event::Consumed {
            call: "CALL".to_owned(),
            cost_ms: 7,
            success,
            outcome,
        };
        record(message("ID", Some("order-1 x")), event)
    }

    fn ended(state: &'static str, from_check: bool) -> TraceRecord {
        let event = Event::Ended {
            broker: "127.0.0.1:10911".to_owned(),
            transaction_id: "ID".to_owned(),
            state,
            from_check,
        };
        record(message("ID", Some("order-1 x")), event)
    }

    /// The lines of Apache's `TraceDataEncoder`, recorded by `tests/interop/golden/capture-traces`.
    const JAVA: &str = include_str!("../../../tests/golden/traces-5.3.3.txt");

    #[test]
    fn lines_are_javas() {
        let consuming = |keys, retries| {
            let call = "CALL".to_owned();
            record(message("ID", keys), Event::Consuming { call, retries })
        };
        let ours = [
            published("ID", Some("order-1 x")),
            published("ID", None),
            kind(MessageKind::Half, true),
            kind(MessageKind::Delayed, false),
            consuming(Some("order-1 x"), 0),
            consuming(None, 3),
            consumed(true, CallOutcome::Success),
            consumed(true, CallOutcome::TimedOut),
            consumed(false, CallOutcome::Failed),
            ended("COMMIT_MESSAGE", false),
            ended("ROLLBACK_MESSAGE", false),
            ended("UNKNOW", true),
        ];

        let ours: Vec<String> = ours.iter().map(|record| record.line("shop")).collect();
        let java: Vec<&str> = JAVA.split_inclusive('\u{2}').collect();
        assert_eq!(ours, java);
    }
}
