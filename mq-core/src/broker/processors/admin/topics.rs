//! 17, 215, 21 and 351: create, change, delete and show topics.
//!
//! Invariant: a change is answered with success only after it is on disk and registration with the
//! name servers was tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;

use crate::broker::admit::{Admit, illegal, not_saved, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::DeliveryStatistics;
use crate::broker::state::offsets::Offsets;
use crate::broker::state::peers::Peers;
use crate::broker::state::topics::Removed;
use crate::broker::state::waiting::WaitingPulls;
use crate::message::TopicName;
use crate::remoting::{Incoming, Processor};
use crate::store::MessageStore;
use crate::wire::body::{TopicConfig, TopicFilterType};
use crate::wire::header::{
    DeleteTopicInBroker, GetAllTopicConfig, GetAllTopicConfigReply, GetTopicConfig,
    UpdateAndCreateTopic,
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
        let name = TopicName::new(header.topic.clone()).map_err(|error| illegal(&error))?;
        self.not_our_own(&name)?;
        let queues = 0..=MAX_QUEUES;
        if !queues.contains(&header.read_queue_nums) || !queues.contains(&header.write_queue_nums) {
            return Err(invalid(&format!("a topic has at most {MAX_QUEUES} queues")));
        }
        let known = self.admit.topics.find(name.as_str());
        let attributes = known
            .map(|topic| topic.config.attributes.clone())
            .unwrap_or_default();
        let config = TopicConfig {
            topic_name: name.to_text(),
            read_queue_nums: header.read_queue_nums,
            write_queue_nums: header.write_queue_nums,
            perm: header.perm & 7,
            topic_filter_type: filter_type(header.topic_filter_type.as_deref())?,
            topic_sys_flag: header.topic_sys_flag.unwrap_or(0),
            order: header.order,
            attributes: changed(attributes, header.attributes.as_deref())?,
        };
        self.admit.topics.put(name, config).await;
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

/// Applies `+key=value,-key`.
fn changed(
    mut attributes: BTreeMap<ByteString, ByteString>,
    changes: Option<&str>,
) -> Result<BTreeMap<ByteString, ByteString>, Refusal> {
    let changes = changes.unwrap_or_default().split(',').map(str::trim);
    for change in changes.filter(|change| !change.is_empty()) {
        let added = change
            .strip_prefix('+')
            .and_then(|pair| pair.split_once('='));
        match (added, change.strip_prefix('-')) {
            (Some((key, value)), _) => {
                attributes.insert(key.into(), value.into());
            }
            (None, Some(key)) => {
                attributes.remove(key);
            }
            (None, None) => {
                let remark = format!("`{change}` changes no attribute: write +key=value or -key");
                return Err(Refusal::system(remark));
            }
        }
    }
    Ok(attributes)
}

fn invalid(remark: &str) -> Refusal {
    Refusal::new(ResponseCode::INVALID_PARAMETER, remark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_and_go() {
        let old = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);

        let new = changed(old, Some("+c=3,-a,+b=4")).unwrap();

        let expected = [("b", "4"), ("c", "3")].map(|(k, v)| (k.into(), v.into()));
        assert_eq!(new, BTreeMap::from(expected));
        assert!(changed(BTreeMap::new(), Some("c=3")).is_err());
    }
}
