//! A broker and its name server inside this process.
//!
//! Clients of the process reach them without a socket; `rocketmq.embedded.listen` lets others in.
//! The store is locked: a second broker on the same directory is refused.

use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::Broker;
use mq_core::broker::config::{BrokerConfig, DelayError, FlushMode};
use mq_core::client::{self, Client};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::{Node, NodeBuilder, NodeError};
use mq_core::reason::reason;
use mq_core::remoting::BindError;
use mq_core::stopping::StopError;

use crate::config::{EmbeddedFlush, EmbeddedSettings};
use crate::problem::ApplicationError;

const CLUSTER_NAME: &str = "DefaultCluster";
const BROKER_NAME: &str = "mq";

/// A broker in this process. Clones are the same broker; whoever starts one stops it.
///
/// An application starts its own when its settings name no cluster. One that several applications
/// share is started here and given to each by
/// [`RocketMQApplication::broker`](crate::RocketMQApplication::broker).
#[derive(Clone, Debug)]
pub struct EmbeddedBroker(Arc<Running>);

#[derive(Debug)]
struct Running {
    node: Node,
    max_message_size: usize,
    /// Level 1 first.
    delays: Vec<Duration>,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An address or a port that cannot be used, with the key that sets it.
#[derive(Debug, thiserror::Error)]
#[error("`rocketmq.embedded.{key}` cannot be used: {}", reason(&**source))]
struct Unusable {
    key: &'static str,
    source: Cause,
}

impl Unusable {
    fn new(key: &'static str, source: impl Into<Cause>) -> Self {
        let source = source.into();
        Self { key, source }
    }
}

impl EmbeddedBroker {
    /// Starts a broker; clients may come when this returns.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Broker`]: a port is taken, the store is in use, is none, or cannot be
    /// written.
    pub async fn start(settings: &EmbeddedSettings) -> Result<Self, ApplicationError> {
        Self::start_on(Node::builder(), settings).await
    }

    /// Starts a broker with the clock and the disk of `node`, such as those of a test.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_on(
        node: NodeBuilder,
        settings: &EmbeddedSettings,
    ) -> Result<Self, ApplicationError> {
        let started = Running::start(node, settings).await;
        let running = started.map_err(|source| ApplicationError::Broker {
            store: settings.store_path.clone(),
            source,
        })?;
        Ok(Self(Arc::new(running)))
    }

    /// The address of the name server for other processes; `None` unless `rocketmq.embedded.listen`
    /// lets them in. Within the process, [`client`](Self::client) needs no address.
    pub fn name_server(&self) -> Option<String> {
        Some(self.0.node.name_server()?.from_elsewhere().to_string())
    }

    /// The address that the broker advertises to other processes; `None` when the broker is private.
    pub fn address(&self) -> Option<&str> {
        let node = &self.0.node;
        node.name_server().and(node.broker()).map(address)
    }

    /// A client of its own that reaches this broker without a socket, for what the template does
    /// not have: batches, chosen queues, consumers by hand.
    ///
    /// ```
    /// use mq_core::client::ProducerConfig;
    /// use mq_core::message::{GroupName, Message, TopicName};
    /// use mq_starter::EmbeddedBroker;
    /// use mq_starter::config::EmbeddedSettings;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> mq_starter::Result<()> {
    /// # let store = tempfile::tempdir()?;
    /// # let settings = EmbeddedSettings { store_path: store.path().into(), ..Default::default() };
    /// let broker = EmbeddedBroker::start(&settings).await?;
    /// let client = broker.client()?;
    /// let producer = client.producer(ProducerConfig::new(GroupName::new("importer")?))?;
    /// let orders = TopicName::new("orders")?;
    /// let batch = ["tea", "coffee"].map(|body| Message::new(orders.clone(), body));
    /// producer.send_batch(batch.into()).await?;
    /// # let limit = std::time::Duration::from_secs(5);
    /// # client.shutdown(limit).await?;
    /// # broker.stop(limit).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApplicationError::ShutDown`] when the broker was stopped.
    pub fn client(&self) -> Result<Client, ApplicationError> {
        self.client_with(|_| {})
    }

    /// A client with other settings than Java's defaults; its name server is always this broker's.
    ///
    /// # Errors
    ///
    /// As [`client`](Self::client).
    pub fn client_with(
        &self,
        adjust: impl FnOnce(&mut client::ClientConfig),
    ) -> Result<Client, ApplicationError> {
        if self.is_stopped() {
            return Err(ApplicationError::ShutDown("the embedded broker"));
        }
        let node = &self.0.node;
        // The name server's address is the first, the broker's the second.
        let names = node.within().take(1).map(|(name, _way)| name.to_owned());
        let names: Vec<_> = names.collect();
        let mut config = client::ClientConfig::new(names.clone());
        adjust(&mut config);
        config.name_servers = names;
        let client = Client::new(config, node.clock().clone()).map_err(|source| {
            ApplicationError::Cluster {
                action: "make a client".to_owned(),
                source: source.into(),
            }
        })?;
        for (address, way) in node.within() {
            client.attach(address, &way);
        }
        Ok(client)
    }

    /// The longest body in bytes that it takes.
    pub(crate) fn max_message_size(&self) -> usize {
        self.0.max_message_size
    }

    /// How long each delay level is, level 1 first.
    pub(crate) fn delays(&self) -> &[Duration] {
        &self.0.delays
    }

    /// Whether [`stop`](Self::stop) was called: such a broker takes no more applications.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.node.is_stopped()
    }

    /// Stops it: requests under way end, everything is saved, the store is closed; at most `limit` for
    /// all that is waited for. It does not start again; a second call does nothing.
    ///
    /// # Errors
    ///
    /// [`StopError`] has all that did not end as it should.
    pub async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        self.0.node.stop(limit).await
    }
}

fn address(broker: &Broker) -> &str {
    &broker.advertised().text
}

impl Running {
    async fn start(node: NodeBuilder, settings: &EmbeddedSettings) -> Result<Self, Cause> {
        let (mut names, mut config) = (NamesrvConfig::default(), broker_config(settings)?);
        let delays = config.rules.delay_levels.iter().map(|(_, delay)| delay);
        let delays = delays.collect();
        let node = if let Some(listen) = &settings.listen {
            let found = tokio::net::lookup_host(listen).await;
            let address = found.map(|mut found| found.next());
            let address = address
                .map_err(|source| Unusable::new("listen", BindError::new(listen, source)))?
                .ok_or_else(|| Unusable::new("listen", format!("`{listen}` has no address")))?;
            (names.bind, names.port) = (address.ip(), address.port());
            config.network.bind = address.ip();
            node
        } else {
            node.within_process()
        };
        let node = node.name_server(names).broker(config).start().await;
        let node = node.map_err(|error| -> Cause {
            match &error {
                NodeError::NameServerAddress(_) => Unusable::new("listen", error).into(),
                NodeError::BrokerAddress(_) => Unusable::new("broker-port", error).into(),
                _ => error.into(),
            }
        })?;
        if let (Some(name_server), Some(broker)) = (node.name_server(), node.broker()) {
            tracing::info!(
                name_server = %name_server.from_elsewhere(),
                broker = address(broker),
                "listening"
            );
        }
        Ok(Self {
            node,
            max_message_size: settings.max_message_size,
            delays,
        })
    }
}

fn broker_config(settings: &EmbeddedSettings) -> Result<BrokerConfig, Unusable> {
    let mut config = BrokerConfig::default();
    CLUSTER_NAME.clone_into(&mut config.identity.cluster);
    BROKER_NAME.clone_into(&mut config.identity.name);
    config.network.port = settings.broker_port;
    config.rules.max_message_size = u32::try_from(settings.max_message_size).unwrap_or(u32::MAX);
    if let Some(levels) = &settings.message_delay_level {
        let levels = levels.parse();
        config.rules.delay_levels =
            levels.map_err(|source: DelayError| Unusable::new("message-delay-level", source))?;
    }
    config.storage.root.clone_from(&settings.store_path);
    config.storage.flush = match settings.flush {
        EmbeddedFlush::Sync => FlushMode::Sync,
        EmbeddedFlush::Interval => {
            tracing::warn!(
                "rocketmq.embedded.flush is `interval`: when the machine loses its power, messages \
                 of the last 200 ms, at most 4 MiB, may be lost although they were acknowledged"
            );
            FlushMode::Interval
        }
    };
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, SettingsOptions};

    /// Whoever tested further attempts waited 10 s for the first.
    #[test]
    fn delay_levels_are_those_of_the_settings() {
        let key = "rocketmq.embedded.message-delay-level";
        let options = SettingsOptions::default().set(key, "1s 2s");
        let settings = Settings::load(&options).unwrap().rocketmq().unwrap();
        let mistaken = EmbeddedSettings {
            message_delay_level: Some("1s,2s".to_owned()),
            ..EmbeddedSettings::default()
        };

        let levels = broker_config(&settings.embedded)
            .unwrap()
            .rules
            .delay_levels;
        let refused = broker_config(&mistaken).unwrap_err().to_string();

        assert_eq!(levels.to_string(), "1s 2s");
        assert!(
            refused.contains(&format!("`{key}` cannot be used: `1s,2s`")),
            "{refused}"
        );
    }
}
