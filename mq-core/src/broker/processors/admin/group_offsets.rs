//! 43, 45, 303, 308 and 314: the committed offsets of groups, seen as a whole, and copied.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::admit::{Admit, illegal, may_move_offsets, not_saved, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::delay_offsets::DelayOffsets;
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::broker::state::peers::Peers;
use crate::broker::state::topics::Topic;
use crate::clock::Clock;
use crate::message::{GroupName, MessageQueue, QueueOffset};
use crate::remoting::{Incoming, Processor};
use crate::store::{MessageStore, StoreError};
use crate::wire::body::{ConsumeTimeSpans, CorrectionOffsets, QueueTimeSpan};
use crate::wire::header::{
    CloneGroupOffset, GetAllConsumerOffset, GetAllDelayOffset, QueryConsumeTimeSpan,
    QueryCorrectionOffset,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// Shows and copies offsets.
#[derive(Clone, Debug)]
pub(super) struct GroupOffsets {
    admit: Admit,
    offsets: Arc<Offsets>,
    delays: Arc<DelayOffsets>,
    peers: Arc<Peers>,
    store: MessageStore,
    clock: Clock,
}

impl GroupOffsets {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            delays: Arc::clone(&parts.delays),
            peers: Arc::clone(&parts.peers),
            store: parts.store.clone(),
            clock: parts.clock.clone(),
        }
    }

    fn time_span(
        &self,
        topic: &Topic,
        queue: i32,
        group: &str,
    ) -> Result<QueueTimeSpan, StoreError> {
        let name = topic.name.as_str();
        let stored = |offset: i64| match QueueOffset::from_wire(offset) {
            Some(offset) => self.store.store_time(name, queue, offset),
            None => Ok(None),
        };
        let first = self.store.earliest_store_time(name, queue)?.unwrap_or(-1);
        let end = self.store.max_offset(name, queue).to_wire();
        let at = GroupQueue {
            group,
            topic: name,
            queue,
        };
        let committed = self.offsets.committed(at).unwrap_or(0).max(0);
        let consumed = match committed.checked_sub(1) {
            Some(last) if last >= 0 => stored(last)?.unwrap_or(-1),
            _ => first,
        };
        let next = stored(committed)?.filter(|_| committed < end);
        let span = QueueTimeSpan {
            message_queue: MessageQueue::new(
                topic.name.clone(),
                self.admit.identity().name.as_str(),
                queue,
            ),
            min_time_stamp: first,
            max_time_stamp: stored(end - 1)?.unwrap_or(-1),
            consume_time_stamp: consumed,
            delay_time: next.map_or(0, |next| self.clock.now_ms().saturating_sub(next)),
            min_time_stamp_str: String::new(),
            max_time_stamp_str: String::new(),
            consume_time_stamp_str: String::new(),
        };
        Ok(span.with_texts())
    }

    /// The smallest committed offset of each queue, among those that are not behind its first message
    /// (`ConsumerOffsetManager.queryMinOffsetInAllGroup`). Unlike there, the filtered groups keep their
    /// offsets: a question removes nothing.
    fn smallest(&self, topic: &str, filtered: &str) -> BTreeMap<i32, i64> {
        let filtered: Vec<_> = filtered.split(',').map(str::trim).collect();
        let mut smallest = BTreeMap::new();
        for group in self.offsets.groups_of(topic) {
            if filtered.contains(&&*group) {
                continue;
            }
            for (queue, offset) in self.offsets.committed_in(&group, topic) {
                if offset >= self.store.min_offset(topic, queue).to_wire() {
                    let known = smallest.entry(queue).or_insert(offset);
                    *known = offset.min(*known);
                }
            }
        }
        smallest
    }
}

impl Processor<GetAllConsumerOffset> for GroupOffsets {
    async fn process(
        &self,
        _request: Incoming<GetAllConsumerOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(self.offsets.to_body()))
    }
}

impl Processor<GetAllDelayOffset> for GroupOffsets {
    async fn process(
        &self,
        _request: Incoming<GetAllDelayOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(self.delays.to_body()))
    }
}

impl Processor<QueryConsumeTimeSpan> for GroupOffsets {
    async fn process(
        &self,
        request: Incoming<QueryConsumeTimeSpan>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let QueryConsumeTimeSpan { topic, group } = request.header;
        let topic = self.admit.topics.find(&topic).ok_or_else(|| {
            let remark = format!("topic[{topic}] not exist");
            Refusal::new(ResponseCode::TOPIC_NOT_EXIST, remark)
        })?;
        let this = self.clone();
        let spans = self.store.run_blocking(move |_| {
            let queues = 0..topic.config.write_queue_nums;
            queues
                .map(|queue| this.time_span(&topic, queue, &group))
                .collect()
        });
        let body = ConsumeTimeSpans {
            consume_time_span_set: spans.await.map_err(|error| unreadable(&error))?,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<QueryCorrectionOffset> for GroupOffsets {
    async fn process(
        &self,
        request: Incoming<QueryCorrectionOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let filtered = header.filter_groups.as_deref().unwrap_or_default();
        let mut offsets = self.smallest(&header.topic, filtered);
        for (queue, compared) in self
            .offsets
            .committed_in(&header.compare_group, &header.topic)
        {
            let smallest = offsets.entry(queue).or_insert(i64::MAX);
            if *smallest > compared {
                *smallest = i64::MAX;
            }
        }
        let body = CorrectionOffsets {
            correction_offsets: offsets,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<CloneGroupOffset> for GroupOffsets {
    /// A request without a topic copies the offsets of all topics; Apache's broker then copies none.
    async fn process(
        &self,
        request: Incoming<CloneGroupOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let CloneGroupOffset {
            src_group,
            dest_group,
            topic,
            offline,
        } = request.header;
        let target = GroupName::new(dest_group).map_err(|error| illegal(&error))?;
        may_move_offsets(target.as_str())?;
        let topics = match topic.filter(|topic| !topic.trim().is_empty()) {
            Some(topic) => [topic].into(),
            None => self.offsets.topics_of(&src_group),
        };
        for topic in topics {
            let unwanted = !offline && self.peers.does_not_want(&src_group, &topic);
            if unwanted || self.admit.topics.find(&topic).is_none() {
                continue;
            }
            for (queue, offset) in self.offsets.committed_in(&src_group, &topic) {
                let at = GroupQueue {
                    group: target.as_str(),
                    topic: &topic,
                    queue,
                };
                // A commit would have no effect while an earlier reset waits for a member.
                self.offsets.reset(at, offset);
            }
        }
        let saved = self.offsets.save().await;
        saved.map_err(|error| not_saved(&error))?;
        tracing::info!(from = &*src_group, to = %target, "the offsets of a group are copied");
        Ok(Reply::ok(NoFields))
    }
}
