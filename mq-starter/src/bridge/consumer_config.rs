//! The settings of a group's consumer, for the client.

use std::path::PathBuf;

use mq_core::client::{self, ConsumerConfig};
use mq_core::clock::Clock;

use crate::config::MessageTrace;
use crate::listener::{MessageModel, PlannedConsumer};

/// What the settings say for the consumers of all groups.
#[derive(Clone, Debug, Default)]
pub(super) struct ConsumerDefaults {
    /// Where offsets of broadcasting are kept.
    pub(super) offset_directory: Option<PathBuf>,
    /// Whether they are traced.
    pub(super) trace: MessageTrace,
}

/// The settings of the planned consumer; what neither its listeners nor `defaults` say is the client's.
pub(super) fn of(
    planned: &PlannedConsumer,
    defaults: &ConsumerDefaults,
    clock: &Clock,
) -> ConsumerConfig {
    let mut config = ConsumerConfig::new(planned.group.clone());
    config.message_model = match planned.model {
        MessageModel::Clustering => client::MessageModel::Clustering,
        MessageModel::Broadcasting => client::MessageModel::Broadcasting,
    };
    config.start_from = planned.start.resolve(clock);
    config.consume_threads = planned.threads;
    config.consume_batch_size = planned.batch_size;
    config.max_reconsume_times = planned.max_reconsume_times;
    if let Some(suspend) = planned.suspend {
        config.suspend = suspend;
    }
    if let Some(timeout) = planned.times.timeout() {
        config.consume_timeout = timeout;
    }
    planned.pulling.apply(&mut config);
    config.trace = planned.trace.over(&defaults.trace);
    config
        .offset_directory
        .clone_from(&defaults.offset_directory);
    config
}
