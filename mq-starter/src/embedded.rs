//! A broker and its name server inside this process.
//!
//! Clients of the process reach them without a socket; `rocketmq.embedded.listen` lets others in.
//! The store is locked: a second broker on the same directory is refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mq_core::broker::config::{BrokerConfig, DelayError, FlushMode};
use mq_core::broker::{Advertised, Broker};
use mq_core::client::{self, Client};
use mq_core::clock::Clock;
use mq_core::namesrv::{NameServer, NamesrvConfig};
use mq_core::reason::reason;
use mq_core::remoting::{
    BindError, ClientConfig, Listening, RemotingClient, RemotingServer, Router, ServerConfig,
};
use mq_core::store::MessageStore;
use mq_core::store::disk::RealDisk;
use mq_core::tasks::Tasks;

use crate::config::{EmbeddedFlush, EmbeddedSettings};
use crate::problem::ApplicationError;

const CLUSTER: &str = "DefaultCluster";
const NAME: &str = "mq";

/// What clients of this process call the name server, and the broker when it does not listen. No
/// resolver knows the names (RFC 6761): a client that was not shown the way without a socket gets an
/// error, and never the server of somebody else.
const NAME_SERVER: &str = "name-server.invalid:9876";
const BROKER: &str = "broker.invalid:10911";

/// A broker in this process. Clones are the same broker; whoever starts one stops it.
///
/// An application starts its own when its settings name no cluster. One that several applications
/// share is started here and given to each by
/// [`RocketMQApplication::broker`](crate::RocketMQApplication::broker).
#[derive(Clone, Debug)]
pub struct EmbeddedBroker(Arc<Running>);

#[derive(Debug)]
struct Running {
    name_server: NameServer<()>,
    /// Where others reach it; `None` when only this process does.
    listening: Option<Listening>,
    broker: Broker,
    /// The broker's way to the name server.
    outward: Tasks,
    max_message_size: usize,
    /// Level 1 first.
    delays: Vec<Duration>,
    stopped: AtomicBool,
    clock: Clock,
}

/// How others reach the broker: its socket when it has one, and what it says it is called.
struct Door {
    server: Option<RemotingServer>,
    advertised: Advertised,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An address or a port that cannot be had, under the key that says it.
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
        let started = Running::start(settings, Clock::system()).await;
        let running = started.map_err(|source| ApplicationError::Broker {
            store: settings.store_path.clone(),
            source,
        })?;
        Ok(Self(Arc::new(running)))
    }

    /// The address of the name server for other processes; `None` unless `rocketmq.embedded.listen`
    /// lets them in. Within the process, [`client`](Self::client) needs no address.
    pub fn name_server(&self) -> Option<String> {
        let listening = self.0.listening?;
        Some(listening.from_elsewhere().to_string())
    }

    /// The address that the broker tells other processes; `None` when none is let in.
    pub fn address(&self) -> Option<&str> {
        self.0.listening?;
        Some(&self.0.broker.advertised().text)
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
    /// # broker.stop(limit).await;
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

    /// The same with other settings than Java's defaults; its name server is always this broker's.
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
        let mut config = client::ClientConfig::new([NAME_SERVER]);
        adjust(&mut config);
        config.name_servers = vec![NAME_SERVER.to_owned()];
        let client = Client::new(config, self.0.clock.clone()).map_err(|source| {
            ApplicationError::Cluster {
                action: "make a client".to_owned(),
                source: source.into(),
            }
        })?;
        client.attach(NAME_SERVER, self.0.name_server.local());
        client.attach(&self.0.broker.advertised().text, &self.0.broker.local());
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
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Stops it: requests under way end, everything is saved, the store is closed. Says what did
    /// not end within `limit`. It does not start again; a second call does nothing.
    pub async fn stop(&self, limit: Duration) -> Vec<String> {
        let Running {
            name_server,
            broker,
            outward,
            stopped,
            clock,
            ..
        } = &*self.0;
        if stopped.swap(true, Ordering::Relaxed) {
            return Vec::new();
        }
        let deadline = clock.moment().plus(limit);
        let left = || deadline.since(clock.moment());
        let mut problems = Vec::new();
        if let Err(error) = broker.stop(left()).await {
            problems.push(error.to_string());
        }
        for stopped in [outward.stop(left()).await, name_server.stop(left()).await] {
            problems.extend(stopped.err().map(|error| error.to_string()));
        }
        problems
    }
}

impl Running {
    async fn start(settings: &EmbeddedSettings, clock: Clock) -> Result<Self, Cause> {
        let config = broker_config(settings)?;
        let delays = config.rules.delay_levels.iter().map(|(_, delay)| delay);
        let delays = delays.collect();
        let (name_server, listening) = name_server(settings, clock.clone()).await?;
        let Door { server, advertised } = door(settings, listening, clock.clone()).await?;
        let store = open(&config, clock.clone()).await?;
        let outward = Tasks::new(clock.clone());
        let client = RemotingClient::new(
            ClientConfig::default(),
            Arc::new(Router::default()),
            clock.clone(),
            outward.clone(),
        );
        client.attach(NAME_SERVER, name_server.local());
        let opened = Broker::open(config, store.clone(), advertised, client, clock.clone());
        let broker = match opened {
            Ok(broker) => broker,
            Err(error) => {
                store.close()?;
                return Err(error.into());
            }
        };
        broker.start().await?;
        if let (Some(server), Some(listening)) = (server, listening) {
            tracing::info!(
                name_server = %listening.from_elsewhere(),
                broker = broker.advertised().text,
                "listening"
            );
            broker.serve(server);
        }
        Ok(Self {
            name_server,
            listening,
            broker,
            outward,
            max_message_size: settings.max_message_size,
            delays,
            stopped: AtomicBool::new(false),
            clock,
        })
    }
}

async fn name_server(
    settings: &EmbeddedSettings,
    clock: Clock,
) -> Result<(NameServer<()>, Option<Listening>), Cause> {
    let mut config = NamesrvConfig::default();
    let Some(listen) = &settings.listen else {
        return Ok((NameServer::within(&config, clock)?, None));
    };
    let found = tokio::net::lookup_host(listen).await;
    let address = found.map(|mut found| found.next());
    let address = address
        .map_err(|source| Unusable::new("listen", BindError::new(listen, source)))?
        .ok_or_else(|| Unusable::new("listen", format!("`{listen}` has no address")))?;
    (config.bind, config.port) = (address.ip(), address.port());
    let started = NameServer::start(&config, clock).await;
    let started = started.map_err(|source| Unusable::new("listen", source))?;
    let (name_server, listening) = started.into_parts();
    Ok((name_server, Some(listening)))
}

async fn door(
    settings: &EmbeddedSettings,
    listening: Option<Listening>,
    clock: Clock,
) -> Result<Door, Cause> {
    let Some(listening) = listening else {
        // Message ids have an address in them, whether anybody listens there or not.
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.broker_port));
        return Ok(Door {
            server: None,
            advertised: Advertised {
                text: BROKER.to_owned(),
                socket,
            },
        });
    };
    let address = SocketAddr::new(listening.socket().ip(), settings.broker_port);
    let server = RemotingServer::bind(&address.to_string(), ServerConfig::default(), clock).await;
    let server = server.map_err(|source| Unusable::new("broker-port", source))?;
    let advertised = Advertised::from(server.listening().from_elsewhere());
    Ok(Door {
        server: Some(server),
        advertised,
    })
}

fn broker_config(settings: &EmbeddedSettings) -> Result<BrokerConfig, Unusable> {
    let mut config = BrokerConfig::default();
    CLUSTER.clone_into(&mut config.identity.cluster);
    NAME.clone_into(&mut config.identity.name);
    config.network.name_servers = vec![NAME_SERVER.to_owned()];
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

async fn open(config: &BrokerConfig, clock: Clock) -> Result<MessageStore, Cause> {
    let store = config.store();
    let opening =
        tokio::task::spawn_blocking(move || MessageStore::open(store, Arc::new(RealDisk), clock));
    let (store, _) = opening.await??;
    Ok(store)
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
