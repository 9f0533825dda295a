//! Offsets of groups and queues: 14, 15 and 29 to 32 (`ConsumerManageProcessor`,
//! `AdminBrokerProcessor`).
//!
//! Invariant: 22 is answered only when no offset is stored; the client then starts where its
//! settings say.

use std::sync::Arc;

use crate::broker::admit::{Admit, may_move_offsets, unreadable};
use crate::broker::parts::Parts;
use crate::broker::processors::beginning::StartOffsets;
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::message::QueueOffset;
use crate::remoting::{Incoming, Processor};
use crate::store::{Boundary, MessageStore};
use crate::wire::header::{
    self, GetEarliestMsgStoreTime, GetMaxOffset, GetMinOffset, OffsetReply, QueryConsumerOffset,
    SearchOffsetByTimestamp, StoreTimeReply, UpdateConsumerOffset,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode};

/// Answers requests about offsets.
#[derive(Clone, Debug)]
pub(in crate::broker) struct OffsetProcessor {
    admit: Admit,
    offsets: Arc<Offsets>,
    store: MessageStore,
    beginnings: Arc<StartOffsets>,
}

impl OffsetProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            store: parts.store.clone(),
            beginnings: Arc::new(StartOffsets::new(
                &parts.store,
                &parts.admit.groups,
                &parts.admit.topics,
            )),
        }
    }
}

fn found(offset: i64) -> Reply<OffsetReply> {
    Reply::ok(OffsetReply { offset })
}

impl Processor<QueryConsumerOffset> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<QueryConsumerOffset>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        let header = &request.header;
        let (group, topic) = (&*header.consumer_group, &*header.topic);
        let at = GroupQueue {
            group,
            topic,
            queue: header.queue_id,
        };
        // Offsets of a deleted topic are kept for the case that it is created again, and not shown
        // before that.
        let topic = self.admit.topics.find(topic);
        if let Some(offset) = topic.and_then(|_exists| self.offsets.told(at)) {
            return Ok(found(offset));
        }
        if header.set_zero_if_not_found.unwrap_or(true) {
            let begins = self.beginnings.is_first_message(at).await;
            if begins.map_err(|error| unreadable(&error))? {
                return Ok(found(0));
            }
        }
        let remark = "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first";
        Err(Refusal::new(ResponseCode::QUERY_NOT_FOUND, remark))
    }
}

impl Processor<UpdateConsumerOffset> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<UpdateConsumerOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = &request.header;
        let (group, topic) = (&*header.consumer_group, &*header.topic);
        let admission = self.admit.admission_for(&request.peer);
        admission.existing_group(group)?;
        may_move_offsets(group)?;
        let queues = admission.existing(topic)?.queues();
        let invalid = |remark: &str| Refusal::new(ResponseCode::INVALID_PARAMETER, remark);
        let queue = header
            .queue_id
            .ok_or_else(|| invalid("the queue id is missing"))?;
        let offset = header
            .commit_offset
            .ok_or_else(|| invalid("the offset is missing"))?;
        // A queue that was taken away may come back, and its messages are read then, too.
        let end = self.store.max_offset(topic, queue);
        let exists = (0..queues).contains(&queue) || end > QueueOffset(0);
        if !exists || offset < 0 {
            return Err(invalid(&format!(
                "there is no offset {offset} in queue {queue} of {topic}"
            )));
        }
        let at = GroupQueue {
            group,
            topic,
            queue,
        };
        self.offsets.commit_up_to(end, at, offset);
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<GetMaxOffset> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<GetMaxOffset>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        let GetMaxOffset {
            topic, queue_id, ..
        } = request.header;
        Ok(found(self.store.max_offset(&topic, queue_id).to_wire()))
    }
}

impl Processor<GetMinOffset> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<GetMinOffset>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        let GetMinOffset { topic, queue_id } = request.header;
        Ok(found(self.store.min_offset(&topic, queue_id).to_wire()))
    }
}

impl Processor<SearchOffsetByTimestamp> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<SearchOffsetByTimestamp>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        let SearchOffsetByTimestamp {
            topic,
            queue_id,
            timestamp,
            boundary_type,
        } = request.header;
        let boundary = match boundary_type {
            header::BoundaryType::Lower => Boundary::Lower,
            header::BoundaryType::Upper => Boundary::Upper,
        };
        let offset = self
            .store
            .run_blocking(move |store| store.offset_by_time(&topic, queue_id, timestamp, boundary))
            .await;
        offset
            .map(QueueOffset::to_wire)
            .map(found)
            .map_err(|error| unreadable(&error))
    }
}

impl Processor<GetEarliestMsgStoreTime> for OffsetProcessor {
    async fn process(
        &self,
        request: Incoming<GetEarliestMsgStoreTime>,
    ) -> Result<Reply<StoreTimeReply>, Refusal> {
        let GetEarliestMsgStoreTime { topic, queue_id } = request.header;
        let time = self
            .store
            .run_blocking(move |store| store.earliest_store_time(&topic, queue_id));
        let timestamp = time
            .await
            .map_err(|error| unreadable(&error))?
            .unwrap_or(-1);
        Ok(Reply::ok(StoreTimeReply { timestamp }))
    }
}
