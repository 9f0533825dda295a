//! 343 and 345: the topics of a group.

use std::sync::Arc;

use crate::broker::advertised::Advertised;
use crate::broker::parts::Parts;
use crate::broker::state::offsets::Offsets;
use crate::broker::state::peers::Peers;
use crate::remoting::{Incoming, Processor};
use crate::wire::body::{GroupSubscription, TopicList};
use crate::wire::header::{QuerySubscriptionByConsumer, QueryTopicsByConsumer};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// Shows which topics a group consumes, and how.
#[derive(Clone, Debug)]
pub(super) struct GroupTopics {
    offsets: Arc<Offsets>,
    peers: Arc<Peers>,
    advertised: Advertised,
}

impl GroupTopics {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            offsets: Arc::clone(&parts.offsets),
            peers: Arc::clone(&parts.peers),
            advertised: parts.advertised.clone(),
        }
    }
}

impl Processor<QueryTopicsByConsumer> for GroupTopics {
    async fn process(
        &self,
        request: Incoming<QueryTopicsByConsumer>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topics = self.offsets.topics_of(&request.header.group);
        let body = TopicList {
            topic_list: topics.into_iter().collect(),
            broker_addr: Some(self.advertised.text.as_str().into()),
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<QuerySubscriptionByConsumer> for GroupTopics {
    async fn process(
        &self,
        request: Incoming<QuerySubscriptionByConsumer>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let QuerySubscriptionByConsumer { group, topic } = request.header;
        let name = topic.as_deref().unwrap_or_default();
        let body = GroupSubscription {
            subscription_data: self.peers.subscription_of(&group, name),
            group,
            topic,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}
