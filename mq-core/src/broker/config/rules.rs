//! Limits and permissions of the broker.

use std::time::Duration;

use super::delay_levels::DelayLevels;
use crate::message::TopicName;
use crate::settings::Sheet;
use crate::store::{ReadLimits, TransferLimits};
use crate::wire::frame;

/// Limits and permissions of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether a send may create its topic.
    pub auto_create_topic: bool,
    /// Queues of the template TBW102, from which topics are created.
    pub default_queues: u32,
    /// Whether a consumer may create its group.
    pub auto_create_group: bool,
    /// Bits of Apache's `PermName`: 4 readable, 2 writable.
    pub permission: u32,
    /// The longest message, in bytes.
    pub max_message_size: u32,
    /// The delays of delayed messages and retries.
    pub delay_levels: DelayLevels,
    /// The rules of messages for a time of their own; `None`: they are refused.
    pub timers: Option<TimerRules>,
    /// The rules of transactions.
    pub transactions: TransactionRules,
    /// The rules of filters.
    pub filters: FilterRules,
    /// The rules of message traces.
    pub traces: TraceRules,
    /// Whether replies are stored once they are pushed.
    pub store_replies: bool,
    /// The interval of writing consumer offsets to disk.
    pub save_offsets_every: Duration,
    /// The limits of one pull response.
    pub transfer: TransferLimits,
}

/// What subscriptions may select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterRules {
    /// Whether by conditions over properties (SQL92).
    pub conditions: bool,
    /// Whether a retry topic to which a group subscribes by a condition is filtered by the conditions of
    /// the topics from which its messages come.
    pub retry_topics: bool,
}

/// What clients are told about message traces, and where these are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRules {
    /// The topic, which exists from the start; `None`: traces are stored as other messages are, in a topic
    /// that is created or not.
    pub topic: Option<TopicName>,
    /// Whether clients may trace the messages of this broker.
    pub wanted: bool,
}

/// When producers are asked how their transactions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionRules {
    /// Whether half messages are refused.
    pub rejected: bool,
    /// The first time, so long after the half message was stored, unless it says otherwise itself.
    pub check_after: Duration,
    /// The time between two checks.
    pub check_interval: Duration,
    /// After so many checks without an end, the message is set aside.
    pub most_checks: u32,
}

/// Which messages may have a time of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerRules {
    /// How far ahead the time may lie.
    pub longest: Duration,
    /// Whether a message that waits can be called back.
    pub recall: bool,
}

pub(super) fn read(sheet: &mut Sheet) -> Rules {
    /// The limit of Apache's commit log.
    const MAX_MESSAGE_SIZE: u32 = 512 * 1024 * 1024;
    /// The most consume-queue entries that are read at once.
    const MAX_PULLED: usize = 65_536;
    /// A response and its header must fit into a frame.
    const MAX_RESPONSE_SIZE: usize = frame::DEFAULT_LIMIT - 64 * 1024;
    const DAY_MS: u64 = 86_400_000;

    Rules {
        auto_create_topic: sheet.truth("autoCreateTopicEnable"),
        default_queues: sheet.number("defaultTopicQueueNums", &(1..=65_536)),
        auto_create_group: sheet.truth("autoCreateSubscriptionGroup"),
        permission: sheet.checked("brokerPermission", |text| match text.parse() {
            Ok(bits @ (2 | 4 | 6)) => Ok(bits),
            _ => Err(format!(
                "is `{text}`, expected 6 (read and write), 4 (read) or 2 (write)"
            )),
        }),
        max_message_size: sheet.number("maxMessageSize", &(1..=MAX_MESSAGE_SIZE)),
        delay_levels: sheet.checked("messageDelayLevel", str::parse),
        timers: timers(sheet),
        transactions: TransactionRules {
            rejected: sheet.truth("rejectTransactionMessage"),
            check_after: sheet.milliseconds("transactionTimeOut", 1, DAY_MS),
            check_interval: sheet.milliseconds("transactionCheckInterval", 10, DAY_MS),
            most_checks: sheet.number("transactionCheckMax", &(1..=1_000)),
        },
        filters: FilterRules {
            conditions: sheet.truth("enablePropertyFilter"),
            retry_topics: sheet.truth("filterSupportRetry"),
        },
        traces: traces(sheet),
        store_replies: sheet.truth("storeReplyMessageEnable"),
        save_offsets_every: sheet.milliseconds("flushConsumerOffsetInterval", 100, 3_600_000),
        transfer: TransferLimits {
            in_memory: ReadLimits {
                messages: sheet.number("maxTransferCountOnMessageInMemory", &(1..=MAX_PULLED)),
                bytes: sheet.number(
                    "maxTransferBytesOnMessageInMemory",
                    &(1..=MAX_RESPONSE_SIZE),
                ),
            },
            on_disk: ReadLimits {
                messages: sheet.number("maxTransferCountOnMessageInDisk", &(1..=MAX_PULLED)),
                bytes: sheet.number("maxTransferBytesOnMessageInDisk", &(1..=MAX_RESPONSE_SIZE)),
            },
        },
    }
}

fn traces(sheet: &mut Sheet) -> TraceRules {
    let topic = sheet.checked("msgTraceTopicName", |name| TopicName::new(name.to_owned()));
    let enabled = sheet.truth("traceTopicEnable");
    TraceRules {
        topic: enabled.then_some(topic),
        wanted: sheet.truth("traceOn"),
    }
}

fn timers(sheet: &mut Sheet) -> Option<TimerRules> {
    /// Ten years.
    const MAX_SECONDS: u64 = 315_360_000;

    let seconds = sheet.number("timerMaxDelaySec", &(1..=MAX_SECONDS));
    let enabled = sheet.truth("timerWheelEnable");
    let rules = TimerRules {
        longest: Duration::from_secs(seconds),
        recall: sheet.truth("recallMessageEnable"),
    };
    enabled.then_some(rules)
}
