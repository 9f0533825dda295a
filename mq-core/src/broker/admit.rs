//! Decides whether a peer may read or write a topic, group or queue
//! (`AbstractSendMessageProcessor.msgCheck`, `PullMessageProcessor`)
//!
//! Invariant: an admission returns what it has looked up, so that nothing is looked up twice. A
//! topic that it creates is on disk before a message is stored in it; its registration with the
//! name servers has begun by then, and only the response waits for that to end.

use std::sync::Arc;

use crate::broker::background::registration::Registration;
use crate::broker::config::{BrokerConfig, Identity};
use crate::broker::state::groups::{Group, Groups};
use crate::broker::state::live_rules::LiveRules;
use crate::broker::state::system;
use crate::broker::state::topics::{FoundTopic, Topic, TopicRequest, Topics};
use crate::message::{GroupName, NameError, TopicName};
use crate::remoting::Peer;
use crate::saved_file::FileError;
use crate::wire::{Refusal, ResponseCode};

/// The number of queues of a dead-letter topic.
const DEAD_LETTER_QUEUES: i32 = 1;

/// The rules of admission, and what they are applied to.
#[derive(Clone, Debug)]
pub(super) struct Admit {
    pub(super) config: Arc<BrokerConfig>,
    /// The rules that may have changed since the start.
    pub(super) rules: Arc<LiveRules>,
    pub(super) topics: Arc<Topics>,
    pub(super) groups: Arc<Groups>,
    pub(super) registration: Arc<Registration>,
}

impl Admit {
    /// The admission of requests from `asker`.
    pub(super) fn admission_for<'a>(&'a self, asker: &'a Peer) -> Admission<'a> {
        Admission { admit: self, asker }
    }

    /// Saves groups that were just created. A full disk keeps nobody from reading; saving is
    /// retried.
    pub(super) async fn save_groups(&self) {
        if !self.groups.is_saved() {
            drop(self.groups.save().await);
        }
    }

    /// Whether the broker's own permission (`brokerPermission`) has all of `bits`.
    pub(super) fn permits(&self, bits: u32) -> bool {
        self.rules.permission() & bits == bits
    }

    /// Whether this is a system topic, which cannot be changed or deleted.
    pub(super) fn is_own_topic(&self, topic: &TopicName) -> bool {
        system::is_own_topic(&self.config, topic)
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.config.identity
    }

    /// Saves the topics, registers them with the name servers, and waits a short time for that to
    /// end.
    pub(super) async fn publish(&self) -> Result<(), Refusal> {
        let before = self.registration.latest();
        self.save_and_announce().await?;
        self.registration.heard_since(before).await;
        Ok(())
    }

    /// Saves changes of groups and topics that could not be saved when they were made; returns the
    /// errors of those that still cannot.
    pub(super) async fn save_pending(&self) -> Vec<FileError> {
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

/// The admission of one peer's requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission<'a> {
    admit: &'a Admit,
    asker: &'a Peer,
}

impl Admission<'_> {
    /// The topic that a message is sent to; created after the sender's template topic if necessary.
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
                self.durable(FoundTopic { topic, new: false }).await
            };
        }
        // Boxed, so that sends to topics that exist keep no room for it.
        Box::pin(self.create_writable(topic, template, queues)).await
    }

    async fn create_writable(
        &self,
        topic: &str,
        template: &str,
        queues: i32,
    ) -> Result<Arc<Topic>, Refusal> {
        let name = TopicName::new(topic.to_owned()).map_err(|error| illegal(&error))?;
        if name.is_closed() {
            return Err(no_sending_to(&name));
        }
        let automatic = self.admit.rules.auto_create_topic();
        let wish = TopicRequest {
            template,
            queues,
            automatic,
        };
        let mut found = self.admit.topics.find_or_create_after(&name, &wish).await;
        if found.is_none() && name.is_retry() {
            found = self.admit.topics.find_or_create(&name, 1).await;
        }
        match found {
            Some(found) => self.durable(found).await,
            None => Err(no_topic(topic)),
        }
    }

    /// A retry or dead-letter topic, created if necessary.
    pub(super) async fn own_topic(
        &self,
        name: &TopicName,
        queues: i32,
    ) -> Result<Arc<Topic>, Refusal> {
        match self.admit.topics.find_or_create(name, queues).await {
            Some(found) => self.durable(found).await,
            None => Err(Refusal::system(format!("topic[{name}] not exist"))),
        }
    }

    /// Creates the retry topics of groups; new ones are saved together.
    pub(super) async fn retry_topics(&self, groups: &[Arc<Group>]) -> Result<(), Refusal> {
        // All are in the table before the first save, which therefore includes the others.
        let mut topics = Vec::with_capacity(groups.len());
        for group in groups {
            let name = TopicName::retry_of(&group.name);
            let queues = group.config.retry_queue_nums;
            topics.extend(self.admit.topics.find_or_create(&name, queues).await);
        }
        for found in topics {
            self.durable(found).await?;
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

    /// A group; created with Apache's defaults if necessary and allowed.
    pub(super) async fn group(&self, group: &str) -> Result<Arc<Group>, Refusal> {
        if let Some(group) = self.admit.groups.find(group) {
            return Ok(group);
        }
        let group = self.unsaved_group(group)?;
        self.admit.save_groups().await;
        Ok(group)
    }

    /// As [`group`](Self::group), but a new group is not saved yet.
    pub(super) fn unsaved_group(&self, group: &str) -> Result<Arc<Group>, Refusal> {
        if let Some(group) = self.admit.groups.find(group) {
            return Ok(group);
        }
        let name = GroupName::new(group.to_owned()).map_err(|error| illegal(&error))?;
        if !self.admit.rules.auto_create_group() && !system::is_own_group(group) {
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

    async fn durable(&self, found: FoundTopic) -> Result<Arc<Topic>, Refusal> {
        if found.new {
            let (topic, queues) = (&found.topic.name, found.topic.queues());
            tracing::info!(%topic, queues, asker = ?self.asker, "new topic");
        }
        // Another request may have created the topic and not saved it yet, or failed to because the
        // disk was full.
        if !self.admit.topics.is_durable(&found.topic) {
            self.admit.save_and_announce().await?;
        }
        Ok(found.topic)
    }
}

/// A bit of `brokerPermission`.
pub(super) const READ: u32 = 4;
/// A bit of `brokerPermission`.
pub(super) const WRITE: u32 = 2;

/// Whether peers may change the offsets of the group. Those of the broker's own progress with
/// transactions they may not: a later offset would pass over half messages that are open.
pub(super) fn may_move_offsets(group: &str) -> Result<(), Refusal> {
    if group != system::TRANSACTIONS_GROUP {
        return Ok(());
    }
    Err(forbidden(&format!(
        "the offsets of group[{group}] are the broker's own progress with transactions, which nobody else \
         may change"
    )))
}

/// A file of `config/` could not be written; that is logged already.
pub(super) fn not_saved(_: &FileError) -> Refusal {
    Refusal::system(
        "the change has its effect, but could not be saved: that is tried again, and undone by a stop \
         before it succeeds",
    )
}

/// The store could not be read; that is logged already.
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
