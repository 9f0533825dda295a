//! Checks whether a group may read a queue, and finds the filter of its subscription.

use std::sync::Arc;

use mq_rules::sql::SqlError;

use crate::broker::admit::{Admit, READ, forbidden};
use crate::broker::parts::Parts;
use crate::broker::state::peers::{Peers, SubscriptionLookup};
use crate::broker::state::recent_conditions::RecentConditions;
use crate::broker::state::topics::Topic;
use crate::broker::state::unsupported::{Refused, Unsupported, switched_off};
use crate::message::subscription::{Filter, SelectorType, Subscription, TagExpression};
use crate::remoting::Peer;
use crate::wire::body::{MessageModel, permission};
use crate::wire::header::{PullMessage, PullMessageReply};
use crate::wire::{Refusal, Reply, ResponseCode};

/// An admitted pull: its topic and filter, and the system flags of its group.
#[derive(Debug)]
pub(super) struct AdmittedPull {
    pub(super) topic: Arc<Topic>,
    pub(super) filter: Filter,
    pub(super) group_sys_flag: i32,
}

impl AdmittedPull {
    /// An answer that tells nothing yet but the system flags of group and topic.
    pub(super) fn reply(&self) -> PullMessageReply {
        PullMessageReply {
            topic_sys_flag: Some(self.topic.config.topic_sys_flag),
            group_sys_flag: Some(self.group_sys_flag),
            ..PullMessageReply::default()
        }
    }
}

/// A refused pull; some reasons have a number (`ForbiddenType`).
#[derive(Debug)]
pub(super) struct RefusedPull {
    refusal: Refusal,
    kind: Option<i32>,
}

impl RefusedPull {
    fn because(kind: i32, remark: &str) -> Self {
        Self {
            refusal: forbidden(remark),
            kind: Some(kind),
        }
    }

    pub(super) fn into_reply(self) -> Result<Reply<PullMessageReply>, Refusal> {
        let Some(kind) = self.kind else {
            return Err(self.refusal);
        };
        let fields = PullMessageReply {
            forbidden_type: Some(kind),
            ..PullMessageReply::default()
        };
        Ok(Reply::ok(fields)
            .with_code(self.refusal.code)
            .with_remark(self.refusal.remark))
    }
}

impl From<Refusal> for RefusedPull {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            kind: None,
        }
    }
}

mod forbidden_type {
    pub(super) const BROKER: i32 = 1;
    pub(super) const GROUP: i32 = 2;
    pub(super) const TOPIC: i32 = 3;
    pub(super) const BROADCASTING: i32 = 4;
    pub(super) const SUBSCRIPTION: i32 = 5;
}

/// Checks pulls.
#[derive(Clone, Debug)]
pub(super) struct PullCheck {
    admit: Admit,
    peers: Arc<Peers>,
    unsupported: Arc<Unsupported>,
    conditions: Arc<RecentConditions>,
}

impl PullCheck {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            unsupported: Arc::clone(&parts.unsupported),
            conditions: Arc::default(),
        }
    }

    /// Runs the checks in Apache's order.
    pub(super) async fn admitted(
        &self,
        header: &PullMessage,
        asker: &Peer,
    ) -> Result<AdmittedPull, RefusedPull> {
        let admission = self.admit.admission_for(asker);
        if !self.admit.permits(READ) {
            let name = &self.admit.identity().name;
            let remark = format!("the broker[{name}] pulling message is forbidden");
            return Err(RefusedPull::because(forbidden_type::BROKER, &remark));
        }
        let group = admission.group(&header.consumer_group).await?;
        if !group.config.consume_enable {
            let remark = format!("subscription group no permission, {}", group.name);
            return Err(RefusedPull::because(forbidden_type::GROUP, &remark));
        }
        let topic = admission.existing(&header.topic)?;
        if !topic.permits(permission::READ) {
            let remark = format!("the topic[{}] pulling message is forbidden", topic.name);
            return Err(RefusedPull::because(forbidden_type::TOPIC, &remark));
        }
        if !topic.has_read_queue(header.queue_id) {
            let remark = format!(
                "queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}]",
                header.queue_id, topic.name, topic.config.read_queue_nums
            );
            return Err(Refusal::new(ResponseCode::INVALID_PARAMETER, remark).into());
        }
        let filter = if header.has(PullMessage::SUBSCRIPTION) {
            self.inline(header, asker)?
        } else {
            self.registered(header, asker, group.config.consume_broadcast_enable)?
        };
        Ok(AdmittedPull {
            topic,
            filter,
            group_sys_flag: group.config.group_sys_flag,
        })
    }

    /// The filter of the subscription in the asker's heartbeats.
    fn registered(
        &self,
        header: &PullMessage,
        asker: &Peer,
        may_broadcast: bool,
    ) -> Result<Filter, RefusedPull> {
        let (group, topic) = (&header.consumer_group, &header.topic);
        let unknown = || {
            let remark = format!("the consumer group [{group}] has not subscribed [{topic}]");
            Refusal::new(ResponseCode::SUBSCRIPTION_NOT_EXIST, remark)
        };
        let model = self.peers.model(group, asker.id()).ok_or_else(unknown)?;
        if !may_broadcast && model == MessageModel::Broadcasting {
            let remark = format!("the consumer group[{group}] can not consume by broadcast way");
            return Err(RefusedPull::because(forbidden_type::BROADCASTING, &remark));
        }
        if self.admit.groups.may_not_read(group, topic) {
            let remark = format!("the consumer group[{group}] is forbidden for topic[{topic}]");
            return Err(RefusedPull::because(forbidden_type::SUBSCRIPTION, &remark));
        }
        match self
            .peers
            .subscription(group, asker.id(), topic, header.sub_version)
        {
            SubscriptionLookup::Known(own) => Ok(self.usable(header, asker, &own)?),
            SubscriptionLookup::NotYetKnown => self.not_yet_known(header, asker),
            SubscriptionLookup::NotSubscribed => Err(unknown().into()),
        }
    }

    /// The filter of a subscription; none that cannot be read or is switched off.
    fn usable(
        &self,
        header: &PullMessage,
        asker: &Peer,
        subscription: &Subscription,
    ) -> Result<Filter, Refusal> {
        let Subscription {
            selector, filter, ..
        } = subscription;
        if let Some(error) = filter.error() {
            self.count_refused(header, asker, selector.as_str(), Some(error));
            let remark = format!(
                "The broker's consumer filter data is not exist!Your expression may be wrong! {error}"
            );
            return Err(Refusal::new(ResponseCode::FILTER_DATA_NOT_EXIST, remark));
        }
        self.permitted(header, asker, *selector)?;
        if *selector != SelectorType::Tag
            && self.admit.config.rules.filters.retry_topics
            && subscription.topic.is_retry()
        {
            return Ok(self.peers.filter_by_origin(&header.consumer_group));
        }
        Ok(filter.clone())
    }

    /// The filter of a pull whose subscription the broker does not know yet: by tags, every message
    /// passes, because clients filter by tag again.
    ///
    /// Apache's `PullMessageProcessor` refuses such a pull. But a Java client that changes its
    /// subscription while another of its threads sends a heartbeat sends it only with the next one,
    /// up to 30 s later (`sendHeartbeatToAllBrokerWithLock`).
    fn not_yet_known(&self, header: &PullMessage, asker: &Peer) -> Result<Filter, RefusedPull> {
        let selector = SelectorType::from_wire(header.expression_type.as_deref());
        match selector {
            Some(SelectorType::Tag) => return Ok(Filter::default()),
            Some(other) => self.permitted(header, asker, other)?,
            None => self.count_refused(header, asker, language(header), None),
        }
        let (group, topic) = (&header.consumer_group, &header.topic);
        let remark = format!("the subscription of [{group}] to [{topic}] is not the latest");
        Err(Refusal::new(ResponseCode::SUBSCRIPTION_NOT_LATEST, remark).into())
    }

    /// The filter of the subscription in the pull itself.
    fn inline(&self, header: &PullMessage, asker: &Peer) -> Result<Filter, Refusal> {
        let selector = SelectorType::from_wire(header.expression_type.as_deref());
        let expression = header.subscription.as_deref().unwrap_or_default();
        let filter = match selector {
            Some(SelectorType::Tag) => TagExpression::parse(expression).ok().map(Filter::from),
            Some(SelectorType::Sql92) => {
                self.permitted(header, asker, SelectorType::Sql92)?;
                Some(self.conditions.filter(expression))
            }
            None => None,
        };
        let error = filter.as_ref().and_then(Filter::error);
        if let Some(filter) = filter.as_ref().filter(|_| error.is_none()) {
            return Ok(filter.clone());
        }
        self.count_refused(header, asker, language(header), error);
        let mut remark = "parse the consumer's subscription failed".to_owned();
        if let Some(error) = error {
            remark = format!("{remark}: {error}");
        }
        Err(Refusal::new(
            ResponseCode::SUBSCRIPTION_PARSE_FAILED,
            remark,
        ))
    }

    /// Refuses conditions where they are switched off.
    fn permitted(
        &self,
        header: &PullMessage,
        asker: &Peer,
        selector: SelectorType,
    ) -> Result<(), Refusal> {
        if selector == SelectorType::Tag || self.admit.config.rules.filters.conditions {
            return Ok(());
        }
        self.count_refused(header, asker, selector.as_str(), None);
        Err(switched_off(selector.as_str()))
    }

    fn count_refused(
        &self,
        header: &PullMessage,
        asker: &Peer,
        language: &str,
        error: Option<&SqlError>,
    ) {
        let client = self.peers.client_of(&header.consumer_group, asker);
        self.unsupported.count(&Refused {
            client: &client,
            group: &header.consumer_group,
            topic: &header.topic,
            language,
            error,
        });
    }
}

/// The language of the pull's expression.
fn language(header: &PullMessage) -> &str {
    header.expression_type.as_deref().unwrap_or("TAG")
}
