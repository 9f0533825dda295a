//! The keys of the attribute.

use std::ops::RangeInclusive;

use super::choices::{
    CONSUME_FROM_WHERE, CONSUME_MODE, Choice, MESSAGE_MODEL, ON_DECODE_ERROR, SELECTOR_TYPE,
};
use super::spelling::snake_case;

/// One key of the attribute.
#[derive(Debug)]
pub struct AttributeKey {
    /// In snake case.
    pub name: &'static str,
    /// Other spellings, the camel case of `name` apart.
    pub aliases: &'static [&'static str],
    /// The kind of value that it takes.
    pub kind: Kind,
    /// Whether every attribute has it; such a key names the listener and cannot be set elsewhere.
    pub required: bool,
    /// A value as people write it, for messages.
    pub example: &'static str,
}

/// The kind of value that a key takes.
#[derive(Debug)]
pub enum Kind {
    /// The name of a topic.
    Topic,
    /// The name of a group.
    Group,
    /// Tags or a condition.
    Expression,
    /// A member of an enum.
    Choice(&'static Choice),
    /// A number within a range.
    Number(RangeInclusive<i64>),
    /// A time, `yyyyMMddHHmmss`.
    Time,
    /// Any text.
    Text,
    /// True or false.
    Truth,
}

/// Every key.
pub const KEYS: &[AttributeKey] = &[
    AttributeKey {
        name: "topic",
        aliases: &[],
        kind: Kind::Topic,
        required: true,
        example: "\"order-topic\"",
    },
    AttributeKey {
        name: "consumer_group",
        aliases: &["group"],
        kind: Kind::Group,
        required: true,
        example: "\"shop\"",
    },
    AttributeKey {
        name: "selector_type",
        aliases: &[],
        kind: Kind::Choice(&SELECTOR_TYPE),
        required: false,
        example: "SelectorType::Tag",
    },
    AttributeKey {
        name: "selector_expression",
        aliases: &[],
        kind: Kind::Expression,
        required: false,
        example: "\"created || paid\"",
    },
    AttributeKey {
        name: "consume_mode",
        aliases: &[],
        kind: Kind::Choice(&CONSUME_MODE),
        required: false,
        example: "ConsumeMode::Orderly",
    },
    AttributeKey {
        name: "message_model",
        aliases: &[],
        kind: Kind::Choice(&MESSAGE_MODEL),
        required: false,
        example: "MessageModel::Clustering",
    },
    AttributeKey {
        name: "consume_from_where",
        aliases: &[],
        kind: Kind::Choice(&CONSUME_FROM_WHERE),
        required: false,
        example: "ConsumeFromWhere::FirstOffset",
    },
    AttributeKey {
        name: "consume_timestamp",
        aliases: &[],
        kind: Kind::Time,
        required: false,
        example: "\"20260131235959\"",
    },
    AttributeKey {
        name: "consume_thread_number",
        aliases: &[],
        kind: Kind::Number(1..=1000),
        required: false,
        example: "20",
    },
    AttributeKey {
        name: "consume_message_batch_max_size",
        aliases: &[],
        kind: Kind::Number(1..=1024),
        required: false,
        example: "32",
    },
    AttributeKey {
        name: "max_reconsume_times",
        aliases: &[],
        kind: Kind::Number(-1..=i32::MAX as i64),
        required: false,
        example: "16",
    },
    AttributeKey {
        name: "delay_level_when_next_consume",
        aliases: &[],
        kind: Kind::Number(-1..=18),
        required: false,
        example: "3",
    },
    AttributeKey {
        name: "suspend_current_queue_time_millis",
        aliases: &[],
        kind: Kind::Number(10..=30_000),
        required: false,
        example: "1000",
    },
    AttributeKey {
        name: "consume_timeout",
        aliases: &[],
        kind: Kind::Number(1..=i32::MAX as i64),
        required: false,
        example: "15",
    },
    AttributeKey {
        name: "pull_interval",
        aliases: &[],
        kind: Kind::Number(0..=65_535),
        required: false,
        example: "0",
    },
    AttributeKey {
        name: "pull_batch_size",
        aliases: &[],
        kind: Kind::Number(1..=1024),
        required: false,
        example: "32",
    },
    AttributeKey {
        name: "pull_threshold_for_queue",
        aliases: &[],
        kind: Kind::Number(1..=65_535),
        required: false,
        example: "1000",
    },
    AttributeKey {
        name: "pull_threshold_size_for_queue",
        aliases: &[],
        kind: Kind::Number(1..=1024),
        required: false,
        example: "100",
    },
    AttributeKey {
        name: "pull_threshold_for_topic",
        aliases: &[],
        kind: Kind::Number(1..=6_553_500),
        required: false,
        example: "4000",
    },
    AttributeKey {
        name: "pull_threshold_size_for_topic",
        aliases: &[],
        kind: Kind::Number(1..=102_400),
        required: false,
        example: "400",
    },
    AttributeKey {
        name: "consume_concurrently_max_span",
        aliases: &[],
        kind: Kind::Number(1..=65_535),
        required: false,
        example: "2000",
    },
    AttributeKey {
        name: "await_termination_millis_when_shutdown",
        aliases: &[],
        kind: Kind::Number(0..=i32::MAX as i64),
        required: false,
        example: "1000",
    },
    AttributeKey {
        name: "instance_name",
        aliases: &[],
        kind: Kind::Text,
        required: false,
        example: "\"orders\"",
    },
    AttributeKey {
        name: "enable_msg_trace",
        aliases: &[],
        kind: Kind::Truth,
        required: false,
        example: "true",
    },
    AttributeKey {
        name: "customized_trace_topic",
        aliases: &[],
        kind: Kind::Topic,
        required: false,
        example: "\"my-traces\"",
    },
    AttributeKey {
        name: "on_decode_error",
        aliases: &[],
        kind: Kind::Choice(&ON_DECODE_ERROR),
        required: false,
        example: "OnDecodeError::DeadLetter",
    },
    AttributeKey {
        name: "reply_timeout",
        aliases: &[],
        kind: Kind::Number(1..=i32::MAX as i64),
        required: false,
        example: "3000",
    },
    AttributeKey {
        name: "blocking",
        aliases: &[],
        kind: Kind::Truth,
        required: false,
        example: "true",
    },
];

impl AttributeKey {
    /// The key that `written` names, in snake case, in Java's camel case or by an alias.
    pub fn named(written: &str) -> Option<&'static Self> {
        let name = snake_case(written);
        KEYS.iter()
            .find(|key| key.name == name || key.aliases.contains(&name.as_str()))
    }

    /// What the numbers of the key count, for messages: `number of milliseconds`.
    pub fn noun(&self) -> String {
        let unit = match self.name {
            "suspend_current_queue_time_millis"
            | "await_termination_millis_when_shutdown"
            | "pull_interval"
            | "reply_timeout" => "milliseconds",
            "consume_timeout" => "minutes",
            "pull_threshold_size_for_queue" | "pull_threshold_size_for_topic" => "MiB",
            _ => return "number".to_owned(),
        };
        format!("number of {unit}")
    }

    /// The numbers that the key takes, when it takes numbers.
    pub fn range(&self) -> Option<RangeInclusive<i64>> {
        match &self.kind {
            Kind::Number(range) => Some(range.clone()),
            _ => None,
        }
    }
}
