//! Messages of one caller leave in the order of the calls, also while the route of their topic is
//! asked for or the connection is being made.

use crate::lines::Lines;
use crate::message::{MessageQueue, TopicName};

/// The sends that wait before they are on their way. A broker that cannot be reached holds up the
/// sends to its own queues only.
#[derive(Debug, Default)]
pub(super) struct SendOrder {
    /// Until the queue is chosen.
    pub(super) topics: Lines<TopicName>,
    /// Until the connection has the request.
    pub(super) queues: Lines<MessageQueue>,
}
