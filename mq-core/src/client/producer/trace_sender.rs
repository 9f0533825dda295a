//! Sends message traces, with a producer of their own, which is not traced itself and not in heartbeats.

use std::sync::Arc;
use std::time::Duration;

use super::attempts::Retry;
use super::config::ProducerConfig;
use super::prepare;
use super::shared::ProducerShared;
use super::target::Target;
use crate::client::cluster::ClusterClient;
use crate::client::trace::{TraceSettings, Tracer};
use crate::message::GroupName;

/// The time of one send, all attempts together.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose records are sent; a part of the name of the producer group.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) enum TracedSide {
    Produce,
    Consume,
}

/// The tracer of a producer or consumer of `group`.
pub(in crate::client) fn tracer(
    cluster: &Arc<ClusterClient>,
    settings: &TraceSettings,
    group: &GroupName,
    side: TracedSide,
) -> Tracer {
    let config = config(group, side);
    let shared = Arc::new(ProducerShared::new(cluster, config, None));
    Tracer::start(cluster, settings, group, move |message| {
        let shared = Arc::clone(&shared);
        async move {
            let new_id = || shared.cluster.unique_id();
            let draft = prepare::single(message, &shared.config, new_id)?;
            // However durably it is stored: a trace is not sent twice.
            let sent = shared.send(draft, Target::Any, SEND_TIMEOUT, Retry::Waiting);
            sent.await.map(drop)
        }
    })
}

fn config(group: &GroupName, side: TracedSide) -> ProducerConfig {
    let side = match side {
        TracedSide::Produce => "PRODUCE",
        TracedSide::Consume => "CONSUME",
    };
    let name = GroupName::new(format!("_INNER_TRACE_PRODUCER-{group}-{side}-1"));
    // Too long for a group: the traced group's own name says enough.
    ProducerConfig::new(name.unwrap_or_else(|_too_long| group.clone()))
}
