//! What a consumer can be told, with the names and defaults of `DefaultMQPushConsumer`.

use std::path::PathBuf;
use std::time::Duration;

use super::process_queue::FlowLimits;
use super::rebalance::Strategy;
use crate::message::GroupName;
use crate::wire::body::MessageModel;

/// Where a group without offsets starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartFrom {
    /// Behind the last message (`CONSUME_FROM_LAST_OFFSET`), except that a queue whose first
    /// message is still young is read from its beginning: the broker decides so.
    #[default]
    LastOffset,
    /// At the first message (`CONSUME_FROM_FIRST_OFFSET`).
    FirstOffset,
    /// At this time, ms since 1970 (`CONSUME_FROM_TIMESTAMP`).
    Timestamp(i64),
}

/// How messages are received (`DefaultMQPushConsumer`).
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// The consumer group.
    pub group: GroupName,
    /// One member gets a message, or every member.
    pub message_model: MessageModel,
    /// Where a group without offsets starts (`consumeFromWhere`).
    pub start_from: StartFrom,
    /// So many calls of the listener at a time (`consumeThreadMax`).
    pub consume_threads: u16,
    /// A call of the listener gets at most so many messages (`consumeMessageBatchMaxSize`).
    pub consume_batch_size: u16,
    /// Attempts after the first one; `None`: 16, in order without end (`maxReconsumeTimes`).
    pub max_reconsume_times: Option<u32>,
    /// A message that a listener has had for so long, counted from the begin of the call, is handed
    /// over again, to this member or another, while the first call goes on; the outcome of that call
    /// no longer counts (`consumeTimeout`). In order there is no such limit.
    pub consume_timeout: Duration,
    /// Pause of a suspended ordered queue (`suspendCurrentQueueTimeMillis`).
    pub suspend: Duration,
    /// How queues are shared among the members (`allocateMessageQueueStrategy`).
    pub strategy: Strategy,
    /// What is held of one queue at a time.
    pub flow: FlowLimits,
    /// A pull brings at most so many messages (`pullBatchSize`), and never more than the broker
    /// gives: 32 by default (`maxTransferCountOnMessageInMemory`).
    pub pull_batch_size: u16,
    /// A pull brings about so many bytes (`pullBatchSizeInBytes`).
    pub pull_batch_bytes: u32,
    /// Pause between two pulls that bring messages (`pullInterval`).
    pub pull_interval: Duration,
    /// Where offsets of broadcasting are kept; `None`: `~/.rocketmq_offsets`
    /// (`rocketmq.client.localOffsetStoreDir`).
    pub offset_directory: Option<PathBuf>,
}

impl ConsumerConfig {
    /// Java's defaults for `group`.
    pub fn new(group: GroupName) -> Self {
        Self {
            group,
            message_model: MessageModel::Clustering,
            start_from: StartFrom::LastOffset,
            consume_threads: 20,
            consume_batch_size: 1,
            max_reconsume_times: None,
            consume_timeout: Duration::from_mins(15),
            suspend: Duration::from_secs(1),
            strategy: Strategy::Average,
            flow: FlowLimits::default(),
            pull_batch_size: 32,
            pull_batch_bytes: 256 * 1024,
            pull_interval: Duration::ZERO,
            offset_directory: None,
        }
    }

    /// Attempts after the first one: what is set, else 16, in order without end. A message that
    /// fails once more is a dead letter.
    pub fn allowed_retries(&self, in_order: bool) -> i32 {
        let unless_set = if in_order { i32::MAX } else { 16 };
        let set = self.max_reconsume_times.map(i32::try_from);
        set.map_or(unless_set, |set| set.unwrap_or(i32::MAX))
    }
}
