//! Settings of a lite pull consumer, with the names and defaults of `DefaultLitePullConsumer`.

use std::path::PathBuf;
use std::time::Duration;

use crate::client::consumer::{ConsumerConfig, FlowLimits, StartFrom, Strategy};
use crate::client::trace::TraceSettings;
use crate::message::GroupName;
use crate::wire::body::MessageModel;

/// Settings of a lite pull consumer (`DefaultLitePullConsumer`).
#[derive(Clone, Debug)]
pub struct LitePullConfig {
    /// The consumer group.
    pub group: GroupName,
    /// Whether one member of the group receives a message (clustering), or every member
    /// (broadcasting).
    pub message_model: MessageModel,
    /// Where a group without committed offsets starts (`consumeFromWhere`).
    pub start_from: StartFrom,
    /// How queues are distributed among the members.
    pub strategy: Strategy,
    /// How much of one queue is held before fetching pauses. Messages that were handed over and are
    /// not finished count too, but for their bytes.
    pub flow: FlowLimits,
    /// How many messages of all queues wait to be handed over before fetching pauses
    /// (`pullThresholdForAll`).
    pub max_waiting: usize,
    /// The most messages per pull, and per [`poll`](super::LitePullConsumer::poll) (`pullBatchSize`).
    pub pull_batch_size: u16,
    /// How often offsets are committed (`autoCommitIntervalMillis`); `None`: only by
    /// [`commit`](super::LitePullConsumer::commit) (`autoCommit` is false).
    pub auto_commit: Option<Duration>,
    /// The directory for offsets of broadcasting; `None`: `~/.rocketmq_offsets`
    /// (`rocketmq.client.localOffsetStoreDir`).
    pub offset_directory: Option<PathBuf>,
    /// Has what is handed over recorded in the message trace (`enableMsgTrace`); `None`: not.
    pub trace: Option<TraceSettings>,
}

impl LitePullConfig {
    /// Java's defaults for `group`.
    pub fn new(group: GroupName) -> Self {
        Self {
            group,
            message_model: MessageModel::Clustering,
            start_from: StartFrom::LastOffset,
            strategy: Strategy::Average,
            flow: FlowLimits::default(),
            max_waiting: 10_000,
            pull_batch_size: 10,
            auto_commit: Some(Duration::from_secs(5)),
            offset_directory: None,
            trace: None,
        }
    }

    /// The settings that a lite pull consumer has in common with every other.
    pub(in crate::client) fn in_common(&self) -> ConsumerConfig {
        ConsumerConfig {
            message_model: self.message_model,
            start_from: self.start_from,
            strategy: self.strategy.clone(),
            flow: self.flow,
            pull_batch_size: self.pull_batch_size,
            pull_batch_bytes: i32::MAX.unsigned_abs(),
            offset_directory: self.offset_directory.clone(),
            ..ConsumerConfig::new(self.group.clone())
        }
    }
}

/// Java's defaults for the group.
impl From<GroupName> for LitePullConfig {
    fn from(group: GroupName) -> Self {
        Self::new(group)
    }
}
