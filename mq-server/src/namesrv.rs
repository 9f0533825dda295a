//! `mq namesrv`.

use mq_core::clock::Clock;
use mq_core::namesrv::NameServer;
use mq_core::stop::StopSignal;

use crate::cli::NamesrvArgs;
use crate::failure::Failure;
use crate::ready;
use crate::running::STOP_LIMIT;
use crate::settings;

pub(crate) async fn run(args: NamesrvArgs, clock: Clock) -> Result<(), Failure> {
    let mut signal = StopSignal::listen()?;
    let begun = clock.moment();
    let (config, warnings) = settings::namesrv(&args)?;
    ready::warn(&warnings);
    let server = NameServer::start(&config, clock.clone()).await?;
    let address = server.address();
    let took = clock.moment().since(begun);
    ready::say(&format!(
        "ready namesrv={address} in {} ms",
        took.as_millis()
    ))?;

    signal.received_once().await;
    tracing::info!("stopping; a second signal ends the program at once");
    server.stop(STOP_LIMIT).await?;
    Ok(())
}
