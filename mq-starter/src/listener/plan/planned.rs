//! A consumer that is to be started.

use std::time::Duration;

use mq_core::message::GroupName;

use crate::cluster_name::ClusterName;
use crate::listener::handler_times::HandlerTimes;
use crate::listener::in_group::Listener;
use crate::listener::modes::{ConsumeMode, MessageModel};
use crate::listener::pulling::Pulling;
use crate::listener::start::Start;
use crate::listener::trace::TraceWish;

/// A consumer to be started: a group of a cluster with all its listeners in this program.
#[derive(Clone, Debug)]
pub(crate) struct PlannedConsumer {
    pub(crate) cluster: ClusterName,
    pub(crate) group: GroupName,
    pub(crate) mode: ConsumeMode,
    pub(crate) model: MessageModel,
    /// Handlers at a time.
    pub(crate) threads: u16,
    /// Messages in one call, at most.
    pub(crate) batch_size: u16,
    /// Where the group begins when it is new.
    pub(crate) start: Start,
    /// Attempts after the first; `None` is the default of the mode.
    pub(crate) max_reconsume_times: Option<u32>,
    /// The pause of a queue in order after a failure; `None` is the client's.
    pub(crate) suspend: Option<Duration>,
    pub(crate) times: HandlerTimes,
    /// The instance name of a client of the group's own.
    pub(crate) instance_name: Option<String>,
    pub(crate) trace: TraceWish,
    pub(crate) pulling: Pulling,
    /// One per topic.
    pub(crate) listeners: Vec<Listener>,
}

#[cfg(test)]
impl PlannedConsumer {
    /// A consumer of which nothing was said, without listeners.
    pub(crate) fn plain(group: GroupName) -> Self {
        Self {
            cluster: ClusterName::DEFAULT,
            group,
            mode: ConsumeMode::default(),
            model: MessageModel::default(),
            threads: 1,
            batch_size: 1,
            start: Start::default(),
            max_reconsume_times: None,
            suspend: None,
            times: HandlerTimes::default(),
            instance_name: None,
            trace: TraceWish::default(),
            pulling: Pulling::default(),
            listeners: Vec::new(),
        }
    }
}
