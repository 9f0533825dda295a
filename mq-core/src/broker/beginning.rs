//! Where a group begins with a queue of which it has read nothing (`ConsumerManageProcessor`,
//! `checkInDiskByConsumeOffset` of 4.9).
//!
//! With the first message, as long as that lies so near the end of the log that it counts as being
//! in memory; else where the client says. The log says which of the two and why, once for each group
//! and topic.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::groups::Groups;
use super::offsets::Position;
use super::topics::Topics;
use crate::message::{GroupName, TopicName};
use crate::store::{FirstMessage, MessageStore, StoreError};

/// Decides where new groups begin.
#[derive(Debug)]
pub(super) struct Beginnings {
    store: MessageStore,
    groups: Arc<Groups>,
    topics: Arc<Topics>,
    /// Whom people have heard of, and whether it began with the first message. Only groups and
    /// topics that exist are here.
    told: Mutex<HashSet<(GroupName, TopicName, bool)>>,
}

impl Beginnings {
    pub(super) fn new(store: &MessageStore, groups: &Arc<Groups>, topics: &Arc<Topics>) -> Self {
        Self {
            store: store.clone(),
            groups: Arc::clone(groups),
            topics: Arc::clone(topics),
            told: Mutex::default(),
        }
    }

    /// Whether a new group begins with the first message of a queue.
    pub(super) fn is_first_message(&self, at: Position<'_>) -> Result<bool, StoreError> {
        let in_memory = self.store.config().in_memory;
        let (begins, why) = match self.store.first_message(at.topic, at.queue)? {
            FirstMessage::None => return Ok(true),
            FirstMessage::Expired => (false, "the first messages have expired".to_owned()),
            FirstMessage::Behind(bytes) => {
                let begins = bytes <= in_memory;
                let where_it_is = if begins { "within" } else { "beyond" };
                let why = format!(
                    "the first message lies {bytes} bytes before the end of the log, {where_it_is} \
                     the last {in_memory} bytes, which count as being in memory \
                     (`accessMessageInMemoryMaxRatio`)"
                );
                (begins, why)
            }
        };
        if self.is_news(at, begins) {
            let place = if begins {
                "with the first message"
            } else {
                "where its client says, as a rule behind the last message"
            };
            let Position {
                group,
                topic,
                queue,
            } = at;
            tracing::info!(group, topic, queue, "a new group begins {place}: {why}");
        }
        Ok(begins)
    }

    fn is_news(&self, at: Position<'_>, begins: bool) -> bool {
        let (group, topic) = (self.groups.find(at.group), self.topics.find(at.topic));
        group.zip(topic).is_some_and(|(group, topic)| {
            let what = (group.name.clone(), topic.name.clone(), begins);
            self.told.lock().insert(what)
        })
    }
}
