//! A broker that runs: its port, its store, its way to the name servers.
//!
//! The port comes first: a second server that is started by mistake does not touch the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::{BrokerConfig, FlushMode};
use mq_core::broker::{AdvertiseError, Advertised, Broker};
use mq_core::clock::Clock;
use mq_core::remoting::{ClientConfig, RemotingClient, RemotingServer, Router, ServerConfig};
use mq_core::store::disk::RealDisk;
use mq_core::store::{MessageStore, StoreConfig, StoreError};
use mq_core::tasks::Tasks;

use crate::failure::Failure;
use crate::ready;
use crate::settings::Checked;

/// How long stopping may take, all steps together: Kubernetes gives a program 30 s.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(25);

/// A broker that clients can reach.
#[derive(Debug)]
pub(crate) struct Running {
    broker: Broker,
    /// Connections to the name servers.
    outward: Tasks,
    clock: Clock,
    /// Its part of the line `ready`.
    pub(crate) line: String,
}

impl Running {
    /// Starts the broker; clients may come when this returns.
    pub(crate) async fn start(config: BrokerConfig, clock: Clock) -> Result<Self, Failure> {
        let address = SocketAddr::new(config.network.bind, config.network.port).to_string();
        let bound = RemotingServer::bind(&address, ServerConfig::default(), clock.clone()).await;
        let server = bound.map_err(|error| {
            let advice = "this port is set with `listenPort` (standalone: `--broker-port`)";
            Failure::from(error).advise(advice)
        })?;
        let host = config.network.advertised.as_deref();
        let advertised = Advertised::of(host, &server.listening()).await;
        let advertised = advertised.map_err(advise_to_listen)?;
        let line = line(&config, &advertised);
        let store = open(config.store(), clock.clone()).await?;
        let outward = Tasks::new(clock.clone());
        let nothing = Arc::new(Router::default());
        let client = RemotingClient::new(
            ClientConfig::default(),
            nothing,
            clock.clone(),
            outward.clone(),
        );
        let opened = Broker::open(config, store.clone(), advertised, client, clock.clone());
        let broker = match opened {
            Ok(broker) => broker,
            Err(error) => {
                store.close()?;
                return Err(error.into());
            }
        };
        broker.start().await?;
        broker.serve(server);
        Ok(Self {
            broker,
            outward,
            clock,
            line,
        })
    }

    /// Ends in order, within `limit`: goodbye to the name servers, requests, offsets, store.
    pub(crate) async fn stop(self, limit: Duration) -> Result<(), Failure> {
        let deadline = self.clock.moment().plus(limit);
        let stopped = self.broker.stop(limit).await;
        let left = deadline.since(self.clock.moment());
        let outward = self.outward.stop(left).await;
        stopped?;
        Ok(outward?)
    }
}

fn advise_to_listen(error: AdvertiseError) -> Failure {
    let elsewhere = matches!(error, AdvertiseError::NotListened { .. });
    let failure = Failure::from(error);
    if elsewhere {
        failure.advise(
            "or listen at all addresses of both families with `--bind 0.0.0.0` (`bindAddress`)",
        )
    } else {
        failure
    }
}

/// Logs what a person should know about a configuration.
pub(crate) fn announce((config, warnings): Checked<BrokerConfig>) -> BrokerConfig {
    ready::warn(&warnings);
    if config.storage.flush == FlushMode::Interval {
        tracing::warn!(
            "flush=interval: when the machine loses its power, messages of the last 200 ms, at \
             most 4 MiB, may be lost although they were acknowledged"
        );
    }
    config
}

fn line(config: &BrokerConfig, advertised: &Advertised) -> String {
    let flush = match config.storage.flush {
        FlushMode::Sync => "sync",
        FlushMode::Interval => "interval",
    };
    let (address, store) = (&advertised.text, config.storage.root.display());
    format!("broker={address} store={store} flush={flush}")
}

async fn open(config: StoreConfig, clock: Clock) -> Result<MessageStore, Failure> {
    let root = config.root.clone();
    let opening =
        tokio::task::spawn_blocking(move || MessageStore::open(config, Arc::new(RealDisk), clock));
    let (store, _) = opening.await?.map_err(|error| {
        let mut advice = "or choose another directory with `--store`".to_owned();
        if let StoreError::Disk { .. } = error {
            advice.insert_str(0, &format!("give `{}` space and rights, ", root.display()));
        }
        Failure::from(error).advise(advice)
    })?;
    Ok(store)
}
