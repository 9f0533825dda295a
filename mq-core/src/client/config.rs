//! What can be set, with the names and defaults of Apache's Java client.
//!
//! Every time that plays a part is in [`Timings`] or a field named after it: nothing else in the
//! client has a number of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use bytestring::ByteString;

use crate::remoting;

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
