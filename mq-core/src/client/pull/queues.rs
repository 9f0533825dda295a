//! The queues of a topic, and the brokers that have them.

use super::error::PullError;
use crate::client::cluster::ClusterClient;
use crate::client::routes::MASTER_ID;
use crate::message::{MessageQueue, TopicName};

/// The queues of `topic` that can be read. While no name server responds, those that were known last.
pub(super) async fn queues(
    cluster: &ClusterClient,
    topic: &TopicName,
) -> Result<Vec<MessageQueue>, PullError> {
    let known = || {
        let route = cluster.known_route(topic);
        route.filter(|route| !route.from_template)
    };
    match cluster.refresh(topic).await {
        Ok(true) => {}
        Ok(false) => return Err(PullError::NoTopic(topic.clone())),
        Err(source) if known().is_none() => {
            return Err(PullError::Route {
                topic: topic.clone(),
                source,
            });
        }
        Err(error) => {
            tracing::debug!(%topic, %error, "the topic could not be looked up: its last route is used");
        }
    }
    Ok(known().map_or_else(Vec::new, |route| route.subscribe.clone()))
}

/// Makes sure that the address of the broker of `queue` is known.
pub(super) async fn find_broker(
    cluster: &ClusterClient,
    queue: &MessageQueue,
) -> Result<(), PullError> {
    let is_known = || cluster.address(&queue.broker, MASTER_ID).is_some();
    if is_known() {
        return Ok(());
    }
    queues(cluster, &queue.topic).await?;
    if is_known() {
        return Ok(());
    }
    Err(PullError::NoBroker(queue.clone()))
}
