//! The state that the sends of one producer share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;

use super::config::ProducerConfig;
use crate::client::cluster::ClusterClient;
use crate::client::trace::Tracer;
use crate::keyed_fifo::KeyedFifo;
use crate::message::TopicName;
use crate::tasks::Tasks;

/// The state of a producer.
pub(super) struct ProducerShared {
    pub(super) cluster: Arc<ClusterClient>,
    pub(super) config: ProducerConfig,
    /// The round-robin position, by topic.
    pub(super) turns: Mutex<HashMap<TopicName, usize>>,
    /// The sends that are not on their way yet, by topic.
    pub(super) send_order: KeyedFifo<TopicName>,
    /// The number of background sends in flight.
    pub(super) background: AtomicUsize,
    /// Records what is sent.
    pub(super) tracer: Option<Tracer>,
    pub(super) tasks: Tasks,
}

impl ProducerShared {
    pub(super) fn new(
        cluster: &Arc<ClusterClient>,
        config: ProducerConfig,
        tracer: Option<Tracer>,
    ) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            config,
            turns: Mutex::default(),
            send_order: KeyedFifo::default(),
            background: AtomicUsize::new(0),
            tracer,
            tasks: Tasks::new(cluster.clock.clone()),
        }
    }
}
