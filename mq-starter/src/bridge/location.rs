//! Where the cluster is: in this process, or at an address.

use std::time::Duration;

use mq_core::client::{Client, ClientConfig};
use mq_core::clock::Clock;
#[cfg(feature = "embedded")]
use mq_core::node::NodeBuilder;
use mq_core::stopping::StopError;

use super::errors::could_not;
use crate::config::{ClusterAddress, RocketMQConfig};
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedBroker;
use crate::problem::ApplicationError;
#[cfg(not(feature = "embedded"))]
use crate::problem::Problem;

/// Where the cluster is.
#[derive(Debug)]
pub(crate) enum ClusterLocation {
    /// Name servers, `HOST:PORT`.
    At(Vec<String>),
    /// A broker that others of this process may share.
    #[cfg(feature = "embedded")]
    Shared(EmbeddedBroker),
    /// A broker that ends with the application.
    #[cfg(feature = "embedded")]
    Own(EmbeddedBroker),
}

impl ClusterLocation {
    /// Finds the cluster, or starts the broker in the process as a part of `node`.
    #[cfg(feature = "embedded")]
    pub(crate) async fn find(
        config: &RocketMQConfig,
        shared: Option<EmbeddedBroker>,
        node: NodeBuilder,
    ) -> Result<Self, ApplicationError> {
        match (&config.name_server, shared) {
            (ClusterAddress::At(addresses), _) => Ok(Self::At(addresses.clone())),
            (ClusterAddress::Embedded, Some(broker)) if broker.is_stopped() => {
                Err(ApplicationError::ShutDown("the embedded broker"))
            }
            (ClusterAddress::Embedded, Some(broker)) => Ok(Self::Shared(broker)),
            (ClusterAddress::Embedded, None) => {
                let started = EmbeddedBroker::start_on(node, &config.embedded).await;
                started.map(Self::Own)
            }
        }
    }

    /// Finds the cluster.
    #[cfg(not(feature = "embedded"))]
    pub(crate) fn find(config: &RocketMQConfig) -> Result<Self, ApplicationError> {
        match &config.name_server {
            ClusterAddress::At(addresses) => Ok(Self::At(addresses.clone())),
            ClusterAddress::Embedded => Err(ApplicationError::Refused(vec![Problem::new(
                "settings",
                "rocketmq.name-server: is not set, and this program was built without a broker: \
                 set it to HOST:PORT, or turn on the feature `embedded` of mq-starter",
            )])),
        }
    }

    /// A client of the cluster, which need not be there yet. Its instance name is made up when there is
    /// none.
    pub(crate) fn client(
        &self,
        instance_name: Option<&str>,
        clock: &Clock,
    ) -> Result<Client, ApplicationError> {
        let name = instance_name.map(str::to_owned);
        match self {
            Self::At(addresses) => {
                let mut config = ClientConfig::new(addresses.iter().cloned());
                config.instance_name = name;
                Client::new(config, clock.clone()).map_err(could_not("make a client"))
            }
            #[cfg(feature = "embedded")]
            Self::Shared(broker) | Self::Own(broker) => {
                broker.client_with(|config| config.instance_name = name)
            }
        }
    }

    /// The delays of its brokers, level 1 first. What those of another program were set to cannot be
    /// asked: Apache's defaults are assumed.
    pub(crate) fn delays(&self) -> Vec<Duration> {
        match self {
            Self::At(_) => apache_delays(),
            #[cfg(feature = "embedded")]
            Self::Shared(broker) | Self::Own(broker) => broker.delays().to_vec(),
        }
    }

    /// Whether there is a way to the cluster without a socket.
    pub(crate) fn is_in_process(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// Stops the broker, when it is the application's own.
    #[cfg_attr(
        not(feature = "embedded"),
        expect(unused_variables, reason = "no broker of this process has to end")
    )]
    pub(super) async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Own(broker) => broker.stop(limit).await,
            #[cfg(feature = "embedded")]
            Self::Shared(_) => Ok(()),
            Self::At(_) => Ok(()),
        }
    }
}

/// The default of `messageDelayLevel`.
pub(super) fn apache_delays() -> Vec<Duration> {
    let seconds = [
        1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800,
    ];
    let seconds = seconds.into_iter().chain([3600, 7200]);
    seconds.map(Duration::from_secs).collect()
}
