//! `enable-msg-trace` and `customized-trace-topic`, which the producer, the pull consumer and listeners
//! have each.

use mq_core::client::TraceSettings;
use mq_core::message::TopicName;

use super::names;
use super::reader::SettingReader;

/// Whether what happens to messages is recorded in the message trace, and in which topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageTrace {
    /// Whether it is recorded.
    pub enabled: bool,
    /// The topic of the trace; `None`: `RMQ_SYS_TRACE_TOPIC`.
    pub topic: Option<TopicName>,
}

impl MessageTrace {
    /// The same for the client.
    pub(crate) fn settings(&self) -> Option<TraceSettings> {
        let settings = self.topic.clone().map(|topic| TraceSettings { topic });
        self.enabled.then(|| settings.unwrap_or_default())
    }
}

/// The two keys below `heading`. As in Java, a topic that is blank is the usual one.
pub(super) fn read(reader: &mut SettingReader<'_>, heading: &str) -> MessageTrace {
    let enabled = reader.truth(&format!("{heading}.enable-msg-trace"));
    let key = format!("{heading}.customized-trace-topic");
    let is_blank = reader
        .filled(&key)
        .is_none_or(|value| value.text.is_empty());
    let topic = (!is_blank).then(|| reader.checked(&key, names::topic));
    MessageTrace {
        enabled: enabled.unwrap_or_default(),
        topic: topic.flatten(),
    }
}
