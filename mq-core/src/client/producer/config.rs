//! What a producer can be told, with the names and defaults of `DefaultMQProducer`.

use std::time::Duration;

use bytestring::ByteString;

use crate::client::routes::TEMPLATE_TOPIC;
use crate::message::GroupName;

/// How messages are sent (`DefaultMQProducer`).
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// The producer group.
    pub group: GroupName,
    /// The template that a broker makes new topics after (`createTopicKey`).
    pub create_topic_key: ByteString,
    /// How many queues such a topic should get (`defaultTopicQueueNums`).
    pub default_topic_queue_nums: u16,
    /// How long a send may take, all attempts together (`sendMsgTimeout`).
    pub send_timeout: Duration,
    /// Further attempts of a send that is waited for (`retryTimesWhenSendFailed`).
    pub retry_times_when_send_failed: u32,
    /// Further attempts of a send in the background (`retryTimesWhenSendAsyncFailed`).
    pub retry_times_when_send_async_failed: u32,
    /// So many sends in the background may be under way (`asyncSenderThreadPoolQueue`).
    pub max_background_sends: usize,
    /// Whether a status other than [`SendStatus::Ok`](super::SendStatus::Ok) is tried again on
    /// another broker (`retryAnotherBrokerWhenNotStoreOK`).
    pub retry_another_broker_when_not_store_ok: bool,
    /// Bodies of so many bytes are compressed (`compressMsgBodyOverHowmuch`).
    pub compress_body_over: usize,
    /// The longest body in bytes (`maxMessageSize`).
    pub max_message_size: usize,
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
        }
    }
}
