//! Settings of a producer, with the names and defaults of `DefaultMQProducer`.

use std::time::Duration;

use bytestring::ByteString;

use crate::client::routes::TEMPLATE_TOPIC;
use crate::client::trace::TraceSettings;
use crate::message::GroupName;

/// Settings of a producer (`DefaultMQProducer`).
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// The producer group.
    pub group: GroupName,
    /// The template topic after which brokers create new topics (`createTopicKey`).
    pub create_topic_key: ByteString,
    /// The number of queues of such a topic (`defaultTopicQueueNums`).
    pub default_topic_queue_nums: u16,
    /// Timeout of a send, all attempts together (`sendMsgTimeout`).
    pub send_timeout: Duration,
    /// Retries of a send whose caller waits (`retryTimesWhenSendFailed`).
    pub retry_times_when_send_failed: u32,
    /// Retries of a background send (`retryTimesWhenSendAsyncFailed`).
    pub retry_times_when_send_async_failed: u32,
    /// The most background sends in flight (`asyncSenderThreadPoolQueue`).
    pub max_background_sends: usize,
    /// Whether a send with a status other than [`SendStatus::Ok`](super::SendStatus::Ok) is retried
    /// on another broker (`retryAnotherBrokerWhenNotStoreOK`).
    pub retry_another_broker_when_not_store_ok: bool,
    /// Bodies of at least this many bytes are compressed (`compressMsgBodyOverHowmuch`).
    pub compress_body_over: usize,
    /// The longest body in bytes (`maxMessageSize`).
    pub max_message_size: usize,
    /// Has sends and ends of transactions recorded in the message trace (`enableMsgTrace`); `None`: not.
    pub trace: Option<TraceSettings>,
}

impl ProducerConfig {
    /// Java's defaults for `group`.
    pub fn new(group: GroupName) -> Self {
        Self {
            group,
            create_topic_key: ByteString::from_static(TEMPLATE_TOPIC),
            default_topic_queue_nums: 4,
            send_timeout: Duration::from_secs(3),
            retry_times_when_send_failed: 2,
            retry_times_when_send_async_failed: 2,
            max_background_sends: 50_000,
            retry_another_broker_when_not_store_ok: false,
            compress_body_over: 4096,
            max_message_size: 4 * 1024 * 1024,
            trace: None,
        }
    }
}

/// Java's defaults for the group.
impl From<GroupName> for ProducerConfig {
    fn from(group: GroupName) -> Self {
        Self::new(group)
    }
}
