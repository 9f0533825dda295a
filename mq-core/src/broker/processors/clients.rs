//! Clients come, tell what they want, and leave: 34, 35, 38 and 46 (`ClientManageProcessor`,
//! `ConsumerManageProcessor`).
//!
//! Invariant: whoever has to share queues anew is told at once, with 40.

use std::sync::Arc;

use bytes::Bytes;

use crate::broker::admit::Admit;
use crate::broker::parts::Parts;
use crate::broker::state::groups::Group;
use crate::broker::state::peers::{Caller, Change, Mixed, Peers};
use crate::broker::state::unsupported::{self, Refused, Unsupported};
use crate::message::GroupName;
use crate::message::subscription::SelectorType;
use crate::remoting::{Incoming, Peer, PeerWatcher, Processor};
use crate::troubles::Troubles;
use crate::wire::body::{
    CheckClientRequestBody, ConsumerData, ConsumerIds, HeartbeatData, SubscriptionData,
};
use crate::wire::header::{
    CheckClientConfig, GetConsumerListByGroup, HeartBeat, HeartBeatReply, NotifyConsumerIdsChanged,
    UnregisterClient,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// Keeps track of clients.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Clients {
    admit: Admit,
    peers: Arc<Peers>,
    unsupported: Arc<Unsupported>,
    unknown_groups: Arc<Troubles<()>>,
}

impl Clients {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            unsupported: Arc::clone(&parts.unsupported),
            unknown_groups: Arc::new(Troubles::new(parts.clock.clone())),
        }
    }

    /// Tells members of a group that others came or went.
    pub(in crate::broker) fn tell(&self, change: &Change) {
        let group = self.admit.groups.find(&change.group);
        if group.is_some_and(|group| !group.config.notify_consumer_ids_changed_enable) {
            return;
        }
        let header = NotifyConsumerIdsChanged {
            consumer_group: change.group.clone(),
        };
        for member in &change.members {
            if let Err(error) = member.notify(&header, Bytes::new()) {
                tracing::debug!(%error, ?member, "a member was not told, it will find out itself");
            }
        }
    }

    /// The groups of a heartbeat, made if need be and allowed and still to be saved; `None` in the
    /// place of one that does not exist.
    fn groups(
        &self,
        asker: &Peer,
        consumers: &[ConsumerData],
    ) -> Result<Vec<Option<Arc<Group>>>, Refusal> {
        let admission = self.admit.asked_by(asker);
        let mut groups = Vec::new();
        for consumer in consumers {
            groups.push(match admission.unsaved_group(&consumer.group_name) {
                Ok(group) => Some(group),
                Err(refusal) if refusal.code == ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST => {
                    if let Some(untold) = self.unknown_groups.begin(()) {
                        let group = &*consumer.group_name;
                        tracing::warn!(group, untold, "a consumer of a group that does not exist");
                    }
                    None
                }
                Err(refusal) => return Err(refusal),
            });
        }
        Ok(groups)
    }

    /// Registers a member of a group; says whether its subscriptions are to be sent again.
    fn register(&self, group: &Group, caller: &Caller, data: &ConsumerData, brief: bool) -> bool {
        let subscriptions = data.subscription_data_set.iter();
        for subscription in subscriptions.filter(|subscription| !is_by_tags(subscription)) {
            self.unsupported.tell(&Refused {
                client: &caller.client_id,
                group: group.name.as_str(),
                topic: &subscription.topic,
                language: &subscription.expression_type,
            });
        }
        let (heard, change) = self.peers.consumer(caller, data, brief);
        if let Some(change) = &change {
            self.tell(change);
        }
        for mixed in &heard.mixed {
            let Mixed {
                member,
                other,
                differences,
            } = mixed;
            tracing::warn!(
                group = %group.name, member, other, differences,
                "two members of a group subscribe to different things: each gets a share of all \
                 queues, so messages are passed over where the other has the queue; give all members \
                 the same subscriptions, or each program a group of its own"
            );
        }
        heard.incomplete
    }
}

impl Processor<HeartBeat> for Clients {
    async fn process(
        &self,
        request: Incoming<HeartBeat>,
    ) -> Result<Reply<HeartBeatReply>, Refusal> {
        let data: HeartbeatData = fastjson::read(&request.body)?;
        if data.client_id.is_empty() {
            return Err(Refusal::new(
                ResponseCode::INVALID_PARAMETER,
                "a client without an id",
            ));
        }
        let caller = Caller {
            client_id: data.client_id,
            peer: request.peer,
            language: request.language,
            version: request.version,
        };
        let brief = data.heartbeat_fingerprint != 0 && data.without_sub;
        let mut incomplete = false;
        for producer in &data.producer_data_set {
            if GroupName::new(producer.group_name.clone()).is_ok() {
                self.peers.producer(&caller, &producer.group_name);
            }
        }
        let groups = self.groups(&caller.peer, &data.consumer_data_set)?;
        for (group, consumer) in groups.iter().zip(&data.consumer_data_set) {
            if let Some(group) = group {
                incomplete |= self.register(group, &caller, consumer, brief);
            }
        }
        let groups: Vec<_> = groups.into_iter().flatten().collect();
        let before = self.admit.registration.latest();
        // Nothing is stored in the topics yet: a disk without room keeps no consumer away. Whatever
        // is sent to such a topic waits until it is saved.
        let admission = self.admit.asked_by(&caller.peer);
        let ((), _saved) = tokio::join!(self.admit.save_groups(), admission.retry_topics(&groups));
        self.admit.registration.heard_since(before).await;
        // A connection that ended meanwhile has been forgotten before it was remembered.
        if caller.peer.is_closed() {
            self.closed(&caller.peer);
        }
        Ok(Reply::ok(HeartBeatReply {
            supports_v2: Some(true),
            subscription_changed: Some(incomplete || !brief),
        }))
    }
}

impl Processor<UnregisterClient> for Clients {
    /// The connection leaves; others may have the same client id (`unregisterChannel`).
    async fn process(
        &self,
        request: Incoming<UnregisterClient>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let UnregisterClient {
            producer_group,
            consumer_group,
            ..
        } = request.header;
        let peer = request.peer.id();
        if let Some(group) = producer_group {
            self.peers.leave_producers(peer, &group);
        }
        let change = consumer_group.and_then(|group| self.peers.leave(peer, &group));
        if let Some(change) = change {
            self.tell(&change);
        }
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<GetConsumerListByGroup> for Clients {
    async fn process(
        &self,
        request: Incoming<GetConsumerListByGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = &request.header.consumer_group;
        let consumer_id_list = self.peers.members(group);
        if consumer_id_list.is_empty() {
            return Err(Refusal::system(format!(
                "no consumer for this group, {group}"
            )));
        }
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&ConsumerIds { consumer_id_list })))
    }
}

impl Processor<CheckClientConfig> for Clients {
    async fn process(
        &self,
        request: Incoming<CheckClientConfig>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let body: CheckClientRequestBody = fastjson::read(&request.body)?;
        let Some(subscription) = body.subscription_data else {
            return Ok(Reply::ok(NoFields));
        };
        if is_by_tags(&subscription) {
            return Ok(Reply::ok(NoFields));
        }
        let language = &subscription.expression_type;
        self.unsupported.count(&Refused {
            client: &body.client_id,
            group: &body.group,
            topic: &subscription.topic,
            language,
        });
        Err(unsupported::not_built(language))
    }
}

fn is_by_tags(subscription: &SubscriptionData) -> bool {
    let selector = SelectorType::from_wire(Some(&subscription.expression_type));
    selector == Some(SelectorType::Tag)
}

impl PeerWatcher for Clients {
    fn closed(&self, peer: &Peer) {
        for change in self.peers.gone(peer.id()) {
            self.tell(&change);
        }
    }
}
