//! Settings of a client, with the names and defaults of Apache's Java client.
//!
//! Intervals and timeouts of the client are in [`Timings`], so that tests and users can set them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use bytestring::ByteString;

use crate::remoting;

/// Name servers, identity, timings and transport of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Name servers as `host:port`; one that responds is enough (`namesrvAddr`).
    pub name_servers: Vec<String>,
    /// The address in client id and message ids; `None`: the local address from which the first
    /// name server is reached.
    pub client_ip: Option<IpAddr>,
    /// Distinguishes clients on one machine (`instanceName`); `None`: process id and a random
    /// number.
    pub instance_name: Option<String>,
    /// Appended to the client id (`unitName`).
    pub unit_name: Option<String>,
    /// Whether the client is of a deployment in units (`unitMode`), which it tells brokers; those of
    /// RocketMQ mark the topics that they create for it.
    pub unit_mode: bool,
    /// Intervals and timeouts.
    pub timings: Timings,
    /// Limits of connections, and the encoding of requests.
    pub remoting: remoting::RemotingClientConfig,
}

impl ClientConfig {
    /// Java's defaults for the cluster of `name_servers`.
    pub fn new<S: Into<String>>(name_servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            name_servers: name_servers.into_iter().map(Into::into).collect(),
            client_ip: None,
            instance_name: None,
            unit_name: None,
            unit_mode: false,
            timings: Timings::default(),
            remoting: remoting::RemotingClientConfig::default(),
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

    /// The client id that is the same after a restart; offsets of broadcasting are stored under it.
    pub(super) fn stable_id(&self) -> ByteString {
        self.client_id(self.instance_name.as_deref().unwrap_or("DEFAULT"))
    }
}

/// The local address from which `name_server` is reached. No packet is sent. A host name gives
/// `None`, because resolving it may block for long.
fn address_towards(name_server: &str) -> Option<IpAddr> {
    let to: SocketAddr = name_server.parse().ok()?;
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// Intervals and timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Interval of refreshing routes (`pollNameServerInterval`).
    pub route_refresh: Duration,
    /// Interval of looking up subscribed topics that have no route.
    pub missing_route: Duration,
    /// Interval of heartbeats (`heartbeatBrokerInterval`).
    pub heartbeat: Duration,
    /// Interval of offset commits (`persistConsumerOffsetInterval`).
    pub offset_commit: Duration,
    /// Interval of rebalancing (`rocketmq.client.rebalance.waitInterval`).
    pub rebalance: Duration,
    /// Delay of the next rebalance after one that could not be completed.
    pub rebalance_again: Duration,
    /// Timeout of ordinary requests (`mqClientApiTimeout`).
    pub api_timeout: Duration,
    /// How long a broker may hold a pull that finds no message (`brokerSuspendMaxTimeMillis`).
    pub pull_suspend: Duration,
    /// Timeout of a pull, including that time (`consumerTimeoutMillisWhenSuspend`).
    pub pull_timeout: Duration,
    /// Delay of the next pull after one that failed (`pullTimeDelayMillsWhenException`).
    pub pull_pause: Duration,
    /// Delay of the next pull after the broker's flow control refused one
    /// (`PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL`).
    pub flow_pause: Duration,
    /// Delay before a message that the listener failed on and that could not be sent back is given
    /// to the listener again.
    pub local_retry: Duration,
    /// Interval of renewing the locks of ordered queues (`rocketmq.client.rebalance.lockInterval`).
    pub lock_renewal: Duration,
    /// How long a lock is valid after its last confirmation
    /// (`rocketmq.client.rebalance.lockMaxLiveTime`).
    pub lock_valid: Duration,
    /// Delay before a refused lock is requested again.
    pub lock_retry: Duration,
    /// The longest that a record of message trace waits for others to be sent with
    /// (`flushTraceInterval`).
    pub trace_flush: Duration,
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
            trace_flush: seconds(5),
        }
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
        assert_eq!(config.stable_id(), "127.0.0.1@DEFAULT@unit");
    }
}
