//! An application whose settings and listeners were found right, before anything is started.

use std::sync::Arc;

use mq_core::message::GroupName;

use crate::config::{RocketMQConfig, Settings};
use crate::listener::Plan;
use crate::receiving::ReceiverSlot;
use crate::state::AppState;
use crate::template::{ProducerSlot, RocketMQTemplate};

/// What is known before the first socket opens.
pub(super) struct CheckedApplication {
    pub(super) settings: Arc<Settings>,
    pub(super) config: RocketMQConfig,
    /// The group messages are sent in.
    pub(super) group: GroupName,
    pub(super) plan: Plan,
    pub(super) state: AppState,
    pub(super) template: RocketMQTemplate,
    pub(super) producer: ProducerSlot,
    pub(super) receiver: ReceiverSlot,
}
