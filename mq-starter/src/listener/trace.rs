//! Whether the calls of a group's listeners are recorded in the message trace.

use mq_core::client::TraceSettings;
use mq_core::message::TopicName;

use crate::config::MessageTrace;

/// What listeners say of the message trace; `None`: whatever the settings say for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceWish {
    pub(super) enabled: Option<bool>,
    pub(super) topic: Option<TopicName>,
}

impl TraceWish {
    /// The same for the client, where the listeners say nothing as the settings do.
    pub(crate) fn over(&self, settings: &MessageTrace) -> Option<TraceSettings> {
        let trace = MessageTrace {
            enabled: self.enabled.unwrap_or(settings.enabled),
            topic: self.topic.clone().or_else(|| settings.topic.clone()),
        };
        trace.settings()
    }
}
