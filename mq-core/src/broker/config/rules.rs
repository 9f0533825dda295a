//! What the broker takes, and what one answer of it carries.

use std::time::Duration;

use super::delay_levels::DelayLevels;
use crate::settings::Sheet;
use crate::store::{ReadLimits, TransferLimits};
use crate::wire::frame;

/// What the broker takes.
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
    /// How long a message is held back on its way to another attempt.
    pub delay_levels: DelayLevels,
    /// How often consumer offsets are written to disk.
    pub save_offsets_every: Duration,
    /// How much one answer to a pull carries.
    pub transfer: TransferLimits,
}

pub(super) fn read(sheet: &mut Sheet) -> Rules {
    /// Apache's commit log cannot take more.
    const LONGEST: u32 = 512 * 1024 * 1024;
    /// So many entries of a queue are looked at in one go.
    const MOST_PULLED: usize = 65_536;
    /// An answer and its header must fit into a frame.
    const LONGEST_ANSWER: usize = frame::DEFAULT_LIMIT - 64 * 1024;

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
        max_message_size: sheet.number("maxMessageSize", &(1..=LONGEST)),
        delay_levels: sheet.checked("messageDelayLevel", str::parse),
        save_offsets_every: sheet.milliseconds("flushConsumerOffsetInterval", 100, 3_600_000),
        transfer: TransferLimits {
            in_memory: ReadLimits {
                messages: sheet.number("maxTransferCountOnMessageInMemory", &(1..=MOST_PULLED)),
                bytes: sheet.number("maxTransferBytesOnMessageInMemory", &(1..=LONGEST_ANSWER)),
            },
            on_disk: ReadLimits {
                messages: sheet.number("maxTransferCountOnMessageInDisk", &(1..=MOST_PULLED)),
                bytes: sheet.number("maxTransferBytesOnMessageInDisk", &(1..=LONGEST_ANSWER)),
            },
        },
    }
}
