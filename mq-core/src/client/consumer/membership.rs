//! Which queues of a topic fall to this client, among the members of its group.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::config::ConsumerConfig;
use crate::client::cluster::ClusterClient;
use crate::client::config::Timings;
use crate::client::routes::{MASTER_ID, TopicRoute};
use crate::message::MessageQueue;
use crate::wire::body::ConsumerIds;
use crate::wire::fastjson;
use crate::wire::header::GetConsumerListByGroup;

/// How a distribution of queues ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Round {
    Complete,
    /// Some queue is not settled yet.
    Incomplete,
}

impl Round {
    /// Of two that belong together.
    pub(in crate::client) fn and(self, other: Self) -> Self {
        if self == Self::Complete { other } else { self }
    }

    /// How long to wait before the next one.
    pub(in crate::client) fn pause(self, timings: &Timings) -> Duration {
        match self {
            Self::Complete => timings.rebalance,
            Self::Incomplete => timings.rebalance_again,
        }
    }
}

/// This member's queues; `None` when the members cannot be looked up or this one is not among them.
pub(in crate::client) async fn share(
    cluster: &ClusterClient,
    config: &ConsumerConfig,
    route: &TopicRoute,
) -> Option<Vec<MessageQueue>> {
    let me = &cluster.client_id;
    let mut ids = members(cluster, config, route).await.unwrap_or_default();
    if !ids.contains(me) {
        // The broker has not received a heartbeat yet, or has restarted since.
        cluster.heartbeat().await;
        ids = members(cluster, config, route).await.unwrap_or_default();
    }
    if !ids.contains(me) {
        return None;
    }
    ids.sort();
    let mut queues = route.subscribe.clone();
    queues.sort();
    Some(config.strategy.allocate(me, &queues, &ids))
}

/// The members of the group, from any broker of the topic.
async fn members(
    cluster: &ClusterClient,
    config: &ConsumerConfig,
    route: &TopicRoute,
) -> Option<Vec<ByteString>> {
    let mut brokers: Vec<_> = route.brokers.values().collect();
    let skip = usize::try_from(cluster.clock.now_ms()).unwrap_or(0);
    let middle = skip.checked_rem(brokers.len())?;
    brokers.rotate_left(middle);
    for broker in brokers {
        let Some(address) = broker.get(&MASTER_ID).or_else(|| broker.values().next()) else {
            continue;
        };
        let request = GetConsumerListByGroup {
            consumer_group: config.group.to_text(),
        };
        let answer = cluster.call(address, request, Bytes::new()).await;
        let ids = answer.map(|reply| fastjson::read::<ConsumerIds>(&reply.body));
        match ids {
            Ok(Ok(ids)) if !ids.consumer_id_list.is_empty() => return Some(ids.consumer_id_list),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%address, %error, "the broker's list of members cannot be read");
            }
            Err(error) => {
                tracing::debug!(%address, %error, "the members of the group could not be looked up");
            }
        }
    }
    None
}
