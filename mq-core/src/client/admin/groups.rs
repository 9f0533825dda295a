//! Consumer groups: listed with members and lag, shown by queue with owner, deleted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::{join_all, try_join_all};

use super::brokers::{Gathered, gather};
use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::Master;
use crate::message::{GroupName, MessageQueue, TopicName};
use crate::wire::body::{
    ConsumeStats, ConsumeStatsList, ConsumerConnection, ConsumerRunningInfo,
    SubscriptionGroupConfig, SubscriptionGroups,
};
use crate::wire::header::{
    DeleteSubscriptionGroup, GetAllSubscriptionGroupConfig, GetBrokerConsumeStats, GetConsumeStats,
    GetConsumerConnectionList, GetConsumerRunningInfo,
};
use crate::wire::{Language, ResponseCode, fastjson};

/// How many groups are asked for their members at a time.
const GROUPS_AT_A_TIME: usize = 16;

/// A group in a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSummary {
    /// Its name.
    pub name: ByteString,
    /// How many members are connected.
    pub members: usize,
    /// How many messages it has not committed yet, in all topics in which it has committed any.
    pub lag: i64,
    /// Messages delivered to it for each second of the last minute.
    pub delivered_per_second: f64,
}

/// A group with its members and its progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupView {
    /// The connected members, by client id.
    pub members: Vec<GroupMember>,
    /// What it subscribes to.
    pub subscriptions: Vec<GroupSubscription>,
    /// Its progress by topic, broker and queue id.
    pub queues: Vec<GroupQueue>,
    /// Messages delivered to it for each second of the last minute.
    pub delivered_per_second: f64,
}

/// A connected member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The client id.
    pub client_id: ByteString,
    /// Where it comes from, as the brokers see it.
    pub address: ByteString,
    /// What it is written in.
    pub language: Language,
    /// Its version, as RocketMQ numbers versions.
    pub version: i32,
}

/// A subscription of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupSubscription {
    /// The topic.
    pub topic: ByteString,
    /// The expression.
    pub expression: ByteString,
    /// Its language: `TAG` or `SQL92`.
    pub expression_type: ByteString,
}

/// The progress of a group in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupQueue {
    /// The queue.
    pub queue: MessageQueue,
    /// The committed offset; 0 when there is none.
    pub committed: i64,
    /// The offset behind the last message.
    pub end: i64,
    /// The offset behind the last message that was delivered; the committed one where brokers do not
    /// say.
    pub delivered: i64,
    /// When the last committed message was stored, ms since 1970; `None` when that is not known.
    pub consumed_ms: Option<i64>,
    /// The member that the queue is assigned to; `None` when no member says that it has it.
    pub owner: Option<ByteString>,
}

impl GroupQueue {
    /// How many messages are not committed yet.
    pub fn lag(&self) -> i64 {
        self.end.saturating_sub(self.committed).max(0)
    }
}

/// A group in the list of one broker, or of several together.
#[derive(Debug, Default)]
struct GroupOfBroker {
    members: BTreeSet<ByteString>,
    lag: i64,
    delivered_per_second: f64,
}

impl GroupOfBroker {
    fn add(&mut self, other: Self) {
        self.members.extend(other.members);
        self.lag = self.lag.saturating_add(other.lag);
        self.delivered_per_second += other.delivered_per_second;
    }
}

impl Admin {
    /// All groups that brokers know, by name, also those of the brokers themselves.
    ///
    /// # Errors
    ///
    /// [`AdminError`], when no broker answered.
    pub async fn groups(&self) -> Result<Gathered<Vec<GroupSummary>>, AdminError> {
        let masters = self.masters().await?;
        let listed = gather(masters.iter().map(|master| self.groups_of(master)));
        Ok(listed.await?.map(|of_brokers| {
            let mut groups: BTreeMap<ByteString, GroupOfBroker> = BTreeMap::new();
            for (name, of_broker) in of_brokers.into_iter().flatten() {
                groups.entry(name).or_default().add(of_broker);
            }
            let groups = groups.into_iter();
            groups
                .map(|(name, group)| GroupSummary {
                    name,
                    members: group.members.len(),
                    lag: group.lag,
                    delivered_per_second: group.delivered_per_second,
                })
                .collect()
        }))
    }

    /// The groups that a broker knows.
    async fn groups_of(
        &self,
        master: &Master,
    ) -> Result<BTreeMap<ByteString, GroupOfBroker>, AdminError> {
        let header = GetBrokerConsumeStats { is_order: false };
        let list: ConsumeStatsList = self.body_of(master, "list the groups", header).await?;
        let mut groups = BTreeMap::new();
        for (name, stats) in list.consume_stats_list.into_iter().flatten() {
            let group: &mut GroupOfBroker = groups.entry(name).or_default();
            for of_topic in stats {
                group.delivered_per_second += of_topic.consume_tps;
                for at in of_topic.offset_table.values() {
                    let lag = at.broker_offset.saturating_sub(at.consumer_offset).max(0);
                    group.lag = group.lag.saturating_add(lag);
                }
            }
        }
        let mut all: Vec<_> = groups.iter_mut().collect();
        for some in all.chunks_mut(GROUPS_AT_A_TIME) {
            let asked = some.iter().map(|(name, _)| self.connection(master, name));
            let connected = try_join_all(asked).await?;
            for ((_, group), connection) in some.iter_mut().zip(connected) {
                let members = connection.connection_set.into_iter();
                group.members = members.map(|member| member.client_id).collect();
            }
        }
        Ok(groups)
    }

    /// A group with its members and its progress in `topic`, or in every topic in which it has committed
    /// offsets.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoGroup`], or why no broker answered.
    pub async fn group(
        &self,
        group: &GroupName,
        topic: Option<&TopicName>,
    ) -> Result<Gathered<GroupView>, AdminError> {
        let masters = self.masters().await?;
        self.known_group(&masters, group).await?;
        let found = gather(masters.iter().map(async |master| {
            let stats = self.consume_stats(master, group, topic).await?;
            let connection = self.connection(master, group.as_str()).await?;
            Ok((stats, (master.clone(), connection)))
        }));
        let Gathered { value, failed } = found.await?;
        let (stats, connected): (Vec<_>, Vec<_>) = value.into_iter().unzip();
        let owners = self.owners(group, &connected).await;
        let mut view = GroupView::default();
        let (mut members, mut subscriptions) = (BTreeMap::new(), BTreeSet::new());
        for (_, connection) in connected {
            members.extend(connection.connection_set.into_iter().map(|member| {
                let id = member.client_id.clone();
                let member = GroupMember {
                    client_id: member.client_id,
                    address: member.client_addr,
                    language: member.language,
                    version: member.version,
                };
                (id, member)
            }));
            let of_broker = connection.subscription_table.into_values();
            subscriptions.extend(of_broker.map(|subscription| GroupSubscription {
                topic: subscription.topic,
                expression: subscription.sub_string,
                expression_type: subscription.expression_type,
            }));
        }
        view.members = members.into_values().collect();
        view.subscriptions = subscriptions.into_iter().collect();
        for stats in stats {
            view.delivered_per_second += stats.consume_tps;
            view.queues.extend(
                stats
                    .offset_table
                    .into_iter()
                    .map(|(queue, at)| GroupQueue {
                        owner: owners.get(&queue).cloned(),
                        queue,
                        committed: at.consumer_offset,
                        end: at.broker_offset,
                        delivered: at.pull_offset.max(at.consumer_offset),
                        consumed_ms: Some(at.last_timestamp).filter(|time_ms| *time_ms > 0),
                    }),
            );
        }
        view.queues.sort_by(|a, b| a.queue.cmp(&b.queue));
        Ok(Gathered {
            value: view,
            failed,
        })
    }

    /// Deletes a group and its offsets on every broker; the brokers on which it was deleted. Its retry
    /// topic and its dead letters stay.
    ///
    /// # Errors
    ///
    /// [`AdminError::InUse`] while members are connected, or why a broker did not say whether any are;
    /// [`AdminError::NoGroup`]; or why it was deleted nowhere.
    pub async fn delete_group(
        &self,
        group: &GroupName,
    ) -> Result<Gathered<Vec<ByteString>>, AdminError> {
        let masters = self.masters().await?;
        self.known_group(&masters, group).await?;
        self.nobody_is_connected(&masters, group).await?;
        let deleted = gather(masters.iter().map(async |master| {
            let request = DeleteSubscriptionGroup {
                group_name: group.to_text(),
                clean_offset: true,
            };
            self.ask(master, "delete a group", request, Bytes::new())
                .await?;
            Ok(master.name.clone())
        }));
        deleted.await
    }

    /// The group's configuration on the first broker that knows it.
    pub(super) async fn known_group(
        &self,
        masters: &[Master],
        group: &GroupName,
    ) -> Result<SubscriptionGroupConfig, AdminError> {
        let found = self.find_group(masters, group).await?;
        found.ok_or_else(|| AdminError::NoGroup(group.clone()))
    }

    /// The same; `None` when every broker answered and none knows the group.
    pub(super) async fn find_group(
        &self,
        masters: &[Master],
        group: &GroupName,
    ) -> Result<Option<SubscriptionGroupConfig>, AdminError> {
        let all = gather(masters.iter().map(async |master| {
            let header = GetAllSubscriptionGroupConfig::default();
            let all: SubscriptionGroups = self.body_of(master, "look for a group", header).await?;
            Ok(all)
        }));
        let Gathered { value, failed } = all.await?;
        let mut tables = value.into_iter();
        let found = tables.find_map(|mut all| all.subscription_group_table.remove(group.as_str()));
        match failed.into_iter().next() {
            Some(error) if found.is_none() => Err(error),
            _ => Ok(found),
        }
    }

    /// The progress of a group on a broker.
    pub(super) async fn consume_stats(
        &self,
        master: &Master,
        group: &GroupName,
        topic: Option<&TopicName>,
    ) -> Result<ConsumeStats, AdminError> {
        let header = GetConsumeStats {
            consumer_group: group.to_text(),
            topic: topic.map(TopicName::to_text),
            // Brokers of RocketMQ 5 then show a topic to which the group does not subscribe, too.
            topic_list: topic.map(TopicName::to_text),
        };
        self.body_of(master, "read the offsets of a group", header)
            .await
    }

    /// Refuses while members of a group are connected with a broker.
    pub(super) async fn nobody_is_connected(
        &self,
        masters: &[Master],
        group: &GroupName,
    ) -> Result<(), AdminError> {
        let asked = masters
            .iter()
            .map(|master| self.connection(master, group.as_str()));
        let connected = gather(asked).await?;
        let connections = connected.value.iter();
        let members = connections.flat_map(|connection| &connection.connection_set);
        let ids: BTreeSet<_> = members.map(|member| &member.client_id).collect();
        if !ids.is_empty() {
            return Err(AdminError::InUse {
                group: group.clone(),
                members: ids.len(),
            });
        }
        connected.failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// The members of a group that are connected with a broker; none when the broker knows of none.
    async fn connection(
        &self,
        master: &Master,
        group: &str,
    ) -> Result<ConsumerConnection, AdminError> {
        let header = GetConsumerConnectionList {
            consumer_group: group.into(),
        };
        let offline = ResponseCode::CONSUMER_NOT_ONLINE;
        let connected = self.body_unless(master, "list the members", header, offline);
        Ok(connected.await?.unwrap_or_default())
    }

    /// Which member has which queue, as the members say. One that does not answer owns nothing.
    async fn owners(
        &self,
        group: &GroupName,
        connected: &[(Master, ConsumerConnection)],
    ) -> BTreeMap<MessageQueue, ByteString> {
        let mut members = BTreeMap::new();
        for (master, connection) in connected {
            for member in &connection.connection_set {
                members.entry(member.client_id.clone()).or_insert(master);
            }
        }
        let asked = members.into_iter().map(async |(client_id, master)| {
            let header = GetConsumerRunningInfo {
                consumer_group: group.to_text(),
                client_id: client_id.clone(),
                jstack_enable: false,
            };
            let reply = self.ask(master, "ask a member", header, Bytes::new()).await;
            let info: ConsumerRunningInfo = fastjson::read(&reply.ok()?.body).ok()?;
            let queues = info.mq_table.into_keys();
            Some(queues.map(move |queue| (queue, client_id.clone())))
        });
        let owned = join_all(asked).await.into_iter().flatten();
        owned.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_that_no_number_holds_are_as_high_as_one_can_be() {
        let behind = || GroupOfBroker {
            lag: i64::MAX,
            ..GroupOfBroker::default()
        };
        let mut group = behind();

        group.add(behind());

        assert_eq!(group.lag, i64::MAX);
    }
}
