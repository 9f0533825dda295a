//! The parts that the processors share; each takes only those that it needs.

use std::sync::Arc;

use super::admit::Admit;
use super::advertised::Advertised;
use super::background::timer::TimerTable;
use super::background::transactions::Transactions;
use super::state::delay_offsets::DelayOffsets;
use super::state::delivery_statistics::DeliveryStatistics;
use super::state::offsets::Offsets;
use super::state::peers::Peers;
use super::state::queue_locks::QueueLocks;
use super::state::unsupported::Unsupported;
use super::state::waiting::WaitingPulls;
use crate::clock::Clock;
use crate::remoting::Unanswered;
use crate::store::MessageStore;
use crate::tasks::Tasks;

/// The parts that the processors share.
pub(super) struct Parts {
    pub(super) admit: Admit,
    pub(super) advertised: Advertised,
    pub(super) store: MessageStore,
    pub(super) offsets: Arc<Offsets>,
    pub(super) peers: Arc<Peers>,
    pub(super) locks: Arc<QueueLocks>,
    pub(super) waiting: Arc<WaitingPulls>,
    pub(super) delays: Arc<DelayOffsets>,
    pub(super) timers: Arc<TimerTable>,
    pub(super) transactions: Transactions,
    pub(super) deliveries: Arc<DeliveryStatistics>,
    pub(super) unanswered: Arc<Unanswered>,
    pub(super) unsupported: Arc<Unsupported>,
    /// The tasks of connections and their requests.
    pub(super) front: Tasks,
    pub(super) clock: Clock,
}
