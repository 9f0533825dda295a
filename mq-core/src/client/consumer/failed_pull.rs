//! What follows a pull that failed.

use std::time::Duration;

use super::fetch::FetchError;
use super::refused_queues::RefusedQueues;
use crate::client::cluster::ClusterClient;
use crate::message::MessageQueue;
use crate::wire::ResponseCode;

/// Logs a failed pull, and requests the heartbeat or the route refresh that may cure it. Transport
/// errors are normal while a broker restarts. Returns the pause before the next pull.
pub(in crate::client) fn handle(
    cluster: &ClusterClient,
    refused_queues: &RefusedQueues,
    queue: &MessageQueue,
    error: &FetchError,
) -> Duration {
    match error.code() {
        Some(ResponseCode::SUBSCRIPTION_NOT_EXIST | ResponseCode::SUBSCRIPTION_NOT_LATEST) => {
            tracing::debug!(%queue, "the broker does not know the subscription yet: sending a heartbeat");
            cluster.heartbeat_is_due();
        }
        Some(ResponseCode::FLOW_CONTROL) => {
            tracing::debug!(%queue, "the broker's flow control refused the pull");
            return cluster.timings.flow_pause;
        }
        _ if error.is_transport() => {
            tracing::debug!(%queue, %error, "pulling fails");
            cluster.routes_are_stale();
        }
        _ if refused_queues.begin(queue) => {
            tracing::warn!(%queue, %error, "pulling fails; it is retried until it succeeds");
        }
        _ => tracing::debug!(%queue, %error, "pulling fails"),
    }
    cluster.timings.pull_pause
}
