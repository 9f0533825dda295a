//! `mq standalone`: a name server and a broker in one process.

use mq_core::clock::Clock;
use mq_core::namesrv::config::NamesrvConfig;
use mq_core::node::Node;
use mq_core::stop::StopSignal;

use crate::cli::StandaloneArgs;
use crate::failure::ProgramFailure;
use crate::running::{self, StoreSummary, announce};
use crate::settings;

const DEFAULT_NAME_SERVER_PORT: u16 = 9876;

pub(crate) async fn run(args: StandaloneArgs, clock: Clock) -> Result<(), ProgramFailure> {
    let signal = StopSignal::listen()?;
    let begun = clock.moment();
    let config = announce(settings::standalone(&args)?);
    let name_server = NamesrvConfig {
        bind: config.network.bind,
        port: args.namesrv_port.unwrap_or(DEFAULT_NAME_SERVER_PORT),
        ..NamesrvConfig::default()
    };
    if name_server.port != 0 && name_server.port == config.network.port {
        let port = name_server.port;
        let both = format!(
            "`--namesrv-port` and `--broker-port` (`listenPort`) are both {port}: the name server and the \
             broker need a port each"
        );
        return Err(ProgramFailure::from(both));
    }
    let store = StoreSummary::of(&config);
    let node = Node::builder().name_server(name_server).broker(config);
    running::run(node.clock(clock), Some(store), signal, begun).await
}
