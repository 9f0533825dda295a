//! A node as a program: started, announced with the line `ready`, stopped by a signal.

use std::path::PathBuf;
use std::time::Duration;

use mq_core::broker::AdvertiseError;
use mq_core::broker::config::{BrokerConfig, FlushMode};
use mq_core::clock::Moment;
use mq_core::node::{Node, NodeBuilder, NodeError};
use mq_core::stop::StopSignal;
use mq_core::store::StoreError;

use crate::failure::ProgramFailure;
use crate::ready;
use crate::settings::WithWarnings;

/// How long stopping may take, all steps together: Kubernetes gives a program 30 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// What the line `ready` says about a broker's store.
pub(crate) struct StoreSummary {
    root: PathBuf,
    flush: FlushMode,
}

impl StoreSummary {
    pub(crate) fn of(config: &BrokerConfig) -> Self {
        Self {
            root: config.storage.root.clone(),
            flush: config.storage.flush,
        }
    }

    /// `error` with the option or key of `mq` that changes what failed.
    pub(crate) fn advise(&self, error: NodeError) -> ProgramFailure {
        let advice = match &error {
            NodeError::NameServerAddress(_) => "this port is set with `--namesrv-port`".to_owned(),
            NodeError::BrokerAddress(_) => {
                "this port is set with `listenPort` (standalone: `--broker-port`)".to_owned()
            }
            NodeError::Advertise(AdvertiseError::NotListened { .. }) => {
                "or listen at all addresses of both families with `--bind 0.0.0.0` (`bindAddress`)"
                    .to_owned()
            }
            NodeError::Store(StoreError::Disk { .. }) => format!(
                "give `{}` space and rights, or choose another directory with `--store`",
                self.root.display()
            ),
            NodeError::Store(_) => "or choose another directory with `--store`".to_owned(),
            _ => return ProgramFailure::from(error),
        };
        ProgramFailure::from(error).advise(advice)
    }
}

/// Starts `node`, says that it is ready, and stops it in order when `signal` comes. `begun` is when
/// the program began.
pub(crate) async fn run(
    node: NodeBuilder,
    store: Option<StoreSummary>,
    mut signal: StopSignal,
    begun: Moment,
) -> Result<(), ProgramFailure> {
    let started = node.start().await;
    let node = started.map_err(|error| match &store {
        Some(store) => store.advise(error),
        None => error.into(),
    })?;
    let took = node.clock().moment().since(begun).as_millis();
    let line = line(&node, store.as_ref());
    ready::say(&format!("ready {line} in {took} ms"))?;

    signal.received_once().await;
    tracing::info!("stopping; a second signal ends the program at once");
    Ok(node.stop(STOP_TIMEOUT).await?)
}

/// The addresses of the servers of `node`, and the directory and flush mode of the store.
fn line(node: &Node, store: Option<&StoreSummary>) -> String {
    let mut words = Vec::new();
    if let Some(listening) = node.name_server() {
        words.push(format!("namesrv={}", listening.from_here()));
    }
    if let Some(broker) = node.broker() {
        words.push(format!("broker={}", broker.advertised().text));
    }
    if let Some(StoreSummary { root, flush }) = store {
        let flush = match flush {
            FlushMode::Sync => "sync",
            FlushMode::Interval => "interval",
        };
        words.push(format!("store={} flush={flush}", root.display()));
    }
    words.join(" ")
}

/// Logs the warnings about a broker's configuration, and that it may lose messages when it may.
pub(crate) fn announce((config, warnings): WithWarnings<BrokerConfig>) -> BrokerConfig {
    ready::warn(&warnings);
    if config.storage.flush == FlushMode::Interval {
        tracing::warn!(
            "flush=interval: when the machine loses its power, messages of the last 200 ms, at \
             most 4 MiB, may be lost although they were acknowledged"
        );
    }
    config
}
