//! Creates topics on brokers that do not create them automatically.

use std::time::Duration;

use bytes::Bytes;

use super::cluster::ClusterClient;
use super::error::{ErrorKind, RouteError};
use super::routes::{MASTER_ID, TEMPLATE_TOPIC};
use crate::message::TopicName;
use crate::remoting::CallError;
use crate::wire::body::permission;
use crate::wire::header::UpdateAndCreateTopic;

/// Why a topic could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The brokers could not be looked up.
    #[error("could not look up the brokers: {0}")]
    Route(#[source] RouteError),
    /// No broker has registered with the name server.
    #[error("the name server knows no broker")]
    NoBroker,
    /// A broker did not create the topic.
    #[error("broker `{broker}` did not create topic `{topic}`: {source}")]
    Broker {
        /// The broker.
        broker: String,
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: CallError,
    },
}

impl TopicError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Route(source) => source.kind(),
            Self::NoBroker => ErrorKind::NoRoute,
            Self::Broker { source, .. } => ErrorKind::of(source),
        }
    }
}

/// Creates `topic` on every master.
pub(super) async fn create(
    cluster: &ClusterClient,
    topic: &TopicName,
    queues: u16,
) -> Result<(), TopicError> {
    let info = cluster.brokers().await.map_err(TopicError::Route)?;
    let brokers = info.broker_addr_table.into_values();
    let masters: Vec<_> = brokers
        .filter_map(|mut broker| {
            Some((broker.broker_name, broker.broker_addrs.remove(&MASTER_ID)?))
        })
        .collect();
    if masters.is_empty() {
        return Err(TopicError::NoBroker);
    }
    let count = masters.len();
    for (name, address) in masters {
        let request = UpdateAndCreateTopic {
            topic: topic.to_text(),
            default_topic: TEMPLATE_TOPIC.into(),
            read_queue_nums: queues.into(),
            write_queue_nums: queues.into(),
            perm: permission::READ | permission::WRITE,
            topic_filter_type: Some("SINGLE_TAG".into()),
            topic_sys_flag: Some(0),
            order: false,
            attributes: None,
            force: None,
        };
        let created = cluster.call(&address, request, Bytes::new()).await;
        created.map_err(|source| TopicError::Broker {
            broker: name.to_string(),
            topic: topic.clone(),
            source,
        })?;
    }
    wait_for_route(cluster, topic, usize::from(queues) * count).await;
    Ok(())
}

/// Waits, at most the timeout of a request, until the route has `queues` queues: brokers register a
/// new topic in the background, and a send before that would use the template's route.
async fn wait_for_route(cluster: &ClusterClient, topic: &TopicName, queues: usize) {
    const ROUTE_POLL_INTERVAL: Duration = Duration::from_millis(10);

    let known = async {
        loop {
            let found = cluster.refresh(topic).await.unwrap_or(false);
            let route = cluster.known_route(topic).filter(|_| found);
            if route.is_some_and(|route| route.publish.len() == queues) {
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
