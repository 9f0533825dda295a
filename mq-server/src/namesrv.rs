//! `mq namesrv`.

use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::namesrv::NameServer;

use crate::cli::NamesrvArgs;
use crate::failure::Failure;
use crate::ready;
use crate::settings;
use crate::signal::StopSignal;

/// How long stopping may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);

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

    signal.received().await;
    tracing::info!("stopping");
    server.stop(STOP_LIMIT).await?;
    Ok(())
}
