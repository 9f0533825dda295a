//! 203, 204 and 300: the connections of a consumer or producer group, and the groups that consume a
//! topic.

use std::sync::Arc;

use crate::broker::parts::Parts;
use crate::broker::state::offsets::Offsets;
use crate::broker::state::peers::Peers;
use crate::remoting::{Incoming, Processor};
use crate::wire::body::GroupList;
use crate::wire::header::{
    GetConsumerConnectionList, GetProducerConnectionList, QueryTopicConsumeByWho,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// Shows connections.
#[derive(Clone, Debug)]
pub(super) struct ConnectionAdmin {
    peers: Arc<Peers>,
    offsets: Arc<Offsets>,
}

impl ConnectionAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            peers: Arc::clone(&parts.peers),
            offsets: Arc::clone(&parts.offsets),
        }
    }
}

impl Processor<GetConsumerConnectionList> for ConnectionAdmin {
    async fn process(
        &self,
        request: Incoming<GetConsumerConnectionList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = &request.header.consumer_group;
        let connected = self.peers.consumer_connections(group).ok_or_else(|| {
            let remark = format!("the consumer group[{group}] not online");
            Refusal::new(ResponseCode::CONSUMER_NOT_ONLINE, remark)
        })?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&connected)))
    }
}

impl Processor<GetProducerConnectionList> for ConnectionAdmin {
    async fn process(
        &self,
        request: Incoming<GetProducerConnectionList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = &request.header.producer_group;
        let connected = self
            .peers
            .producer_connections(group)
            .ok_or_else(|| Refusal::system(format!("the producer group[{group}] not exist")))?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&connected)))
    }
}

impl Processor<QueryTopicConsumeByWho> for ConnectionAdmin {
    /// The connected groups, and those that have committed offsets.
    async fn process(
        &self,
        request: Incoming<QueryTopicConsumeByWho>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topic = &request.header.topic;
        let mut groups = self.peers.groups_wanting(topic);
        groups.extend(self.offsets.groups_of(topic));
        let body = GroupList {
            group_list: groups.into_iter().collect(),
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}
