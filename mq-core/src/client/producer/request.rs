//! Requests, whose sender waits for a message in reply, and where replies go
//! (`DefaultMQProducerImpl.request`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::shared::ProducerShared;
use super::target::Target;
use crate::client::cluster::ClusterClient;
use crate::client::error::{MessageError, RequestError, SendError};
use crate::client::replies::AwaitedReply;
use crate::clock::Moment;
use crate::message::later::time_of;
use crate::message::{Later, Message, MessageExt, MessageQueue, TopicName, property};

/// The reply to a request message, which is waited for until this is dropped.
#[must_use = "a reply that nobody receives is dropped"]
pub struct ExpectedReply {
    cluster: Arc<ClusterClient>,
    awaited: AwaitedReply,
    topic: TopicName,
    limit: Duration,
    deadline: Moment,
}

impl ExpectedReply {
    /// The time that is left for sending and for the reply.
    pub fn left(&self) -> Duration {
        self.deadline.since(self.cluster.clock.moment())
    }

    /// Waits for the reply, once the request has been sent.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; without a reply in time the request may have been handled all the same.
    pub async fn receive(mut self) -> Result<MessageExt, RequestError> {
        // It may have been found out on the way that the broker was started again.
        self.introduce().await?;
        let clock = self.cluster.clock.clone();
        match clock.timeout(self.left(), self.awaited.arrival()).await {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(RequestError::ShutDown),
            Err(_elapsed) => Err(self.no_reply()),
        }
    }

    async fn introduce(&self) -> Result<(), RequestError> {
        let clock = &self.cluster.clock;
        let introduced = clock.timeout(self.left(), self.cluster.introduce()).await;
        introduced.map_err(|_elapsed| self.no_reply())
    }

    fn no_reply(&self) -> RequestError {
        RequestError::NoReply {
            topic: self.topic.clone(),
            limit: self.limit,
        }
    }
}

impl fmt::Debug for ExpectedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectedReply")
            .field("topic", &self.topic)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl ProducerShared {
    /// Makes `message` a request whose reply is waited for; `limit` begins now.
    pub(super) async fn expect_reply(
        &self,
        message: &mut Message,
        limit: Duration,
    ) -> Result<ExpectedReply, RequestError> {
        let cluster = &self.cluster;
        check_delay(message, limit, cluster.clock.now_ms())?;
        let id = cluster.unique_id();
        for (name, value) in [
            (property::CORRELATION_ID, &*id),
            (property::REPLY_TO_CLIENT, &*cluster.client_id),
            (property::TTL, &*limit.as_millis().to_string()),
        ] {
            message.properties.set(name, value);
        }
        let expected = ExpectedReply {
            cluster: Arc::clone(cluster),
            awaited: cluster.replies.wait(&id),
            topic: message.topic.clone(),
            limit,
            deadline: cluster.clock.moment().plus(limit),
        };
        expected.introduce().await?;
        Ok(expected)
    }

    /// Where a reply goes: to the broker that stored the request if that is known, because it knows who
    /// waits.
    pub(super) async fn reply_target(
        &self,
        request: &MessageExt,
        reply: &Message,
    ) -> Result<Target, SendError> {
        let route = self.route(&reply.topic).await?;
        let stored_at = request.store_host.to_string();
        let knows = |queue: &&MessageQueue| {
            let master = self.cluster.master(&queue.broker);
            master.is_some_and(|master| master == stored_at)
        };
        let queue = route.publish.iter().find(knows);
        Ok(queue.map_or(Target::Any, |queue| Target::Queue(queue.clone())))
    }
}

/// Refuses a request that would be delivered only after `limit`, the time for sending and for the reply. What
/// a level means is known to the broker alone.
fn check_delay(message: &Message, limit: Duration, now_ms: i64) -> Result<(), RequestError> {
    let delay = match time_of(&message.properties) {
        Some(Later::After(delay)) => delay,
        Some(Later::At(time_ms)) => {
            Duration::from_millis(u64::try_from(time_ms.saturating_sub(now_ms)).unwrap_or(0))
        }
        _ => return Ok(()),
    };
    if delay < limit {
        return Ok(());
    }
    Err(RequestError::Send(SendError::Message {
        topic: message.topic.clone(),
        source: MessageError::DelayOfRequest { delay, limit },
    }))
}
