//! `mq namesrv`.

use mq_core::clock::Clock;
use mq_core::node::Node;
use mq_core::stop::StopSignal;

use crate::cli::NamesrvArgs;
use crate::failure::ProgramFailure;
use crate::{ready, running, settings};

pub(crate) async fn run(args: NamesrvArgs, clock: Clock) -> Result<(), ProgramFailure> {
    let signal = StopSignal::listen()?;
    let begun = clock.moment();
    let (config, warnings) = settings::namesrv(&args)?;
    ready::warn(&warnings);
    let node = Node::builder().name_server(config).clock(clock);
    running::run(node, None, signal, begun).await
}
