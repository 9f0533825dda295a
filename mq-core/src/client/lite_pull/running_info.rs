//! What a running lite pull consumer says of itself to administrators (`DefaultLitePullConsumerImpl`,
//! `consumerRunningInfo`).

use super::buffer::QueueFigures;
use super::core::Core;
use crate::client::consumer::running_info::{MIB, of_any, small};
use crate::wire::body::{ConsumeType, ConsumerRunningInfo, ProcessQueueInfo};

pub(super) fn of(core: &Core) -> ConsumerRunningInfo {
    let queues = core.buffer.figures().into_iter();
    let topics = &core.subscribed().topics;
    ConsumerRunningInfo {
        mq_table: queues
            .map(|(queue, figures)| (queue, info(figures)))
            .collect(),
        ..of_any(ConsumeType::ConsumeActively, core.started_ms, topics)
    }
}

fn info(figures: QueueFigures) -> ProcessQueueInfo {
    let (first, last) = figures.waiting_offsets.unwrap_or_default();
    ProcessQueueInfo {
        cached_msg_count: small(figures.waiting),
        cached_msg_min_offset: first.to_wire(),
        cached_msg_max_offset: last.to_wire(),
        cached_msg_size_in_mib: small(figures.bytes / MIB),
        commit_offset: figures.position.to_wire(),
        ..ProcessQueueInfo::default()
    }
}
