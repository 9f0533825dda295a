//! `mq broker`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::node::Node;
use mq_core::remoting::{RemotingClient, RemotingClientConfig, Router};
use mq_core::stop::StopSignal;
use mq_core::tasks::Tasks;
use mq_core::wire::header::GetBrokerClusterInfo;

use crate::cli::BrokerArgs;
use crate::failure::ProgramFailure;
use crate::running::{self, StoreSummary, announce};
use crate::settings;

/// How long to wait for a name server that is started at the same time.
const NAME_SERVER_TIMEOUT: Duration = Duration::from_secs(10);
const NAME_SERVER_RETRY_DELAY: Duration = Duration::from_millis(200);

pub(crate) async fn run(args: BrokerArgs, clock: Clock) -> Result<(), ProgramFailure> {
    let mut signal = StopSignal::listen()?;
    let begun = clock.moment();
    let config = announce(settings::broker(&args)?);
    if config.network.name_servers.is_empty() {
        let failure = ProgramFailure::from("no name server is named");
        return Err(failure.advise(
            "name one with `-n HOST:PORT` or `namesrvAddr=…`, or run both with `mq standalone`",
        ));
    }
    tokio::select! {
        answered = await_name_server(&config.network.name_servers, &clock) => answered?,
        _ = signal.received_once() => {
            tracing::info!("stopping; no name server answered, and the broker was not started");
            return Ok(());
        }
    }
    let store = StoreSummary::of(&config);
    let node = Node::builder().broker(config).clock(clock);
    running::run(node, Some(store), signal, begun).await
}

/// Waits until one of the name servers answers.
async fn await_name_server(addresses: &[String], clock: &Clock) -> Result<(), ProgramFailure> {
    let tasks = Tasks::new(clock.clone());
    let nothing = Arc::new(Router::default());
    let config = RemotingClientConfig::default();
    let client = RemotingClient::new(config, nothing, clock.clone(), tasks.clone());
    let deadline = clock.moment().plus(NAME_SERVER_TIMEOUT);
    let mut told = false;
    let answered = loop {
        let mut last = None;
        for address in addresses {
            let asked = client.call(
                address,
                GetBrokerClusterInfo,
                Bytes::new(),
                NAME_SERVER_TIMEOUT,
            );
            match asked.await {
                Err(error) if error.is_transport() => last = Some(error),
                _ => {
                    last = None;
                    break;
                }
            }
        }
        match last {
            Some(error) if clock.moment() >= deadline => break Err(error),
            Some(error) => {
                if !told {
                    tracing::warn!(%error, "waiting for a name server");
                    told = true;
                }
                clock.sleep(NAME_SERVER_RETRY_DELAY).await;
            }
            None => break Ok(()),
        }
    };
    tasks.stop(NAME_SERVER_RETRY_DELAY).await?;
    answered.map_err(|error| {
        ProgramFailure::from(error).advise(
            "is the name server running there? start one with `mq namesrv`, or name another with \
             `-n HOST:PORT`",
        )
    })
}
