//! `mq standalone`: a name server and a broker in one process.
//!
//! The name server comes first and goes last: the broker says hello and goodbye to it.

use mq_core::clock::Clock;
use mq_core::namesrv::NameServer;
use mq_core::namesrv::config::NamesrvConfig;
use mq_core::stop::StopSignal;

use crate::cli::StandaloneArgs;
use crate::failure::Failure;
use crate::ready;
use crate::running::{Running, STOP_LIMIT, announce};
use crate::settings;

const NAME_SERVER_PORT: u16 = 9876;

pub(crate) async fn run(args: StandaloneArgs, clock: Clock) -> Result<(), Failure> {
    let mut signal = StopSignal::listen()?;
    let begun = clock.moment();
    let mut config = announce(settings::standalone(&args)?);
    let name_server = NamesrvConfig {
        bind: config.network.bind,
        port: args.namesrv_port.unwrap_or(NAME_SERVER_PORT),
        ..NamesrvConfig::default()
    };
    if name_server.port != 0 && name_server.port == config.network.port {
        let port = name_server.port;
        let both = format!(
            "`--namesrv-port` and `--broker-port` (`listenPort`) are both {port}: the name server and the \
             broker need a port each"
        );
        return Err(Failure::from(both));
    }
    let started = NameServer::start(&name_server, clock.clone()).await;
    let name_server = started
        .map_err(|error| Failure::from(error).advise("this port is set with `--namesrv-port`"))?;
    let address = name_server.address();
    config.network.name_servers = vec![address.to_string()];
    let broker = match Running::start(config, clock.clone()).await {
        Ok(broker) => broker,
        Err(failure) => {
            name_server.stop(STOP_LIMIT).await?;
            return Err(failure);
        }
    };
    let took = clock.moment().since(begun).as_millis();
    ready::say(&format!(
        "ready namesrv={address} {} in {took} ms",
        broker.line
    ))?;

    signal.received_once().await;
    tracing::info!("stopping; a second signal ends the program at once");
    let deadline = clock.moment().plus(STOP_LIMIT);
    let stopped = broker.stop(STOP_LIMIT).await;
    let left = deadline.since(clock.moment());
    let name_server = name_server.stop(left).await;
    stopped?;
    Ok(name_server?)
}
