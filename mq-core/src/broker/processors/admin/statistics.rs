//! 202 and 208: the offsets of a topic's queues, and the progress of a group in them.
//!
//! Invariant: every time shown is the store time of an existing message.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use crate::broker::admit::{Admit, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::{DeliveryStatistics, SpanCount};
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::broker::state::peers::Peers;
use crate::broker::state::topics::Topic;
use crate::clock::Clock;
use crate::message::{MessageQueue, QueueOffset};
use crate::remoting::{Incoming, Processor};
use crate::store::{Boundary, MessageStore, StoreError};
use crate::wire::body::{ConsumeStats, OffsetWrapper, TopicOffset, TopicStatsTable};
use crate::wire::header::{GetConsumeStats, GetTopicStatsInfo};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// The time over which rates are computed (`getStatsDataInMinute`).
const RATE_SPAN: Duration = Duration::from_mins(1);

/// Reports statistics of topics and groups.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
    admit: Admit,
    offsets: Arc<Offsets>,
    peers: Arc<Peers>,
    deliveries: Arc<DeliveryStatistics>,
    store: MessageStore,
    clock: Clock,
}

impl Statistics {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            peers: Arc::clone(&parts.peers),
            deliveries: Arc::clone(&parts.deliveries),
            store: parts.store.clone(),
            clock: parts.clock.clone(),
        }
    }

    pub(super) fn queue(&self, topic: &Topic, queue: i32) -> MessageQueue {
        let broker = self.admit.identity().name.as_str();
        MessageQueue::new(topic.name.clone(), broker, queue)
    }

    fn of_topic(&self, topic: &Topic) -> Result<TopicStatsTable, StoreError> {
        let name = topic.name.as_str();
        let mut table = TopicStatsTable::default();
        for queue in 0..topic.queues() {
            let min = self.store.min_offset(name, queue);
            let max = self.store.max_offset(name, queue);
            let last = match max.0.checked_sub(1) {
                Some(last) => self
                    .store
                    .store_time(name, queue, QueueOffset(last))?
                    .unwrap_or(-1),
                None => 0,
            };
            let offsets = TopicOffset {
                last_update_timestamp: last,
                max_offset: max.to_wire(),
                min_offset: min.to_wire(),
            };
            table.offset_table.insert(self.queue(topic, queue), offsets);
        }
        table.topic_put_tps = self.stored_within(topic, RATE_SPAN)?.per_second;
        Ok(table)
    }

    /// What was stored in a topic within the last `span`, counted in the log.
    pub(super) fn stored_within(
        &self,
        topic: &Topic,
        span: Duration,
    ) -> Result<SpanCount, StoreError> {
        let name = topic.name.as_str();
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let then = self.clock.now_ms().saturating_sub_unsigned(span_ms);
        let mut sum = 0;
        for queue in 0..topic.queues() {
            let end = self.store.max_offset(name, queue);
            let Some(last) = end.0.checked_sub(1) else {
                continue;
            };
            // The search for a time takes several reads, the look at the last message one.
            let last = self.store.store_time(name, queue, QueueOffset(last))?;
            if last.is_some_and(|last| last > then) {
                let first = self
                    .store
                    .offset_by_time(name, queue, then, Boundary::Lower)?;
                sum += end.0.saturating_sub(first.0);
            }
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate needs no more than 52 bits"
        )]
        let messages = sum as f64;
        Ok(SpanCount {
            sum,
            per_second: messages / span.as_secs_f64(),
        })
    }

    fn of_group(&self, request: &GetConsumeStats) -> Result<ConsumeStats, StoreError> {
        let group = &*request.consumer_group;
        let mut stats = ConsumeStats::default();
        for name in self.topics(request) {
            let Some(topic) = self.admit.topics.find(&name) else {
                continue;
            };
            for queue in 0..topic.config.read_queue_nums {
                let at = GroupQueue {
                    group,
                    topic: &name,
                    queue,
                };
                let offsets = self.offsets_of(at)?;
                stats
                    .offset_table
                    .insert(self.queue(&topic, queue), offsets);
            }
            stats.consume_tps += self.deliveries.per_second(group, &name);
        }
        Ok(stats)
    }

    /// The topics of a request about a group (`getTopicsForCollectingConsumeStats`).
    fn topics(&self, request: &GetConsumeStats) -> BTreeSet<ByteString> {
        let list = request.topic_list.as_deref().unwrap_or_default();
        let listed: BTreeSet<_> = list
            .split(';')
            .filter(|topic| !topic.trim().is_empty())
            .map(ByteString::from)
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let group = &*request.consumer_group;
        let mut topics = match &request.topic {
            Some(topic) if !topic.trim().is_empty() => BTreeSet::from([topic.clone()]),
            _ => self.offsets.topics_of(group),
        };
        topics.retain(|topic| !self.peers.does_not_want(group, topic));
        topics
    }

    pub(super) fn offsets_of(&self, at: GroupQueue<'_>) -> Result<OffsetWrapper, StoreError> {
        let consumer_offset = self.offsets.committed(at).unwrap_or(0).max(0);
        let last = consumer_offset
            .checked_sub(1)
            .and_then(QueueOffset::from_wire);
        let last_timestamp = match last {
            Some(last) => self
                .store
                .store_time(at.topic, at.queue, last)?
                .unwrap_or(0),
            None => 0,
        };
        Ok(OffsetWrapper {
            broker_offset: self.store.max_offset(at.topic, at.queue).to_wire(),
            consumer_offset,
            last_timestamp,
            pull_offset: self.deliveries.next(at).unwrap_or(0).max(consumer_offset),
        })
    }
}

impl Processor<GetTopicStatsInfo> for Statistics {
    async fn process(
        &self,
        request: Incoming<GetTopicStatsInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topic = &request.header.topic;
        let topic = self.admit.topics.find(topic).ok_or_else(|| {
            let remark = format!("topic[{topic}] not exist");
            Refusal::new(ResponseCode::TOPIC_NOT_EXIST, remark)
        })?;
        // One or two messages of every queue are read.
        let this = self.clone();
        let table = self
            .store
            .run_blocking(move |_| this.of_topic(&topic))
            .await;
        let table = table.map_err(|error| unreadable(&error))?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&table)))
    }
}

impl Processor<GetConsumeStats> for Statistics {
    async fn process(
        &self,
        request: Incoming<GetConsumeStats>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let this = self.clone();
        let stats = self
            .store
            .run_blocking(move |_| this.of_group(&request.header));
        let stats = stats.await.map_err(|error| unreadable(&error))?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&stats)))
    }
}
