//! The last step of every message that waited: from where it waits into its topic
//! (`ScheduleMessageService.messageTimeUp`, `TimerMessageStore.convertMessage`).

use std::sync::Arc;

use crate::broker::state::topics::{Topic, Topics};
use crate::message::record::RecordDraft;
use crate::message::{MessageExt, TopicName, property};
use crate::wire::body::permission;

/// The topics into which what has waited is delivered.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Targets(pub(in crate::broker) Arc<Topics>);

/// Why a topic takes no messages now. What has waited for it waits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::broker) enum Closed {
    #[error("the topic is not there")]
    Missing,
    #[error("the topic may not be written to")]
    WriteProtected,
}

impl Targets {
    pub(super) fn check(&self, topic: &TopicName) -> Result<(), Closed> {
        self.open(topic).map(drop)
    }

    /// Whether the topic takes the message. A queue that the topic does not have any more, because it
    /// was created again with fewer, is replaced by one that it has: nobody would read the message there.
    pub(super) fn admit(&self, draft: &mut RecordDraft) -> Result<(), Closed> {
        let topic = self.open(&draft.message.topic)?;
        if !(0..topic.queues()).contains(&draft.queue_id) {
            draft.queue_id = draft
                .queue_id
                .rem_euclid(topic.config.write_queue_nums.max(1));
        }
        Ok(())
    }

    fn open(&self, topic: &TopicName) -> Result<Arc<Topic>, Closed> {
        match self.0.find(topic.as_str()) {
            None => Err(Closed::Missing),
            Some(topic) if !topic.permits(permission::WRITE) => Err(Closed::WriteProtected),
            Some(topic) => Ok(topic),
        }
    }
}

/// Makes messages that have waited into what is stored in their topics. Those of one topic that follow
/// each other share its name, which is then checked once.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    last: Option<TopicName>,
}

impl Deliveries {
    /// The message as it is delivered to its topic; the properties with which it has waited stay, as with
    /// Apache's broker. `None` when it does not say where it is meant for.
    pub(super) fn of(&mut self, stored: MessageExt) -> Option<RecordDraft> {
        let properties = &stored.message.properties;
        let topic = self.topic(properties.get(property::REAL_TOPIC)?)?;
        if topic.is_closed() {
            return None;
        }
        let queue_id = properties.get(property::REAL_QID)?.parse().ok()?;
        let mut draft = copy(stored);
        draft.message.topic = topic;
        draft.queue_id = queue_id;
        Some(draft)
    }

    fn topic(&mut self, name: &str) -> Option<TopicName> {
        if let Some(last) = self.last.as_ref().filter(|last| last.as_str() == name) {
            return Some(last.clone());
        }
        self.last = TopicName::new(name.to_owned()).ok();
        self.last.clone()
    }
}

/// The message once more, where it is.
pub(super) fn copy(stored: MessageExt) -> RecordDraft {
    RecordDraft {
        message: stored.message,
        queue_id: stored.queue_id,
        sys_flag: stored.sys_flag,
        born_timestamp: stored.born_timestamp,
        born_host: stored.born_host,
        store_host: stored.store_host,
        reconsume_times: stored.reconsume_times,
        prepared_transaction_offset: stored.prepared_transaction_offset,
    }
}
