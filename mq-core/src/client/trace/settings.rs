//! Where traces go.

use crate::message::TopicName;

/// The topic of traces that brokers have unless they are configured otherwise
/// (`TopicValidator.RMQ_SYS_TRACE_TOPIC`).
const TRACE_TOPIC: &str = "RMQ_SYS_TRACE_TOPIC";

/// Settings of message trace (`enableMsgTrace`, `customizedTraceTopic`).
///
/// ```
/// # use mq_core::{client::*, message::*};
/// let mut config = ProducerConfig::new(GroupName::new("shop-order")?);
/// config.trace = Some(TraceSettings::default());
/// # Ok::<_, NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// The topic of the traces. Brokers of Apache's have `RMQ_SYS_TRACE_TOPIC` only with
    /// `traceTopicEnable`.
    pub topic: TopicName,
}

impl Default for TraceSettings {
    /// `RMQ_SYS_TRACE_TOPIC`.
    fn default() -> Self {
        let topic = TopicName::new(TRACE_TOPIC).expect("the name is valid");
        Self { topic }
    }
}
