//! Topics that an application creates, with a route that is known once they are created.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::admin::{Admin, AdminError};
use super::cluster::ClusterClient;
use crate::message::{MessageQueue, TopicName};

/// Creates `topic` on every master, or changes how many queues it has.
pub(super) async fn create(
    cluster: &Arc<ClusterClient>,
    topic: &TopicName,
    queues: u16,
) -> Result<(), AdminError> {
    let created = Admin::of(cluster).create_topic(topic, queues).await?;
    if let Some(error) = created.failed.into_iter().next() {
        return Err(error);
    }
    let brokers = created.value.into_iter().map(|(broker, _)| broker.name);
    wait_for_route(cluster, topic, &brokers.collect::<Vec<_>>(), queues).await;
    Ok(())
}

/// Waits, at most the timeout of a request, until the route has `queues` queues on each broker, to be
/// written or, where the topic's permission forbids that, to be read: brokers register a new topic in
/// the background, and a send before that would use the template's route.
async fn wait_for_route(
    cluster: &ClusterClient,
    topic: &TopicName,
    brokers: &[ByteString],
    queues: u16,
) {
    const ROUTE_POLL_INTERVAL: Duration = Duration::from_millis(10);

    let are_on = |broker: &ByteString, known: &[MessageQueue]| {
        let of_broker = known.iter().filter(|queue| queue.broker == *broker);
        of_broker.count() == usize::from(queues)
    };
    let known = async {
        loop {
            let found = cluster.refresh(topic).await.unwrap_or(false);
            let route = cluster.known_route(topic).filter(|_| found);
            if route.is_some_and(|route| {
                let has =
                    |broker| are_on(broker, &route.publish) || are_on(broker, &route.subscribe);
                brokers.iter().all(has)
            }) {
                return;
            }
            cluster.clock.sleep(ROUTE_POLL_INTERVAL).await;
        }
    };
    if cluster
        .clock
        .timeout(cluster.timings.api_timeout, known)
        .await
        .is_err()
    {
        tracing::warn!(%topic, "the topic is created, but its route does not have all its queues yet");
    }
}
