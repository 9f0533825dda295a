//! The keys of the attribute as data: messages, checks and expansion all read this one list.

use std::ops::RangeInclusive;

use super::choices::{CONSUME_MODE, Choice, MESSAGE_MODEL, SELECTOR_TYPE};

/// One key of the attribute.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Other spellings, the camel case of `name` apart.
    aliases: &'static [&'static str],
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// A value as people write it, for messages.
    pub(super) example: &'static str,
}

/// What a key takes.
pub(super) enum Kind {
    Topic,
    Group,
    Expression,
    Choice(&'static Choice),
    Number(RangeInclusive<i64>),
    Truth,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "topic",
        aliases: &[],
        kind: Kind::Topic,
        required: true,
        example: "\"order-topic\"",
    },
    Key {
        name: "consumer_group",
        aliases: &["group"],
        kind: Kind::Group,
        required: true,
        example: "\"shop\"",
    },
    Key {
        name: "selector_type",
        aliases: &[],
        kind: Kind::Choice(&SELECTOR_TYPE),
        required: false,
        example: "SelectorType::Tag",
    },
    Key {
        name: "selector_expression",
        aliases: &[],
        kind: Kind::Expression,
        required: false,
        example: "\"created || paid\"",
    },
    Key {
        name: "consume_mode",
        aliases: &[],
        kind: Kind::Choice(&CONSUME_MODE),
        required: false,
        example: "ConsumeMode::Orderly",
    },
    Key {
        name: "message_model",
        aliases: &[],
        kind: Kind::Choice(&MESSAGE_MODEL),
        required: false,
        example: "MessageModel::Clustering",
    },
    Key {
        name: "consume_thread_number",
        aliases: &[],
        kind: Kind::Number(1..=1000),
        required: false,
        example: "20",
    },
    Key {
        name: "max_reconsume_times",
        aliases: &[],
        kind: Kind::Number(-1..=i32::MAX as i64),
        required: false,
        example: "16",
    },
    Key {
        name: "blocking",
        aliases: &[],
        kind: Kind::Truth,
        required: false,
        example: "true",
    },
];

/// A further attribute of Java's `@RocketMQMessageListener`, which may still say what is so anyway.
pub(super) struct NotBuilt {
    pub(super) name: &'static str,
    /// What is so instead.
    pub(super) reason: &'static str,
    /// The value that may be written, when one makes sense.
    pub(super) neutral: Option<&'static str>,
}

const EMPTY: Option<&str> = Some("\"\"");
const FALSE: Option<&str> = Some("false");

const fn not(name: &'static str, reason: &'static str, neutral: Option<&'static str>) -> NotBuilt {
    NotBuilt {
        name,
        reason,
        neutral,
    }
}

const SIGNED: &str = "requests are not signed";
const TRACED: &str = "no messages are traced";
const PREFIX: &str = "write the namespace as a prefix into topics and groups";

const NOT_BUILT: &[NotBuilt] = &[
    not("access_channel", "there is LOCAL alone", EMPTY),
    not("access_key", SIGNED, EMPTY),
    not(
        "await_termination_millis_when_shutdown",
        "set `rocketmq.shutdown-timeout` for the whole program",
        None,
    ),
    not(
        "consume_from_where",
        "where a new group begins cannot be chosen",
        None,
    ),
    not(
        "consume_message_batch_max_size",
        "a listener takes one message at a time",
        None,
    ),
    not(
        "consume_thread_max",
        "`consume_thread_number` is the maximum",
        None,
    ),
    not(
        "consume_timeout",
        "every listener has 15 minutes for a message",
        None,
    ),
    not("customized_trace_topic", TRACED, EMPTY),
    not(
        "delay_level_when_next_consume",
        "the delay grows with each attempt; for another, return `ConsumeError::retry_after`",
        None,
    ),
    not("enable_msg_trace", TRACED, FALSE),
    not(
        "instance_name",
        "set `rocketmq.producer.instance-name` for the whole program",
        EMPTY,
    ),
    not(
        "name_server",
        "all listeners use `rocketmq.name-server`",
        EMPTY,
    ),
    not("namespace", PREFIX, EMPTY),
    not("namespace_v2", PREFIX, EMPTY),
    not("pull_batch_size", "a pull brings at most 32 messages", None),
    not(
        "pull_interval",
        "one pull follows the other without a pause",
        None,
    ),
    not("reply_timeout", "a listener sends no replies", None),
    not("secret_key", SIGNED, EMPTY),
    not(
        "suspend_current_queue_time_millis",
        "the pause is 1 s; for another, return `ConsumeError::retry_after`",
        None,
    ),
    not("tls_enable", "connections are not encrypted", FALSE),
];

/// Java's attribute of this name that is not a key yet, in any spelling.
pub(super) fn not_built(written: &str) -> Option<&'static NotBuilt> {
    let name = snake_case(written);
    NOT_BUILT.iter().find(|known| known.name == name)
}

impl Key {
    /// The key that `written` names, in snake case, in Java's camel case or by an alias.
    pub(super) fn named(written: &str) -> Option<&'static Self> {
        let name = snake_case(written);
        KEYS.iter()
            .find(|key| key.name == name || key.aliases.contains(&name.as_str()))
    }

    /// The key that a misspelt `written` was probably meant to be.
    pub(super) fn nearest(written: &str) -> Option<&'static Self> {
        let names = KEYS
            .iter()
            .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
        crate::diagnostics::nearest(&snake_case(written), names).and_then(Self::named)
    }

    /// Every name, for a message.
    pub(super) fn all() -> String {
        let names: Vec<_> = KEYS.iter().map(|key| format!("`{}`", key.name)).collect();
        names.join(", ")
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            if !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}
