//! May this peer read or write this topic, group, queue? (`AbstractSendMessageProcessor.msgCheck`,
//! `PullMessageProcessor`)
//!
//! Invariant: an admission returns what it proved, so that nobody looks it up again; a topic that
//! an admission made is on disk before anything is stored in it. The name servers are being told of
//! it by then: only the answer waits until they have heard.

use std::sync::Arc;

use crate::broker::background::registration::Registration;
use crate::broker::config::{BrokerConfig, Identity};
use crate::broker::state::groups::{Group, Groups};
use crate::broker::state::system;
use crate::broker::state::topics::{Found, Topic, Topics, Wish};
use crate::message::{GroupName, NameError, TopicName};
use crate::remoting::Peer;
use crate::saved_file::FileError;
use crate::wire::{Refusal, ResponseCode};

/// Dead letters of a group have one queue.
const DEAD_LETTER_QUEUES: i32 = 1;

/// The rules about who may do what.
#[derive(Clone, Debug)]
pub(super) struct Admit {
    pub(super) config: Arc<BrokerConfig>,
    pub(super) topics: Arc<Topics>,
    pub(super) groups: Arc<Groups>,
    pub(super) registration: Arc<Registration>,
}

impl Admit {
    /// What `asker` may do.
    pub(super) fn asked_by<'a>(&'a self, asker: &'a Peer) -> Admission<'a> {
        Admission { admit: self, asker }
    }

    /// Saves groups that were just made. A disk without room keeps nobody from reading; the broker
    /// tries again.
    pub(super) async fn save_groups(&self) {
        if !self.groups.is_saved() {
            drop(self.groups.save().await);
        }
    }

    /// Whether the broker as a whole has the right.
    pub(super) fn permits(&self, bits: u32) -> bool {
        self.config.rules.permission & bits == bits
    }

    /// Whether nobody may change or delete the topic.
    pub(super) fn is_own_topic(&self, topic: &TopicName) -> bool {
        system::is_own_topic(&self.config.identity, topic)
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.config.identity
    }

    /// Saves the topics, tells the name servers, and waits a little until they have heard.
    pub(super) async fn publish(&self) -> Result<(), Refusal> {
        let before = self.registration.latest();
        self.save_and_announce().await?;
        self.registration.heard_since(before).await;
        Ok(())
    }

    /// Saves groups and topics that could not be saved when they changed; gives what still cannot.
    pub(super) async fn save_rest(&self) -> Vec<FileError> {
        let mut errors = Vec::new();
        if !self.groups.is_saved() {
            errors.extend(self.groups.save().await.err());
        }
        if !self.topics.is_saved() {
            errors.extend(self.topics.save().await.err());
        }
        errors
    }

    async fn save_and_announce(&self) -> Result<(), Refusal> {
        self.topics
            .save()
            .await
            .map_err(|error| not_saved(&error))?;
        self.registration.announce();
        Ok(())
    }

    fn name(&self) -> &str {
        &self.config.identity.name
    }
}

/// What one peer may do: every admission knows who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission<'a> {
    admit: &'a Admit,
    asker: &'a Peer,
}

impl Admission<'_> {
    /// The topic a message is sent to, made after the sender's template if need be.
    ///
    /// Ready at once for a topic that exists.
    pub(super) async fn writable(
        &self,
        topic: &str,
        template: &str,
        queues: i32,
    ) -> Result<Arc<Topic>, Refusal> {
        let found = self.admit.topics.find(topic);
        if found.as_ref().is_some_and(|topic| topic.config.order) && !self.admit.permits(WRITE) {
            return Err(forbidden(&format!(
                "the broker [{}] is not writable",
                self.admit.name()
            )));
        }
        if let Some(topic) = found {
            return if topic.name.is_closed() {
                Err(no_sending_to(&topic.name))
            } else {
                self.settled(Found { topic, new: false }).await
            };
        }
        let name = TopicName::new(topic.to_owned()).map_err(|error| illegal(&error))?;
        if name.is_closed() {
            return Err(no_sending_to(&name));
        }
        let automatic = self.admit.config.rules.auto_create_topic;
        let wish = Wish {
            template,
            queues,
            automatic,
        };
        let mut found = self.admit.topics.find_or_create_after(&name, &wish).await;
        if found.is_none() && name.is_retry() {
            found = self.admit.topics.find_or_create(&name, 1).await;
        }
        match found {
            Some(found) => self.settled(found).await,
            None => Err(no_topic(topic)),
        }
    }

    /// A retry or dead-letter topic, made if need be.
    pub(super) async fn own_topic(
        &self,
        name: &TopicName,
        queues: i32,
    ) -> Result<Arc<Topic>, Refusal> {
        match self.admit.topics.find_or_create(name, queues).await {
            Some(found) => self.settled(found).await,
            None => Err(Refusal::system(format!("topic[{name}] not exist"))),
        }
    }

    /// The retry topics of groups, saved together as far as they are new.
    pub(super) async fn retry_topics(&self, groups: &[Arc<Group>]) -> Result<(), Refusal> {
        // All are in the table before the first is saved, and the others along with it.
        let mut topics = Vec::with_capacity(groups.len());
        for group in groups {
            let name = TopicName::retry_of(&group.name);
            let queues = group.config.retry_queue_nums;
            topics.extend(self.admit.topics.find_or_create(&name, queues).await);
        }
        for found in topics {
            self.settled(found).await?;
        }
        Ok(())
    }

    /// The group's dead-letter topic.
    pub(super) async fn dead_letters(&self, group: &GroupName) -> Result<Arc<Topic>, Refusal> {
        self.own_topic(&TopicName::dead_letters_of(group), DEAD_LETTER_QUEUES)
            .await
    }

    /// A topic that exists.
    pub(super) fn existing(&self, topic: &str) -> Result<Arc<Topic>, Refusal> {
        self.admit.topics.find(topic).ok_or_else(|| no_topic(topic))
    }

    /// A group, made with Apache's defaults if need be and allowed.
    pub(super) async fn group(&self, group: &str) -> Result<Arc<Group>, Refusal> {
        if let Some(group) = self.admit.groups.find(group) {
            return Ok(group);
        }
        let group = self.unsaved_group(group)?;
        self.admit.save_groups().await;
        Ok(group)
    }

    /// As [`group`](Self::group), but still to be saved when it is new.
    pub(super) fn unsaved_group(&self, group: &str) -> Result<Arc<Group>, Refusal> {
        if let Some(group) = self.admit.groups.find(group) {
            return Ok(group);
        }
        let name = GroupName::new(group.to_owned()).map_err(|error| illegal(&error))?;
        if !self.admit.config.rules.auto_create_group && !system::is_own_group(group) {
            return Err(no_group(group));
        }
        tracing::debug!(group = %name, asker = ?self.asker, "new group");
        self.admit.groups.put(name, system::group(group));
        self.admit.groups.find(group).ok_or_else(|| no_group(group))
    }

    /// A group that exists.
    pub(super) fn existing_group(&self, group: &str) -> Result<Arc<Group>, Refusal> {
        self.admit.groups.find(group).ok_or_else(|| no_group(group))
    }

    async fn settled(&self, found: Found) -> Result<Arc<Topic>, Refusal> {
        if found.new {
            let (topic, queues) = (&found.topic.name, found.topic.queues());
            tracing::info!(%topic, queues, asker = ?self.asker, "new topic");
        }
        // Whoever made it may not have come so far, or may have found no room on the disk.
        if !self.admit.topics.is_settled(&found.topic) {
            self.admit.save_and_announce().await?;
        }
        Ok(found.topic)
    }
}

/// Bit of a broker's permission.
pub(super) const READ: u32 = 4;
/// Bit of a broker's permission.
pub(super) const WRITE: u32 = 2;

/// A file of `config/` could not be written, which the file has told.
pub(super) fn not_saved(_: &FileError) -> Refusal {
    Refusal::system("the change could not be saved")
}

/// The store could not be read, which it has told.
pub(super) fn unreadable(_: &crate::store::StoreError) -> Refusal {
    Refusal::system("the store could not be read")
}

pub(super) fn illegal(error: &NameError) -> Refusal {
    Refusal::new(ResponseCode::INVALID_PARAMETER, error.to_string())
}

pub(super) fn forbidden(remark: &str) -> Refusal {
    Refusal::new(ResponseCode::NO_PERMISSION, remark)
}

pub(super) fn no_group(group: &str) -> Refusal {
    let remark = format!("subscription group [{group}] does not exist");
    Refusal::new(ResponseCode::SUBSCRIPTION_GROUP_NOT_EXIST, remark)
}

fn no_topic(topic: &str) -> Refusal {
    let remark = format!("topic[{topic}] not exist, apply first please!");
    Refusal::new(ResponseCode::TOPIC_NOT_EXIST, remark)
}

fn no_sending_to(topic: &TopicName) -> Refusal {
    forbidden(&format!("sending message to topic[{topic}] is forbidden."))
}
