//! Heartbeats, unregistering, checks of subscriptions and lists of members: 34, 35, 46 and 38
//! (`ClientManageProcessor`, `ConsumerManageProcessor`).
//!
//! Invariant: members that must rebalance are notified at once, with request 40.

use std::sync::Arc;

use bytes::Bytes;
use mq_rules::sql::SqlError;

use crate::broker::admit::Admit;
use crate::broker::background::transactions::Transactions;
use crate::broker::parts::Parts;
use crate::broker::state::groups::Group;
use crate::broker::state::peers::{ClientInfo, MembershipChange, Peers, SubscriptionConflict};
use crate::broker::state::unsupported::{Refused, Unsupported, switched_off};
use crate::excerpt::excerpt;
use crate::message::GroupName;
use crate::message::subscription::{Filter, SelectorType};
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

/// Registers clients and their subscriptions.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Clients {
    admit: Admit,
    peers: Arc<Peers>,
    transactions: Transactions,
    unsupported: Arc<Unsupported>,
    unknown_groups: Arc<Troubles<()>>,
}

impl Clients {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            transactions: parts.transactions.clone(),
            unsupported: Arc::clone(&parts.unsupported),
            unknown_groups: Arc::new(Troubles::new(parts.clock.clone())),
        }
    }

    /// Notifies the members of a group that they must rebalance.
    pub(in crate::broker) fn notify(&self, change: &MembershipChange) {
        let group = self.admit.groups.find(&change.group);
        if group.is_some_and(|group| !group.config.notify_consumer_ids_changed_enable) {
            return;
        }
        let header = NotifyConsumerIdsChanged {
            consumer_group: change.group.clone(),
        };
        for member in &change.members {
            if let Err(error) = member.notify(&header, Bytes::new()) {
                tracing::debug!(%error, ?member, "a member could not be notified; it rebalances at its next interval");
            }
        }
    }

    /// The groups of a heartbeat, created if necessary and allowed, but not saved yet; `None` for
    /// one that does not exist.
    fn groups(
        &self,
        asker: &Peer,
        consumers: &[ConsumerData],
    ) -> Result<Vec<Option<Arc<Group>>>, Refusal> {
        let admission = self.admit.admission_for(asker);
        let mut groups = Vec::new();
        for consumer in consumers {
            groups.push(match admission.unsaved_group(&consumer.group_name) {
                Ok(group) => Some(group),
                Err(refusal) if refusal.code == ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST => {
                    if let Some(unlogged) = self.unknown_groups.begin(()) {
                        let group = &*consumer.group_name;
                        tracing::warn!(
                            group,
                            unlogged,
                            "a heartbeat names a consumer group that does not exist: it is ignored"
                        );
                    }
                    None
                }
                Err(refusal) => return Err(refusal),
            });
        }
        Ok(groups)
    }

    /// Registers a member of a group. Returns whether it must send its subscriptions again.
    fn register(
        &self,
        group: &Group,
        caller: &ClientInfo,
        data: &ConsumerData,
        brief: bool,
    ) -> bool {
        let subscriptions = data.subscription_data_set.iter();
        for subscription in subscriptions.filter(|subscription| !self.permits(subscription)) {
            self.unsupported.log(&Refused {
                client: &caller.client_id,
                group: group.name.as_str(),
                topic: &subscription.topic,
                language: &subscription.expression_type,
                error: None,
            });
        }
        let (heard, change) = self.peers.consumer(caller, data, brief);
        if let Some(change) = &change {
            self.notify(change);
        }
        for subscription in &heard.malformed {
            self.unsupported.log(&Refused {
                client: &caller.client_id,
                group: group.name.as_str(),
                topic: subscription.topic.as_str(),
                language: subscription.selector.as_str(),
                error: subscription.filter.error(),
            });
        }
        for conflicts in &heard.conflicts {
            let SubscriptionConflict {
                member,
                other,
                differences,
            } = conflicts;
            tracing::warn!(
                group = %group.name, member, other, differences,
                "two members of a group subscribe to different things: each is assigned a share of all \
                     queues, so messages are lost where the other member has the queue; give all members \
                     the same subscriptions, or each program a group of its own"
            );
        }
        heard.incomplete
    }

    /// Checks a subscription as a client asks for it (46).
    fn check(&self, subscription: &SubscriptionData) -> Result<(), Unreadable> {
        let language = &subscription.expression_type;
        let refused = |remark| Refusal::new(ResponseCode::SUBSCRIPTION_PARSE_FAILED, remark);
        let (refusal, error) = match SelectorType::from_wire(Some(language)) {
            Some(SelectorType::Tag) => return Ok(()),
            _ if !self.admit.config.rules.filters.conditions => (switched_off(language), None),
            Some(SelectorType::Sql92) => match Filter::by_sql(&subscription.sub_string) {
                Ok(_filter) => return Ok(()),
                Err(error) => {
                    let remark = format!("the condition cannot be read: {error}");
                    (refused(remark), Some(error))
                }
            },
            None => {
                let language = excerpt(language);
                let remark = format!("the language `{language}` is not known");
                (refused(remark), None)
            }
        };
        Err(Unreadable { refusal, error })
    }

    /// Whether subscriptions of this language are evaluated.
    fn permits(&self, subscription: &SubscriptionData) -> bool {
        match SelectorType::from_wire(Some(&subscription.expression_type)) {
            Some(SelectorType::Tag) => true,
            Some(SelectorType::Sql92) => self.admit.config.rules.filters.conditions,
            None => false,
        }
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
        let caller = ClientInfo {
            client_id: data.client_id,
            peer: request.peer,
            language: request.language,
            version: request.version,
        };
        let brief = data.heartbeat_fingerprint != 0 && data.without_sub;
        let mut incomplete = false;
        for producer in &data.producer_data_set {
            let group = &producer.group_name;
            if GroupName::new(group.clone()).is_ok() && self.peers.producer(&caller, group) {
                self.transactions.producer_came(group);
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
        // A full disk keeps no consumer from joining, because the retry topics are still empty. A
        // message to such a topic waits until the topic is saved.
        let admission = self.admit.admission_for(&caller.peer);
        let ((), _saved) = tokio::join!(self.admit.save_groups(), admission.retry_topics(&groups));
        self.admit.registration.heard_since(before).await;
        // If the connection closed meanwhile, its removal ran before the registration above: remove
        // it again.
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
    /// Removes this connection; others may have the same client id (`unregisterChannel`).
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
            self.notify(&change);
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
        let Err(unreadable) = self.check(&subscription) else {
            return Ok(Reply::ok(NoFields));
        };
        self.unsupported.count(&Refused {
            client: &body.client_id,
            group: &body.group,
            topic: &subscription.topic,
            language: &subscription.expression_type,
            error: unreadable.error.as_ref(),
        });
        Err(unreadable.refusal)
    }
}

/// A subscription that is not evaluated, and what is wrong with its condition, if that is the reason.
#[derive(Debug)]
struct Unreadable {
    refusal: Refusal,
    error: Option<SqlError>,
}

impl PeerWatcher for Clients {
    fn closed(&self, peer: &Peer) {
        for change in self.peers.gone(peer.id()) {
            self.notify(&change);
        }
    }
}
