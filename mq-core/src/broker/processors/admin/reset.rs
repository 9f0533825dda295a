//! 222: reset the offsets of a group (`AdminBrokerProcessor.resetOffsetInner`, the server side).
//!
//! Invariant: either all requested queues are reset, or none.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::admit::{Admit, may_move_offsets, not_saved, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::broker::state::topics::Topic;
use crate::broker::state::waiting::WaitingPulls;
use crate::message::{MessageQueue, QueueOffset};
use crate::remoting::{Incoming, Processor};
use crate::store::{Boundary, MessageStore};
use crate::wire::body::ResetOffsetBody;
use crate::wire::header::InvokeBrokerToResetOffset;
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// Resets offsets.
#[derive(Clone, Debug)]
pub(super) struct Reset {
    admit: Admit,
    offsets: Arc<Offsets>,
    store: MessageStore,
    waiting: Arc<WaitingPulls>,
}

impl Reset {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            store: parts.store.clone(),
            waiting: Arc::clone(&parts.waiting),
        }
    }

    /// The offset that a queue is reset to.
    async fn target(
        &self,
        topic: &Topic,
        queue: i32,
        request: &InvokeBrokerToResetOffset,
    ) -> Result<i64, Refusal> {
        let name = topic.name.as_str();
        let (min, max) = (
            self.store.min_offset(name, queue),
            self.store.max_offset(name, queue),
        );
        let chosen = request.offset.and_then(QueueOffset::from_wire);
        if let Some(offset) = chosen.filter(|_| request.queue_id.is_some_and(|id| id >= 0)) {
            if offset < min || offset > max.plus(1) {
                let remark = format!("the offset {offset} is not between {min} and {max}");
                return Err(Refusal::system(remark));
            }
            // One beyond the end is taken, as by Apache's, and is the end.
            return Ok(offset.min(max).to_wire());
        }
        if request.timestamp < 0 {
            return Ok(max.to_wire());
        }
        let (topic, time_ms) = (topic.name.clone(), request.timestamp);
        let offset = self.store.run_blocking(move |store| {
            store.offset_by_time(topic.as_str(), queue, time_ms, Boundary::Lower)
        });
        let offset = offset.await.map_err(|error| unreadable(&error))?.to_wire();
        let at = GroupQueue {
            group: &request.group,
            topic: name,
            queue,
        };
        // Only with `force` is an offset moved back.
        let known = self.offsets.committed(at).filter(|_| !request.is_force);
        Ok(known.map_or(offset, |known| known.max(offset)))
    }
}

impl Processor<InvokeBrokerToResetOffset> for Reset {
    async fn process(
        &self,
        request: Incoming<InvokeBrokerToResetOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let admission = self.admit.admission_for(&request.peer);
        let topic = admission.existing(&request.header.topic)?;
        let group = admission.existing_group(&request.header.group)?;
        may_move_offsets(group.name.as_str())?;
        let request = request.header;
        let queues = match request.queue_id {
            // Apache's broker takes any, and keeps an offset for each for good.
            Some(queue) if queue >= topic.config.read_queue_nums => {
                let remark = format!("the topic {} has no queue {queue}", topic.name);
                return Err(Refusal::new(ResponseCode::INVALID_PARAMETER, remark));
            }
            Some(queue) if queue >= 0 => queue..queue.saturating_add(1),
            _ => 0..topic.config.read_queue_nums,
        };
        let mut offset_table = BTreeMap::new();
        for queue in queues {
            let target = self.target(&topic, queue, &request).await?;
            let broker = self.admit.identity().name.as_str();
            offset_table.insert(MessageQueue::new(topic.name.clone(), broker, queue), target);
        }
        for (queue, offset) in &offset_table {
            let (group, topic) = (group.name.as_str(), topic.name.as_str());
            self.offsets.reset(
                GroupQueue {
                    group,
                    topic,
                    queue: queue.id,
                },
                *offset,
            );
        }
        // Members learn of it by their pulls, also by those that wait.
        self.waiting.wake(&topic.name);
        let saved = self.offsets.save().await;
        saved.map_err(|error| not_saved(&error))?;
        tracing::info!(group = %group.name, topic = %topic.name, "offsets are reset");
        let body = fastjson::write(&ResetOffsetBody { offset_table });
        Ok(Reply::ok(NoFields).with_body(body))
    }
}
