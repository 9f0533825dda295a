//! Topics: listed, shown with their queues and rates, created, changed and deleted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use bytestring::ByteString;

use super::brokers::{AdminBroker, Gathered, gather};
use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{BrowseError, Master};
use crate::client::routes::TEMPLATE_TOPIC;
use crate::message::{MessageQueue, TopicName};
use crate::wire::ResponseCode;
use crate::wire::body::{GroupList, TopicConfig, TopicConfigs, TopicFilterType, TopicStatsTable};
use crate::wire::header::{
    DeleteTopicInBroker, GetAllTopicConfig, GetTopicConfig, GetTopicStatsInfo,
    QueryTopicConsumeByWho, UpdateAndCreateTopic,
};

/// A topic in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSummary {
    /// Its name.
    pub name: ByteString,
    /// How many queues can be written, by broker.
    pub queues: BTreeMap<ByteString, i32>,
}

/// A topic with its queues.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicView {
    /// Its queues, by broker and queue id.
    pub queues: Vec<TopicQueue>,
    /// Messages stored for each second of the last minute.
    pub stored_per_second: f64,
    /// The groups that consume it or have committed offsets in it.
    pub groups: BTreeSet<ByteString>,
}

/// A queue of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicQueue {
    /// The queue.
    pub queue: MessageQueue,
    /// The offset of the first message.
    pub min: i64,
    /// The offset behind the last message.
    pub max: i64,
    /// When the last message was stored, ms since 1970; `None` when there is none.
    pub last_stored_ms: Option<i64>,
}

/// What became of a topic that was to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicChange {
    /// It is new.
    Created,
    /// It was there with another number of queues.
    Changed,
    /// It was there as it was wanted.
    Unchanged,
}

impl Admin {
    /// All topics, by name, also those of the brokers themselves.
    ///
    /// # Errors
    ///
    /// [`AdminError`], when no broker answered.
    pub async fn topics(&self) -> Result<Gathered<Vec<TopicSummary>>, AdminError> {
        let masters = self.masters().await?;
        let listed = gather(masters.iter().map(async |master| {
            let all = self.body_of(master, "list the topics", GetAllTopicConfig::default());
            let all: TopicConfigs = all.await?;
            Ok((master.name.clone(), all.topic_config_table))
        }));
        let listed = listed.await?;
        Ok(listed.map(|of_brokers| {
            let mut topics: BTreeMap<ByteString, TopicSummary> = BTreeMap::new();
            for (broker, table) in of_brokers {
                for (name, config) in table {
                    let topic = topics.entry(name.clone()).or_insert_with(|| TopicSummary {
                        name,
                        queues: BTreeMap::new(),
                    });
                    topic.queues.insert(broker.clone(), config.write_queue_nums);
                }
            }
            topics.into_values().collect()
        }))
    }

    /// A topic with its queues.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoTopic`], or why no broker answered.
    pub async fn topic(&self, topic: &TopicName) -> Result<Gathered<TopicView>, AdminError> {
        let masters = self.masters_of(topic).await?;
        let shown = gather(masters.iter().map(async |master| {
            let figures = GetTopicStatsInfo {
                topic: topic.to_text(),
            };
            let figures: TopicStatsTable = self.body_of(master, "show a topic", figures).await?;
            let groups = QueryTopicConsumeByWho {
                topic: topic.to_text(),
            };
            let groups: GroupList = self.body_of(master, "list the groups", groups).await?;
            Ok((figures, groups))
        }));
        let shown = shown.await?;
        Ok(shown.map(|of_brokers| {
            let mut view = TopicView {
                queues: Vec::new(),
                stored_per_second: 0.0,
                groups: BTreeSet::new(),
            };
            for (figures, groups) in of_brokers {
                view.stored_per_second += figures.topic_put_tps;
                view.groups.extend(groups.group_list);
                let queues = figures.offset_table.into_iter();
                view.queues
                    .extend(queues.map(|(queue, offsets)| TopicQueue {
                        queue,
                        min: offsets.min_offset,
                        max: offsets.max_offset,
                        last_stored_ms:
                            Some(offsets.last_update_timestamp).filter(|time_ms| *time_ms > 0),
                    }));
            }
            // Apache's brokers of RocketMQ 5 count the topic itself among its groups.
            view.groups.remove(topic.as_str());
            view.queues.sort_by(|a, b| a.queue.cmp(&b.queue));
            view
        }))
    }

    /// Creates a topic with `queues` queues on every broker, or changes how many it has; what else is
    /// set stays. What became of it, by broker.
    ///
    /// # Errors
    ///
    /// [`AdminError`], when no broker created it.
    pub async fn create_topic(
        &self,
        topic: &TopicName,
        queues: u16,
    ) -> Result<Gathered<Vec<(AdminBroker, TopicChange)>>, AdminError> {
        let brokers = self.brokers().await?;
        let changed = gather(brokers.into_iter().map(async |broker| {
            let master = Master {
                name: broker.name.clone(),
                address: broker.address.clone(),
            };
            let change = self.create_on(&master, topic, queues.into()).await?;
            Ok((broker, change))
        }));
        changed.await
    }

    async fn create_on(
        &self,
        master: &Master,
        topic: &TopicName,
        queues: i32,
    ) -> Result<TopicChange, AdminError> {
        let known = self.topic_config(master, topic).await?;
        let has_queues =
            |known: &TopicConfig| [known.read_queue_nums, known.write_queue_nums] == [queues; 2];
        if known.as_ref().is_some_and(has_queues) {
            return Ok(TopicChange::Unchanged);
        }
        let change = match known {
            Some(_) => TopicChange::Changed,
            None => TopicChange::Created,
        };
        let config = known.unwrap_or_default();
        let filter_type = match config.topic_filter_type {
            TopicFilterType::SingleTag => "SINGLE_TAG",
            TopicFilterType::MultiTag => "MULTI_TAG",
        };
        let request = UpdateAndCreateTopic {
            topic: topic.to_text(),
            default_topic: TEMPLATE_TOPIC.into(),
            read_queue_nums: queues,
            write_queue_nums: queues,
            perm: config.perm,
            topic_filter_type: Some(filter_type.into()),
            topic_sys_flag: Some(config.topic_sys_flag),
            order: config.order,
            attributes: None,
            force: None,
        };
        self.ask(master, "create a topic", request, Bytes::new())
            .await?;
        Ok(change)
    }

    /// A topic as a broker has it.
    async fn topic_config(
        &self,
        master: &Master,
        topic: &TopicName,
    ) -> Result<Option<TopicConfig>, AdminError> {
        const ACTION: &str = "look for a topic";
        let one = GetTopicConfig {
            topic: topic.to_text(),
            logical: None,
        };
        let missing = ResponseCode::TOPIC_NOT_EXIST;
        let one = self.body_unless(master, ACTION, one, missing).await;
        match one {
            // Brokers of RocketMQ 4 show only all topics together.
            Err(AdminError::Browse(BrowseError::Broker { source, .. }))
                if source.refusal().is_some_and(|refusal| {
                    refusal.code == ResponseCode::REQUEST_CODE_NOT_SUPPORTED
                }) =>
            {
                let all = self.body_of(master, ACTION, GetAllTopicConfig::default());
                let mut all: TopicConfigs = all.await?;
                Ok(all.topic_config_table.remove(topic.as_str()))
            }
            one => one,
        }
    }

    /// Deletes a topic with its messages and offsets, on the brokers and the name servers. The brokers
    /// on which it was deleted.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoTopic`], or why it was deleted nowhere. A name server that still lists the topic is
    /// in [`Gathered::failed`], as [`AdminError::NotForgotten`].
    pub async fn delete_topic(
        &self,
        topic: &TopicName,
    ) -> Result<Gathered<Vec<ByteString>>, AdminError> {
        let masters = self.masters_of(topic).await?;
        let deleted = gather(masters.iter().map(async |master| {
            let request = DeleteTopicInBroker {
                topic: topic.to_text(),
            };
            self.ask(master, "delete a topic", request, Bytes::new())
                .await?;
            Ok(master.name.clone())
        }));
        let mut deleted = deleted.await?;
        if deleted.failed.is_empty() {
            let not_forgotten = self.cluster.forget_topic(topic, self.only.as_deref()).await;
            let failed = not_forgotten.into_iter();
            deleted.failed = failed
                .map(|source| AdminError::NotForgotten {
                    topic: topic.clone(),
                    source,
                })
                .collect();
        }
        Ok(deleted)
    }
}
