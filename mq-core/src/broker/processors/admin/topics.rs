//! 17, 18, 215, 21 and 351: create, change, delete and show topics.
//!
//! Invariant: a change is answered with success only after it is on disk and registration with the
//! name servers was tried.

use std::sync::Arc;

use crate::broker::admit::{Admit, illegal, not_saved, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::DeliveryStatistics;
use crate::broker::state::offsets::Offsets;
use crate::broker::state::peers::Peers;
use crate::broker::state::topic_attributes::{self, AttributeChange};
use crate::broker::state::topics::Removed;
use crate::broker::state::waiting::WaitingPulls;
use crate::message::TopicName;
use crate::remoting::{Incoming, Processor};
use crate::store::MessageStore;
use crate::wire::body::{TopicConfig, TopicConfigList, TopicFilterType};
use crate::wire::header::{
    DeleteTopicInBroker, GetAllTopicConfig, GetAllTopicConfigReply, GetTopicConfig,
    UpdateAndCreateTopic, UpdateAndCreateTopicList,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// The most queues of a topic.
const MAX_QUEUES: i32 = 65_536;

/// Changes and shows topics.
#[derive(Clone, Debug)]
pub(super) struct TopicAdmin {
    admit: Admit,
    offsets: Arc<Offsets>,
    deliveries: Arc<DeliveryStatistics>,
    peers: Arc<Peers>,
    waiting: Arc<WaitingPulls>,
    store: MessageStore,
}

impl TopicAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            offsets: Arc::clone(&parts.offsets),
            deliveries: Arc::clone(&parts.deliveries),
            peers: Arc::clone(&parts.peers),
            waiting: Arc::clone(&parts.waiting),
            store: parts.store.clone(),
        }
    }

    /// Publishes changes, including those of an earlier request that failed to.
    async fn publish_changes(&self) -> Result<(), Refusal> {
        if self.admit.topics.is_saved() {
            return Ok(());
        }
        self.admit.publish().await
    }

    /// The name and the configuration of a topic that is asked for.
    fn checked(
        &self,
        asked: &TopicConfig,
        changes: &[AttributeChange],
    ) -> Result<(TopicName, TopicConfig), Refusal> {
        let name = TopicName::new(asked.topic_name.clone()).map_err(|error| illegal(&error))?;
        self.not_our_own(&name)?;
        let queues = 0..=MAX_QUEUES;
        if !queues.contains(&asked.read_queue_nums) || !queues.contains(&asked.write_queue_nums) {
            return Err(invalid(&format!("a topic has at most {MAX_QUEUES} queues")));
        }
        let known = self.admit.topics.find(name.as_str());
        let current = known.as_ref().map(|topic| &topic.config.attributes);
        let attributes = topic_attributes::changed(current, changes)
            .map_err(|error| Refusal::system(error.to_string()))?;
        let config = TopicConfig {
            topic_name: name.to_text(),
            perm: asked.perm & 7,
            attributes,
            ..*asked
        };
        Ok((name, config))
    }

    fn not_our_own(&self, topic: &TopicName) -> Result<(), Refusal> {
        if self.admit.is_own_topic(topic) {
            return Err(invalid(&format!(
                "the topic[{topic}] is conflict with system topic."
            )));
        }
        Ok(())
    }
}

impl Processor<UpdateAndCreateTopic> for TopicAdmin {
    async fn process(
        &self,
        request: Incoming<UpdateAndCreateTopic>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let changes = topic_attributes::parsed(header.attributes.as_deref().unwrap_or_default());
        let asked = TopicConfig {
            topic_name: header.topic.clone(),
            read_queue_nums: header.read_queue_nums,
            write_queue_nums: header.write_queue_nums,
            perm: header.perm,
            topic_filter_type: filter_type(header.topic_filter_type.as_deref())?,
            topic_sys_flag: header.topic_sys_flag.unwrap_or(0),
            order: header.order,
            ..TopicConfig::default()
        };
        let changes = changes.map_err(|error| Refusal::system(error.to_string()))?;
        let (name, config) = self.checked(&asked, &changes)?;
        self.admit.topics.put(name, config).await;
        self.publish_changes().await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<UpdateAndCreateTopicList> for TopicAdmin {
    /// All topics of the list, or none when one is refused. A topic that is as it is asked for is
    /// passed over; Apache's broker then passes over all others, too.
    async fn process(
        &self,
        request: Incoming<UpdateAndCreateTopicList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let list: TopicConfigList = fastjson::read(&request.body)?;
        let mut checked = Vec::with_capacity(list.topic_config_list.len());
        for asked in list.topic_config_list {
            let changes = topic_attributes::listed(&asked.attributes)
                .map_err(|error| Refusal::system(error.to_string()))?;
            checked.push(self.checked(&asked, &changes)?);
        }
        for (name, config) in checked {
            self.admit.topics.put(name, config).await;
        }
        self.publish_changes().await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<DeleteTopicInBroker> for TopicAdmin {
    async fn process(
        &self,
        request: Incoming<DeleteTopicInBroker>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topic = TopicName::new(request.header.topic).map_err(|error| illegal(&error))?;
        self.not_our_own(&topic)?;
        let removed = self.admit.topics.remove(topic.as_str()).await;
        let Some(Removed {
            topic: removed,
            deletion,
        }) = removed
        else {
            self.publish_changes().await?;
            return Ok(Reply::ok(NoFields));
        };
        tracing::info!(%topic, "the topic is deleted");
        let living = self.peers.readers_of(topic.as_str());
        self.offsets
            .forget_topic(topic.as_str(), living, removed.queues());
        self.deliveries.forget_topic(topic.as_str());
        let (store, name) = (self.store.clone(), topic.clone());
        // The deletion guard moves into the task, so that a cancelled request does not release it
        // early.
        let delete = move || {
            let outcome = store.delete_topic(name.as_str());
            drop(deletion);
            outcome
        };
        match tokio::task::spawn_blocking(delete).await {
            Ok(outcome) => outcome.map_err(|error| unreadable(&error))?,
            Err(_panic) => return Err(Refusal::system("the topic's queues were not deleted")),
        }
        self.waiting.wake(&topic);
        self.offsets
            .save()
            .await
            .map_err(|error| not_saved(&error))?;
        self.admit.publish().await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<GetAllTopicConfig> for TopicAdmin {
    /// Always everything: a missing total tells 5.x that no page follows.
    async fn process(
        &self,
        _request: Incoming<GetAllTopicConfig>,
    ) -> Result<Reply<GetAllTopicConfigReply>, Refusal> {
        let body = fastjson::write(&self.admit.topics.to_body());
        Ok(Reply::ok(GetAllTopicConfigReply {
            total_topic_num: None,
        })
        .with_body(body))
    }
}

impl Processor<GetTopicConfig> for TopicAdmin {
    async fn process(&self, request: Incoming<GetTopicConfig>) -> Result<Reply<NoFields>, Refusal> {
        let topic = self
            .admit
            .admission_for(&request.peer)
            .existing(&request.header.topic)?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&topic.config)))
    }
}

fn filter_type(text: Option<&str>) -> Result<TopicFilterType, Refusal> {
    match text {
        None | Some("") => Ok(TopicFilterType::default()),
        Some(text) => text
            .parse()
            .map_err(|error| invalid(&format!("{error}, not `{text}`"))),
    }
}

fn invalid(remark: &str) -> Refusal {
    Refusal::new(ResponseCode::INVALID_PARAMETER, remark)
}
