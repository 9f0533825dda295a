//! Listeners of one group on their way to one consumer; a contradiction names both places.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use mq_core::message::{GroupName, TopicName};

use super::planned::PlannedConsumer;
use crate::cluster_name::ClusterName;
use crate::listener::declaration::Origin;
use crate::listener::handler_times::HandlerTimes;
use crate::listener::in_group::{Listener, ListenerInGroup};
use crate::listener::pulling::Pulling;
use crate::listener::start::Start;
use crate::listener::trace::TraceWish;
use crate::problem::Problem;

/// Handlers at a time when nobody says otherwise (`consumeThreadNumber`).
const DEFAULT_CONSUME_THREADS: u16 = 20;

/// Puts the listeners of one group together; a contradiction names both places.
pub(super) fn together(
    cluster: ClusterName,
    group: GroupName,
    members: Vec<ListenerInGroup>,
    problems: &mut Vec<Problem>,
) -> PlannedConsumer {
    let mut agree = Agreement {
        group: &group,
        members: &members,
        problems,
    };
    let mode = agree.on("consume_mode", |member| Some(member.mode));
    let model = agree.on("message_model", |member| Some(member.model));
    let from = agree.on("consume_from_where", |member| member.from);
    let time = agree.on("consume_timestamp", |member| member.from_time);
    let threads = agree.on("consume_thread_number", |member| member.threads);
    let batch_size = agree.on("consume_message_batch_max_size", |member| {
        Some(member.batch_size)
    });
    let retries = agree.on("max_reconsume_times", |member| member.max_reconsume_times);
    let suspend_ms = agree.on("suspend_current_queue_time_millis", |member| {
        member.suspend_ms
    });
    let times = HandlerTimes {
        timeout_minutes: agree.on("consume_timeout", |member| member.times.timeout_minutes),
        termination_ms: agree.on("await_termination_millis_when_shutdown", |member| {
            member.times.termination_ms
        }),
    };
    let instance_name = agree.on("instance_name", |member| member.instance_name.clone());
    let trace = TraceWish {
        enabled: agree.on("enable_msg_trace", |member| member.trace.enabled),
        topic: agree.on("customized_trace_topic", |member| {
            member.trace.topic.clone()
        }),
    };
    let pulling = Pulling::agreed(|key, part| agree.on(key, |member| part(&member.pulling)));
    agree.on_topics();
    PlannedConsumer {
        mode: mode.unwrap_or_default(),
        model: model.unwrap_or_default(),
        start: Start {
            from: from.unwrap_or_default(),
            time,
        },
        threads: threads.unwrap_or(DEFAULT_CONSUME_THREADS),
        batch_size: batch_size.unwrap_or(1),
        max_reconsume_times: retries.and_then(|times| u32::try_from(times).ok()),
        suspend: suspend_ms.map(|ms| Duration::from_millis(ms.into())),
        times,
        instance_name,
        trace,
        pulling,
        cluster,
        group,
        listeners: members.into_iter().map(|member| member.listener).collect(),
    }
}

/// The members of a group on their way to one consumer.
struct Agreement<'a> {
    group: &'a GroupName,
    members: &'a [ListenerInGroup],
    problems: &'a mut Vec<Problem>,
}

impl Agreement<'_> {
    /// The one value that all members want; the first one where they do not agree.
    fn on<T: PartialEq + Display>(
        &mut self,
        key: &str,
        wanted: impl Fn(&ListenerInGroup) -> Option<T>,
    ) -> Option<T> {
        let mut first: Option<(T, Origin)> = None;
        for member in self.members {
            let Some(value) = wanted(member) else {
                continue;
            };
            let origin = member.listener.origin;
            match &first {
                None => first = Some((value, origin)),
                Some((agreed, _)) if *agreed == value => {}
                Some((agreed, other)) => {
                    let group = self.group;
                    self.problems.push(Problem::new(
                        origin.to_string(),
                        format!(
                            "group `{group}`: {key} is {value} here and {agreed} at {other}; a \
                             group has one, use two groups otherwise"
                        ),
                    ));
                }
            }
        }
        first.map(|(value, _)| value)
    }

    /// A message of a topic can go to one listener of a group only.
    fn on_topics(&mut self) {
        let mut first: BTreeMap<&TopicName, &Listener> = BTreeMap::new();
        for ListenerInGroup { listener, .. } in self.members {
            let Some(other) = first.get(&listener.topic) else {
                first.insert(&listener.topic, listener);
                continue;
            };
            let (group, topic) = (self.group, &listener.topic);
            let what = if other.expression == listener.expression {
                "the message would go to either".to_owned()
            } else {
                format!(
                    "it selects `{}` here and `{}` there, and a group has one selection per topic",
                    listener.expression, other.expression
                )
            };
            self.problems.push(Problem::new(
                listener.origin.to_string(),
                format!(
                    "group `{group}` listens to `{topic}` here and at {}: {what}; use two groups",
                    other.origin
                ),
            ));
        }
    }
}
