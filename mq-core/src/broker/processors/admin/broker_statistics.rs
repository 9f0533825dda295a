//! 315, 317 and 328: counters, groups and producers of the whole broker.
//!
//! What was stored is counted in the log, so that a restart loses no count; what was delivered is
//! counted since the start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::statistics::Statistics;
use crate::broker::admit::{Admit, unreadable};
use crate::broker::advertised::Advertised;
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::{DeliveryStatistics, RecentCounts, SpanCount};
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::broker::state::peers::Peers;
use crate::broker::state::topics::Topic;
use crate::remoting::{Incoming, Processor};
use crate::store::{MessageStore, StoreError};
use crate::wire::body::{BrokerStatsData, BrokerStatsItem, ConsumeStats, ConsumeStatsList};
use crate::wire::header::{GetAllProducerInfo, GetBrokerConsumeStats, ViewBrokerStatsData};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// Messages that were stored in a topic.
const TOPIC_PUT_NUMS: &str = "TOPIC_PUT_NUMS";
/// Messages of a topic that a group received; the key is `topic@group`.
const GROUP_GET_NUMS: &str = "GROUP_GET_NUMS";

/// Reports on the whole broker.
#[derive(Clone, Debug)]
pub(super) struct BrokerStatistics {
    admit: Admit,
    advertised: Advertised,
    offsets: Arc<Offsets>,
    peers: Arc<Peers>,
    deliveries: Arc<DeliveryStatistics>,
    statistics: Statistics,
    store: MessageStore,
}

impl BrokerStatistics {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            advertised: parts.advertised.clone(),
            offsets: Arc::clone(&parts.offsets),
            peers: Arc::clone(&parts.peers),
            deliveries: Arc::clone(&parts.deliveries),
            statistics: Statistics::new(parts),
            store: parts.store.clone(),
        }
    }

    fn counted(&self, name: &str, key: &str) -> Result<Option<RecentCounts>, StoreError> {
        match name {
            TOPIC_PUT_NUMS => match self.admit.topics.find(key) {
                Some(topic) => self.stored_in(&topic).map(Some),
                None => Ok(None),
            },
            GROUP_GET_NUMS => Ok(self.delivered(key)),
            _ => Ok(None),
        }
    }

    fn delivered(&self, key: &str) -> Option<RecentCounts> {
        let (topic, group) = key.split_once('@')?;
        self.admit.topics.find(topic)?;
        self.admit.groups.find(group)?;
        Some(self.deliveries.recent(group, topic))
    }

    fn stored_in(&self, topic: &Topic) -> Result<RecentCounts, StoreError> {
        let within = |span| self.statistics.stored_within(topic, span);
        Ok(RecentCounts {
            minute: within(Duration::from_mins(1))?,
            hour: within(Duration::from_hours(1))?,
            day: within(Duration::from_hours(24))?,
        })
    }

    fn of_all_groups(&self, ordered_only: bool) -> Result<ConsumeStatsList, StoreError> {
        let mut list = ConsumeStatsList {
            broker_addr: self.advertised.text.as_str().into(),
            ..ConsumeStatsList::default()
        };
        for group in self
            .admit
            .groups
            .to_body()
            .subscription_group_table
            .into_keys()
        {
            let mut of_group = Vec::new();
            for name in self.offsets.topics_of(&group) {
                let topic = self.admit.topics.find(&name);
                let Some(topic) = topic.filter(|topic| topic.config.order || !ordered_only) else {
                    continue;
                };
                if self.peers.does_not_want(&group, &name) {
                    continue;
                }
                let stats = self.of_group(&group, &topic)?;
                for offsets in stats.offset_table.values() {
                    list.total_diff += offsets.broker_offset - offsets.consumer_offset;
                    list.total_inflight_diff += offsets.pull_offset - offsets.consumer_offset;
                }
                of_group.push(stats);
            }
            list.consume_stats_list
                .push(BTreeMap::from([(group, of_group)]));
        }
        Ok(list)
    }

    fn of_group(&self, group: &str, topic: &Topic) -> Result<ConsumeStats, StoreError> {
        let name = topic.name.as_str();
        let mut stats = ConsumeStats {
            consume_tps: self.deliveries.per_second(group, name),
            ..ConsumeStats::default()
        };
        for queue in 0..topic.config.write_queue_nums {
            let at = GroupQueue {
                group,
                topic: name,
                queue,
            };
            let offsets = self.statistics.offsets_of(at)?;
            stats
                .offset_table
                .insert(self.statistics.queue(topic, queue), offsets);
        }
        Ok(stats)
    }
}

impl Processor<ViewBrokerStatsData> for BrokerStatistics {
    async fn process(
        &self,
        request: Incoming<ViewBrokerStatsData>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let ViewBrokerStatsData {
            stats_name,
            stats_key,
        } = request.header;
        let (this, name, key) = (self.clone(), stats_name.clone(), stats_key.clone());
        let counted = self
            .store
            .run_blocking(move |_| this.counted(&name, &key))
            .await;
        let counted = counted.map_err(|error| unreadable(&error))?;
        let counted = counted.ok_or_else(|| {
            Refusal::system(format!("The stats <{stats_name}> <{stats_key}> not exist"))
        })?;
        let body = BrokerStatsData {
            stats_day: item(counted.day),
            stats_hour: item(counted.hour),
            stats_minute: item(counted.minute),
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<GetBrokerConsumeStats> for BrokerStatistics {
    async fn process(
        &self,
        request: Incoming<GetBrokerConsumeStats>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let (this, ordered_only) = (self.clone(), request.header.is_order);
        let list = self
            .store
            .run_blocking(move |_| this.of_all_groups(ordered_only));
        let list = list.await.map_err(|error| unreadable(&error))?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&list)))
    }
}

impl Processor<GetAllProducerInfo> for BrokerStatistics {
    async fn process(
        &self,
        _request: Incoming<GetAllProducerInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&self.peers.all_producers())))
    }
}

/// The average of one append or pull is not counted and 0.
fn item(count: SpanCount) -> BrokerStatsItem {
    BrokerStatsItem {
        avgpt: 0.0,
        sum: i64::try_from(count.sum).unwrap_or(i64::MAX),
        tps: count.per_second,
    }
}
