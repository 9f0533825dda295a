//! Where a group without offsets starts to read a queue (`ConsumerManageProcessor`,
//! `checkInDiskByConsumeOffset` of 4.9).
//!
//! At the first message, if that is so near the end of the commit log that it counts as being in
//! memory. Otherwise the client decides, and the reason is logged once for each group and topic.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::broker::state::groups::Groups;
use crate::broker::state::offsets::GroupQueue;
use crate::broker::state::topics::Topics;
use crate::log_once::{LogDecision, LogOnce};
use crate::message::{GroupName, TopicName};
use crate::store::{FirstMessage, MessageStore, StoreError};

/// Decides where new groups start.
#[derive(Debug)]
pub(in crate::broker) struct StartOffsets {
    store: MessageStore,
    groups: Arc<Groups>,
    topics: Arc<Topics>,
    /// The groups and topics for which the reason was logged; only existing ones.
    logged: Mutex<LogOnce<(GroupName, TopicName)>>,
}

impl StartOffsets {
    pub(in crate::broker) fn new(
        store: &MessageStore,
        groups: &Arc<Groups>,
        topics: &Arc<Topics>,
    ) -> Self {
        Self {
            store: store.clone(),
            groups: Arc::clone(groups),
            topics: Arc::clone(topics),
            logged: Mutex::default(),
        }
    }

    /// Whether a new group starts at the first message of a queue.
    pub(in crate::broker) async fn is_first_message(
        &self,
        at: GroupQueue<'_>,
    ) -> Result<bool, StoreError> {
        let in_memory = self.store.config().in_memory;
        let (topic, queue) = (at.topic.to_owned(), at.queue);
        let first = self
            .store
            .run_blocking(move |store| store.first_message(&topic, queue));
        let why = match first.await? {
            FirstMessage::None => return Ok(true),
            FirstMessage::Behind(bytes) if bytes <= in_memory => return Ok(true),
            FirstMessage::Behind(bytes) => format!(
                "the first message lies {bytes} bytes before the end of the log, beyond the last \
                 {in_memory} bytes, which count as being in memory (`accessMessageInMemoryMaxRatio`)"
            ),
            FirstMessage::Expired => "the first messages have expired".to_owned(),
        };
        if self.is_new(at) {
            let GroupQueue {
                group,
                topic,
                queue,
            } = at;
            tracing::info!(
                group,
                topic,
                queue,
                "a new group begins where its client says, usually after the last message: {why}"
            );
        }
        Ok(false)
    }

    fn is_new(&self, at: GroupQueue<'_>) -> bool {
        let (group, topic) = (self.groups.find(at.group), self.topics.find(at.topic));
        group.zip(topic).is_some_and(|(group, topic)| {
            let what = (group.name.clone(), topic.name.clone());
            self.logged.lock().decide(what) == LogDecision::First
        })
    }
}
