//! Subscribed topics that no broker has. For each group one warning says that it waits for its
//! topic, and one line that the topic has appeared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Moment;
use crate::message::{GroupName, TopicName};

/// No warning before this time: a topic that is created while the program starts appears within it.
const ABSENCE_WARNING_DELAY: Duration = Duration::from_secs(5);

/// The absent topics, with the group that waits for each.
#[derive(Debug, Default)]
pub(super) struct AbsentTopics(BTreeMap<(TopicName, GroupName), AbsentTopic>);

#[derive(Debug)]
struct AbsentTopic {
    since: Moment,
    warned: bool,
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
            if there && waiting.warned {
                tracing::info!(%topic, %group, "the topic exists now: its messages are received");
            }
            !there && wanted.contains(wish)
        });
        let absent = |(topic, _): &&(TopicName, GroupName)| absent.contains(topic);
        for wish in wanted.iter().filter(absent) {
            let fresh = AbsentTopic {
                since: now,
                warned: false,
            };
            let waiting = self.0.entry(wish.clone()).or_insert(fresh);
            if waiting.warned || now.since(waiting.since) < ABSENCE_WARNING_DELAY {
                continue;
            }
            waiting.warned = true;
            let (topic, group) = wish;
            tracing::warn!(
                %topic, %group,
                "no broker has the topic: the group waits until it exists. Is the name right? Its first message creates it where brokers create topics automatically; otherwise `mq topic create` does"
            );
        }
    }
}
