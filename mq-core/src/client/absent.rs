//! Subscribed topics that no broker has: each of their groups is told once that it waits, and once
//! that the topic is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Moment;
use crate::message::{GroupName, TopicName};

/// A topic that is created with the start of the program comes within this time.
const USUAL: Duration = Duration::from_secs(5);

/// Who waits for which topic.
#[derive(Debug, Default)]
pub(super) struct Absent(BTreeMap<(TopicName, GroupName), Waiting>);

#[derive(Debug)]
struct Waiting {
    since: Moment,
    told: bool,
}

impl Absent {
    /// `absent` are the topics that a name server has just said to be on no broker, `wanted` is who
    /// subscribes to what, and `is_there` knows which topics have a route.
    pub(super) fn look(
        &mut self,
        wanted: &BTreeSet<(TopicName, GroupName)>,
        absent: &BTreeSet<TopicName>,
        is_there: impl Fn(&TopicName) -> bool,
        now: Moment,
    ) {
        self.0.retain(|wish, waiting| {
            let (topic, group) = wish;
            let there = is_there(topic);
            if there && waiting.told {
                tracing::info!(%topic, %group, "the topic is there, and its messages are received");
            }
            !there && wanted.contains(wish)
        });
        let absent = |(topic, _): &&(TopicName, GroupName)| absent.contains(topic);
        for wish in wanted.iter().filter(absent) {
            let fresh = Waiting {
                since: now,
                told: false,
            };
            let waiting = self.0.entry(wish.clone()).or_insert(fresh);
            if waiting.told || now.since(waiting.since) < USUAL {
                continue;
            }
            waiting.told = true;
            let (topic, group) = wish;
            tracing::warn!(
                %topic, %group,
                "no broker has the topic: the group waits until it exists. Is the name right? A topic is \
                 made by its first message, where brokers make topics by themselves, or by an \
                 administrator (`mq topic create`)"
            );
        }
    }
}
