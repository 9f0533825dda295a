//! Subscribed topics that no broker has. For each group one line says that it waits for its
//! topic, and one that the topic has appeared. A topic may well be created by its first message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Moment;
use crate::message::{GroupName, TopicName};

/// Nothing is logged before this time: a topic that is created while the program starts appears within it.
const ABSENCE_LOG_DELAY: Duration = Duration::from_secs(5);

/// The absent topics, with the group that waits for each.
#[derive(Debug, Default)]
pub(super) struct AbsentTopics(BTreeMap<(TopicName, GroupName), AbsentTopic>);

#[derive(Debug)]
struct AbsentTopic {
    since: Moment,
    logged: bool,
}

impl AbsentTopics {
    /// Logs what has changed. `absent` are the topics that a name server has just reported as
    /// unknown, `wanted` are all subscriptions, `is_there` tells whether a topic has a route.
    pub(super) fn update(
        &mut self,
        wanted: &BTreeSet<(TopicName, GroupName)>,
        absent: &BTreeSet<TopicName>,
        is_there: impl Fn(&TopicName) -> bool,
        now: Moment,
    ) {
        self.0.retain(|wish, waiting| {
            let (topic, group) = wish;
            let there = is_there(topic);
            if there && waiting.logged {
                tracing::info!(%topic, %group, "the topic exists now: its messages are received");
            }
            !there && wanted.contains(wish)
        });
        let absent = |(topic, _): &&(TopicName, GroupName)| absent.contains(topic);
        for wish in wanted.iter().filter(absent) {
            let fresh = AbsentTopic {
                since: now,
                logged: false,
            };
            let waiting = self.0.entry(wish.clone()).or_insert(fresh);
            if waiting.logged || now.since(waiting.since) < ABSENCE_LOG_DELAY {
                continue;
            }
            waiting.logged = true;
            let (topic, group) = wish;
            tracing::info!(
                %topic, %group,
                "no broker has the topic: the group waits until it exists. Is the name right? Its first message creates it where brokers create topics automatically; otherwise `mq topic create` does"
            );
        }
    }
}
