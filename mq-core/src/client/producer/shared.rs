//! What the sends of one producer share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;

use super::config::ProducerConfig;
use crate::client::cluster::Cluster;
use crate::lines::Lines;
use crate::message::TopicName;
use crate::tasks::Tasks;

/// The producer, for its sends.
pub(super) struct Shared {
    pub(super) cluster: Arc<Cluster>,
    pub(super) config: ProducerConfig,
    /// Which queue is next, for each topic.
    pub(super) turns: Mutex<HashMap<TopicName, usize>>,
    /// The sends that are not on their way yet, by topic.
    pub(super) lines: Lines<TopicName>,
    /// Sends in the background that are under way.
    pub(super) background: AtomicUsize,
    pub(super) tasks: Tasks,
}

impl Shared {
    pub(super) fn new(cluster: &Arc<Cluster>, config: ProducerConfig) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            config,
            turns: Mutex::default(),
            lines: Lines::default(),
            background: AtomicUsize::new(0),
            tasks: Tasks::new(cluster.clock.clone()),
        }
    }
}
