//! What a lite pull consumer subscribes to. It is replaced as a whole while the consumer runs: whoever
//! pulls goes on with what was there when the pull began.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::config::LitePullConfig;
use crate::client::cluster::ClusterClient;
use crate::client::consumer::ConsumerConfig;
use crate::client::consumer::builder::consumer_data;
use crate::client::consumer::fetch::Fetcher;
use crate::message::subscription::Subscription;
use crate::message::{MessageQueue, TopicName};
use crate::wire::body::{ConsumeType, ConsumerData};

/// Which queues are read.
#[derive(Debug)]
pub(super) enum Source {
    /// This member's share of those of the subscribed topics.
    Subscribed,
    /// Those that the application chose.
    Chosen(Mutex<BTreeSet<MessageQueue>>),
}

/// The subscriptions, and what pulls by them.
pub(super) struct Subscribed {
    pub(super) topics: Arc<BTreeMap<TopicName, Subscription>>,
    pub(super) fetcher: Fetcher,
}

impl Subscribed {
    pub(super) fn new(
        cluster: &Arc<ClusterClient>,
        config: &ConsumerConfig,
        topics: BTreeMap<TopicName, Subscription>,
    ) -> Self {
        let topics = Arc::new(topics);
        Self {
            fetcher: Fetcher::new(cluster, config, &topics),
            topics,
        }
    }
}

/// The consumer as heartbeats have it, and the topics whose routes it needs. Queues that the
/// application chose are no subscription of the group.
pub(super) fn membership(
    config: &LitePullConfig,
    subscriptions: &BTreeMap<TopicName, Subscription>,
    source: &Source,
) -> (ConsumerData, Vec<TopicName>) {
    let data = ConsumerData {
        consume_type: ConsumeType::ConsumeActively,
        ..consumer_data(&config.in_common(), subscriptions)
    };
    match source {
        Source::Subscribed => (data, subscriptions.keys().cloned().collect()),
        Source::Chosen(queues) => {
            let data = ConsumerData {
                subscription_data_set: Vec::new(),
                ..data
            };
            let topics = queues
                .lock()
                .iter()
                .map(|queue| queue.topic.clone())
                .collect();
            (data, topics)
        }
    }
}
