//! 305, 306, 316, 321 and 329: system topics, and what administrators do to the store by hand.
//!
//! Invariant: only what has expired or belongs to no topic is removed.

use std::sync::Arc;

use bytestring::ByteString;

use crate::broker::admit::{Admit, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::peers::Peers;
use crate::broker::state::system;
use crate::message::{QueueOffset, TopicName};
use crate::remoting::{Incoming, Processor};
use crate::store::{MessageStore, StoreError};
use crate::wire::body::{ConsumeQueueEntries, ConsumeQueueEntry, TopicList};
use crate::wire::header::{
    CleanExpiredConsumeQueue, CleanUnusedTopic, DeleteExpiredCommitLog,
    GetSystemTopicListFromBroker, QueryConsumeQueue,
};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// The most entries of a consume queue in one answer.
const MAX_ENTRIES: i32 = 65_536;

/// Looks after the store.
#[derive(Clone, Debug)]
pub(super) struct Maintenance {
    admit: Admit,
    peers: Arc<Peers>,
    store: MessageStore,
}

impl Maintenance {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            store: parts.store.clone(),
        }
    }

    /// Does something to the files of the store, to its end also when the request is cancelled.
    async fn change(
        &self,
        work: impl FnOnce(&MessageStore) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), Refusal> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(outcome) => outcome.map_err(|error| unreadable(&error)),
            Err(_panic) => Err(Refusal::system("the store was not changed")),
        }
    }

    /// Removes the consume queues of a topic that does not exist.
    async fn remove_queues(&self, topic: TopicName) -> Result<(), Refusal> {
        let Some(guard) = self.admit.topics.while_missing(topic.as_str()).await else {
            return Ok(());
        };
        tracing::info!(%topic, "consume queues without a topic are removed");
        self.change(move |store| {
            let outcome = store.delete_topic(topic.as_str());
            drop(guard);
            outcome
        })
        .await
    }

    fn entries(
        &self,
        topic: &str,
        header: &QueryConsumeQueue,
    ) -> Result<Option<Vec<ConsumeQueueEntry>>, StoreError> {
        let queue = header.queue_id;
        let (min, max) = (
            self.store.min_offset(topic, queue).to_wire(),
            self.store.max_offset(topic, queue).to_wire(),
        );
        let first = QueueOffset::from_wire(header.index);
        let Some(first) = first.filter(|first| (min..max).contains(&first.to_wire())) else {
            return Ok(None);
        };
        let most = usize::try_from(header.count.clamp(0, MAX_ENTRIES)).unwrap_or(0);
        let entries = self.store.queue_entries(topic, queue, first, most)?;
        let shown = entries.iter().map(|entry| ConsumeQueueEntry {
            eval: false,
            physic_offset: entry.offset.to_wire(),
            physic_size: i32::try_from(entry.size).unwrap_or(i32::MAX),
            tags_code: entry.tag,
        });
        Ok(Some(shown.collect()))
    }
}

impl Processor<GetSystemTopicListFromBroker> for Maintenance {
    async fn process(
        &self,
        _request: Incoming<GetSystemTopicListFromBroker>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let (identity, rules) = (self.admit.identity(), &self.admit.config.rules);
        let mut topics: Vec<ByteString> = system::topics(identity, rules)
            .into_iter()
            .map(|topic| topic.topic_name)
            .collect();
        for reserved in system::RESERVED_TOPICS.map(ByteString::from_static) {
            if !topics.contains(&reserved) {
                topics.push(reserved);
            }
        }
        let body = TopicList {
            topic_list: topics,
            broker_addr: None,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<CleanExpiredConsumeQueue> for Maintenance {
    async fn process(
        &self,
        _request: Incoming<CleanExpiredConsumeQueue>,
    ) -> Result<Reply<NoFields>, Refusal> {
        self.change(MessageStore::drop_derived_of_removed).await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<DeleteExpiredCommitLog> for Maintenance {
    async fn process(
        &self,
        _request: Incoming<DeleteExpiredCommitLog>,
    ) -> Result<Reply<NoFields>, Refusal> {
        self.change(MessageStore::expire_at_any_hour).await?;
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<CleanUnusedTopic> for Maintenance {
    async fn process(
        &self,
        _request: Incoming<CleanUnusedTopic>,
    ) -> Result<Reply<NoFields>, Refusal> {
        for (topic, _queues) in self.store.queues() {
            let name = topic.as_str();
            if self.admit.topics.find(name).is_none() && !self.admit.is_own_topic(&topic) {
                self.remove_queues(topic).await?;
            }
        }
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<QueryConsumeQueue> for Maintenance {
    async fn process(
        &self,
        request: Incoming<QueryConsumeQueue>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let topic = header.topic.clone().unwrap_or_default();
        let queue = header.queue_id;
        if !self.store.has_queue(&topic, queue) {
            return Err(Refusal::system(format!("{queue}@{topic} is not exist!")));
        }
        let (name, this, asked) = (topic.clone(), self.clone(), header.clone());
        let entries = self
            .store
            .run_blocking(move |_| this.entries(&name, &asked));
        let Some(entries) = entries.await.map_err(|error| unreadable(&error))? else {
            let index = header.index;
            let remark = format!("Index {index} of {queue}@{topic} is not exist!");
            return Ok(Reply::ok(NoFields).with_remark(remark));
        };
        let group = header.consumer_group.as_deref();
        let subscription = group.and_then(|group| self.peers.subscription_of(group, &topic));
        let filter_data = group.map(|group| match &subscription {
            // Expressions are evaluated from the message: no filter is stored beside the queue.
            Some(_) => ByteString::from_static("null"),
            None => format!("{group}@{topic} is not online!").into(),
        });
        let body = ConsumeQueueEntries {
            filter_data,
            max_queue_index: self.store.max_offset(&topic, queue).to_wire(),
            min_queue_index: self.store.min_offset(&topic, queue).to_wire(),
            queue_data: Some(entries),
            subscription_data: subscription,
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}
