//! What all that deals with transactions shares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use parking_lot::Mutex;

use super::half::HALF_TOPIC;
use super::open_halves::OpenHalves;
use super::progress::Progress;
use super::records::{OP_TOPIC, Records};
use crate::broker::config::TransactionRules;
use crate::broker::state::offsets::Offsets;
use crate::broker::state::peers::Peers;
use crate::broker::state::topics::Topics;
use crate::clock::Clock;
use crate::message::{PhysicalOffset, TopicName};
use crate::store::MessageStore;
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// The broker's transactions. Clones are the same.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Transactions(pub(super) Arc<TransactionParts>);

#[derive(Debug)]
pub(super) struct TransactionParts {
    pub(super) rules: TransactionRules,
    pub(super) store: MessageStore,
    pub(super) offsets: Arc<Offsets>,
    pub(super) topics: Arc<Topics>,
    pub(super) peers: Arc<Peers>,
    pub(super) records: Records,
    pub(super) halves: Mutex<OpenHalves>,
    /// Half messages before this physical offset are to be stored again, because their segments are to go.
    pub(super) expiring: AtomicU64,
    /// There is something to read in one of the two topics, or to be stored again.
    pub(super) news: tokio::sync::Notify,
    /// Held by who reads the two topics.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// A half message that somebody had claimed has ended or is free again.
    pub(super) released: tokio::sync::Notify,
    /// The progress that is kept once the log is on disk up to there.
    pub(super) unsaved: Mutex<Option<(Progress, PhysicalOffset)>>,
    /// Whose turn it is to be asked.
    pub(super) turn: AtomicUsize,
    /// Why half messages are not checked.
    pub(super) stuck: Troubles<()>,
    /// Checks for which no producer of the group was there.
    pub(super) unasked: Troubles<()>,
    /// What must be done to its end once it has begun.
    pub(super) tasks: Tasks,
    pub(super) clock: Clock,
}

/// Where the parts of a broker are that transactions need.
#[derive(Clone, Copy, Debug)]
pub(in crate::broker) struct TransactionsOf<'a> {
    pub(in crate::broker) rules: TransactionRules,
    pub(in crate::broker) store: &'a MessageStore,
    pub(in crate::broker) offsets: &'a Arc<Offsets>,
    pub(in crate::broker) topics: &'a Arc<Topics>,
    pub(in crate::broker) peers: &'a Arc<Peers>,
    pub(in crate::broker) store_host: SocketAddr,
    pub(in crate::broker) tasks: &'a Tasks,
    pub(in crate::broker) clock: &'a Clock,
}

impl Transactions {
    pub(in crate::broker) fn of(broker: TransactionsOf<'_>) -> Self {
        let parts = TransactionParts {
            rules: broker.rules,
            store: broker.store.clone(),
            offsets: Arc::clone(broker.offsets),
            topics: Arc::clone(broker.topics),
            peers: Arc::clone(broker.peers),
            records: Records {
                store_host: broker.store_host,
            },
            halves: Mutex::default(),
            expiring: AtomicU64::new(0),
            news: tokio::sync::Notify::new(),
            reading: tokio::sync::Mutex::default(),
            released: tokio::sync::Notify::new(),
            unsaved: Mutex::default(),
            turn: AtomicUsize::new(0),
            stuck: Troubles::new(broker.clock.clone()),
            unasked: Troubles::new(broker.clock.clone()),
            tasks: broker.tasks.clone(),
            clock: broker.clock.clone(),
        };
        let progress = parts.saved_progress();
        parts.halves.lock().begin(progress);
        Self(Arc::new(parts))
    }

    /// A message has arrived in the half topic or the op topic, or in another.
    pub(in crate::broker) fn arrived(&self, topic: &TopicName) {
        if *topic == HALF_TOPIC || *topic == OP_TOPIC {
            self.0.news.notify_one();
        }
    }

    /// The first producer of the group has come. What nobody could be asked about while there was none, as
    /// after a restart of the broker, is asked about now; Apache's broker waits for the next check.
    pub(in crate::broker) fn producer_came(&self, group: &str) {
        self.0.producer_came(group);
    }

    /// Asks producers how their transactions ended, until the owner of `tasks` stops.
    pub(in crate::broker) fn run(&self, tasks: &Tasks) {
        let (parts, owner) = (Arc::clone(&self.0), tasks.clone());
        tasks.spawn("transaction checks", async move {
            parts.check_until_stop(&owner).await;
        });
    }
}
