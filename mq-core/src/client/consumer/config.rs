//! Settings of a consumer, with the names and defaults of `DefaultMQPushConsumer`.

use std::path::PathBuf;
use std::time::Duration;

use super::flow::{FlowLimits, TopicFlow};
use super::rebalance::Strategy;
use crate::client::trace::TraceSettings;
use crate::message::GroupName;
use crate::wire::body::MessageModel;

/// Where a group without committed offsets starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartFrom {
    /// After the last message (`CONSUME_FROM_LAST_OFFSET`). The broker makes an exception: a queue
    /// whose first message is still young is read from its beginning.
    #[default]
    LastOffset,
    /// At the first message (`CONSUME_FROM_FIRST_OFFSET`).
    FirstOffset,
    /// At this time, ms since 1970 (`CONSUME_FROM_TIMESTAMP`).
    Timestamp(i64),
}

/// Settings of a consumer (`DefaultMQPushConsumer`).
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// The consumer group.
    pub group: GroupName,
    /// Whether one member of the group receives a message (clustering), or every member
    /// (broadcasting).
    pub message_model: MessageModel,
    /// Where a group without committed offsets starts (`consumeFromWhere`).
    pub start_from: StartFrom,
    /// The most concurrent listener calls (`consumeThreadMax`).
    pub consume_threads: u16,
    /// The most messages per listener call (`consumeMessageBatchMaxSize`). A concurrent listener gets at
    /// most what one pull brings, see [`pull_batch_size`](Self::pull_batch_size).
    pub consume_batch_size: u16,
    /// Retries after the first attempt (`maxReconsumeTimes`). `None`: 16, or unlimited for an
    /// orderly listener.
    pub max_reconsume_times: Option<u32>,
    /// Timeout of a listener call (`consumeTimeout`): the message is delivered again, to this
    /// member or another, and the outcome of the first call is ignored, although it keeps running.
    /// Not for orderly listeners.
    pub consume_timeout: Duration,
    /// How long a suspended ordered queue pauses (`suspendCurrentQueueTimeMillis`).
    pub suspend: Duration,
    /// How queues are distributed among the members (`allocateMessageQueueStrategy`).
    pub strategy: Strategy,
    /// How much of one queue is held before pulling pauses.
    pub flow: FlowLimits,
    /// How much of all queues of a topic that this member has is held before pulling pauses; takes the
    /// place of what `flow` says of one queue.
    pub topic_flow: TopicFlow,
    /// The most messages per pull (`pullBatchSize`). The broker has a limit too: 32 by default
    /// (`maxTransferCountOnMessageInMemory`).
    pub pull_batch_size: u16,
    /// The approximate size of a pull in bytes (`pullBatchSizeInBytes`).
    pub pull_batch_bytes: u32,
    /// Delay between two pulls that return messages (`pullInterval`).
    pub pull_interval: Duration,
    /// The directory for offsets of broadcasting; `None`: `~/.rocketmq_offsets`
    /// (`rocketmq.client.localOffsetStoreDir`).
    pub offset_directory: Option<PathBuf>,
    /// Has listener calls recorded in the message trace (`enableMsgTrace`); `None`: not.
    pub trace: Option<TraceSettings>,
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
            topic_flow: TopicFlow::default(),
            pull_batch_size: 32,
            pull_batch_bytes: 256 * 1024,
            pull_interval: Duration::ZERO,
            offset_directory: None,
            trace: None,
        }
    }

    /// Retries after the first attempt: the setting, or else 16, or unlimited for an orderly
    /// listener. A message that fails after the last retry becomes a dead letter.
    pub fn allowed_retries(&self, in_order: bool) -> i32 {
        let unless_set = if in_order { i32::MAX } else { 16 };
        let set = self.max_reconsume_times.map(i32::try_from);
        set.map_or(unless_set, |set| set.unwrap_or(i32::MAX))
    }
}

/// Java's defaults for the group.
impl From<GroupName> for ConsumerConfig {
    fn from(group: GroupName) -> Self {
        Self::new(group)
    }
}
