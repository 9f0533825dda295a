//! What can be set, with the names and defaults of Apache's Java client.
//!
//! Every time that plays a part is in [`Timings`] or a field named after it: nothing else in the
//! client has a number of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use bytestring::ByteString;

use super::consumer::process_queue::FlowLimits;
use super::consumer::rebalance::Strategy;
use crate::message::GroupName;
use crate::remoting;
use crate::wire::body::MessageModel;

/// How a client finds its cluster and says who it is.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Name servers as `host:port`; any of them will do (`namesrvAddr`).
    pub name_servers: Vec<String>,
    /// The address that client id and message ids begin with; `None`: the one that the first name
    /// server is reached from.
    pub client_ip: Option<IpAddr>,
    /// Tells clients on one machine apart (`instanceName`); `None`: process id and time.
    pub instance_name: Option<String>,
    /// Part of the client id when set (`unitName`).
    pub unit_name: Option<String>,
    /// How long things may take and how often they happen.
    pub timings: Timings,
    /// What connections may cost, and how requests are encoded.
    pub remoting: remoting::ClientConfig,
}

impl ClientConfig {
    /// Java's defaults for the cluster of `name_servers`.
    pub fn new<S: Into<String>>(name_servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            name_servers: name_servers.into_iter().map(Into::into).collect(),
            client_ip: None,
            instance_name: None,
            unit_name: None,
            timings: Timings::default(),
            remoting: remoting::ClientConfig::default(),
        }
    }

    pub(super) fn ip(&self) -> IpAddr {
        let reached_from = || self.name_servers.iter().find_map(|to| address_towards(to));
        let ip = self.client_ip.or_else(reached_from);
        ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// `ip@instance[@unit]`.
    pub(super) fn client_id(&self, instance: &str) -> ByteString {
        let ip = self.ip();
        match &self.unit_name {
            Some(unit) => format!("{ip}@{instance}@{unit}").into(),
            None => format!("{ip}@{instance}").into(),
        }
    }

    /// The client id that stays the same over restarts: local offsets are kept under it.
    pub(super) fn lasting_id(&self) -> ByteString {
        self.client_id(self.instance_name.as_deref().unwrap_or("DEFAULT"))
    }
}

/// Which of this machine's addresses leads to `name_server`. Nothing is sent; names are not
/// resolved, since that may take long.
fn address_towards(name_server: &str) -> Option<IpAddr> {
    let to: SocketAddr = name_server.parse().ok()?;
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// How long things may take and how often they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Routes are asked for so often (`pollNameServerInterval`).
    pub route_refresh: Duration,
    /// A subscribed topic without a route is asked for so often.
    pub missing_route: Duration,
    /// Brokers hear from us so often (`heartbeatBrokerInterval`).
    pub heartbeat: Duration,
    /// Offsets are committed so often (`persistConsumerOffsetInterval`).
    pub offset_commit: Duration,
    /// Queues are shared anew so often (`rocketmq.client.rebalance.waitInterval`).
    pub rebalance: Duration,
    /// After a round that could not be finished the next one comes so soon.
    pub rebalance_again: Duration,
    /// An answer may take so long (`mqClientApiTimeout`).
    pub api_timeout: Duration,
    /// A broker may hold a pull so long (`brokerSuspendMaxTimeMillis`).
    pub pull_suspend: Duration,
    /// A pull may take so long altogether (`consumerTimeoutMillisWhenSuspend`).
    pub pull_timeout: Duration,
    /// Pause after a pull that failed (`pullTimeDelayMillsWhenException`).
    pub pull_pause: Duration,
    /// Pause after a pull that a broker refused because too much is asked of it
    /// (`PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL`).
    pub flow_pause: Duration,
    /// A message that could neither be handled nor sent back is tried again after so long.
    pub local_retry: Duration,
    /// Locks of ordered queues are renewed so often (`rocketmq.client.rebalance.lockInterval`).
    pub lock_renewal: Duration,
    /// A lock counts for so long (`rocketmq.client.rebalance.lockMaxLiveTime`).
    pub lock_valid: Duration,
    /// A lock that was refused is asked for again after so long.
    pub lock_retry: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            route_refresh: seconds(30),
            missing_route: Duration::from_millis(500),
            heartbeat: seconds(30),
            offset_commit: seconds(5),
            rebalance: seconds(20),
            rebalance_again: seconds(1),
            api_timeout: seconds(3),
            pull_suspend: seconds(15),
            pull_timeout: seconds(30),
            pull_pause: seconds(1),
            flow_pause: Duration::from_millis(20),
            local_retry: seconds(5),
            lock_renewal: seconds(20),
            lock_valid: seconds(30),
            lock_retry: seconds(3),
        }
    }
}

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
            create_topic_key: ByteString::from_static(super::routes::TEMPLATE_TOPIC),
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

/// Where a group without offsets starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartFrom {
    /// Behind the last message (`CONSUME_FROM_LAST_OFFSET`), except that a queue whose first
    /// message is still young is read from its beginning: the broker decides so.
    #[default]
    LastOffset,
    /// At the first message (`CONSUME_FROM_FIRST_OFFSET`).
    FirstOffset,
    /// At this time, ms since 1970 (`CONSUME_FROM_TIMESTAMP`).
    Timestamp(i64),
}

/// How messages are received (`DefaultMQPushConsumer`).
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// The consumer group.
    pub group: GroupName,
    /// One member gets a message, or every member.
    pub message_model: MessageModel,
    /// Where a group without offsets starts (`consumeFromWhere`).
    pub start_from: StartFrom,
    /// So many calls of the listener at a time (`consumeThreadMax`).
    pub consume_threads: u16,
    /// A call of the listener gets at most so many messages (`consumeMessageBatchMaxSize`).
    pub consume_batch_size: u16,
    /// Attempts after the first one; `None`: 16, in order without end (`maxReconsumeTimes`).
    pub max_reconsume_times: Option<u32>,
    /// A message that a listener has had for so long, counted from the begin of the call, is handed
    /// over again, to this member or another, while the first call goes on; the outcome of that call
    /// no longer counts (`consumeTimeout`). In order there is no such limit.
    pub consume_timeout: Duration,
    /// Pause of a suspended ordered queue (`suspendCurrentQueueTimeMillis`).
    pub suspend: Duration,
    /// How queues are shared among the members (`allocateMessageQueueStrategy`).
    pub strategy: Strategy,
    /// What is held of one queue at a time.
    pub flow: FlowLimits,
    /// A pull brings at most so many messages (`pullBatchSize`), and never more than the broker
    /// gives: 32 by default (`maxTransferCountOnMessageInMemory`).
    pub pull_batch_size: u16,
    /// A pull brings about so many bytes (`pullBatchSizeInBytes`).
    pub pull_batch_bytes: u32,
    /// Pause between two pulls that bring messages (`pullInterval`).
    pub pull_interval: Duration,
    /// Where offsets of broadcasting are kept; `None`: `~/.rocketmq_offsets`
    /// (`rocketmq.client.localOffsetStoreDir`).
    pub offset_directory: Option<PathBuf>,
}

impl ConsumerConfig {
    /// Java's defaults for `group`.
    pub fn new(group: GroupName) -> Self {
        Self {
            group,
            message_model: MessageModel::Clustering,
            start_from: StartFrom::LastOffset,
            consume_threads: 20,
            consume_batch_size: 1,
            max_reconsume_times: None,
            consume_timeout: Duration::from_mins(15),
            suspend: Duration::from_secs(1),
            strategy: Strategy::Average,
            flow: FlowLimits::default(),
            pull_batch_size: 32,
            pull_batch_bytes: 256 * 1024,
            pull_interval: Duration::ZERO,
            offset_directory: None,
        }
    }

    /// Attempts after the first one: what is set, else 16, in order without end. A message that
    /// fails once more is a dead letter.
    pub fn allowed_retries(&self, in_order: bool) -> i32 {
        let unless_set = if in_order { i32::MAX } else { 16 };
        let set = self.max_reconsume_times.map(i32::try_from);
        set.map_or(unless_set, |set| set.unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_javas() {
        let mut config = ClientConfig::new(["127.0.0.1:9876"]);

        assert_eq!(config.client_id("4711#5"), "127.0.0.1@4711#5");
        config.unit_name = Some("unit".to_owned());
        assert_eq!(config.client_id("4711#5"), "127.0.0.1@4711#5@unit");
        assert_eq!(config.lasting_id(), "127.0.0.1@DEFAULT@unit");
    }
}
