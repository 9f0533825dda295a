//! Where a group begins with a queue of which it has read nothing (`ConsumerManageProcessor`,
//! `checkInDiskByConsumeOffset` of 4.9).
//!
//! With the first message, as long as that lies so near the end of the log that it counts as being
//! in memory; else where the client says, and the log says why, once for each group and topic.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::broker::state::groups::Groups;
use crate::broker::state::offsets::Position;
use crate::broker::state::topics::Topics;
use crate::message::{GroupName, TopicName};
use crate::store::{FirstMessage, MessageStore, StoreError};
use crate::told::{Telling, Told};

/// Decides where new groups begin.
#[derive(Debug)]
pub(in crate::broker) struct Beginnings {
    store: MessageStore,
    groups: Arc<Groups>,
    topics: Arc<Topics>,
    /// Who was said to begin elsewhere. Only groups and topics that exist are here.
    told: Mutex<Told<(GroupName, TopicName)>>,
}

impl Beginnings {
    pub(in crate::broker) fn new(
        store: &MessageStore,
        groups: &Arc<Groups>,
        topics: &Arc<Topics>,
    ) -> Self {
        Self {
            store: store.clone(),
            groups: Arc::clone(groups),
            topics: Arc::clone(topics),
            told: Mutex::default(),
        }
    }

    /// Whether a new group begins with the first message of a queue.
    pub(in crate::broker) fn is_first_message(&self, at: Position<'_>) -> Result<bool, StoreError> {
        let in_memory = self.store.config().in_memory;
        let why = match self.store.first_message(at.topic, at.queue)? {
            FirstMessage::None => return Ok(true),
            FirstMessage::Behind(bytes) if bytes <= in_memory => return Ok(true),
            FirstMessage::Behind(bytes) => format!(
                "the first message lies {bytes} bytes before the end of the log, beyond the last \
                 {in_memory} bytes, which count as being in memory (`accessMessageInMemoryMaxRatio`)"
            ),
            FirstMessage::Expired => "the first messages have expired".to_owned(),
        };
        if self.is_news(at) {
            let Position {
                group,
                topic,
                queue,
            } = at;
            tracing::info!(
                group,
                topic,
                queue,
                "a new group begins where its client says, as a rule behind the last message: {why}"
            );
        }
        Ok(false)
    }

    fn is_news(&self, at: Position<'_>) -> bool {
        let (group, topic) = (self.groups.find(at.group), self.topics.find(at.topic));
        group.zip(topic).is_some_and(|(group, topic)| {
            let what = (group.name.clone(), topic.name.clone());
            self.told.lock().tell(what) == Telling::News
        })
    }
}
