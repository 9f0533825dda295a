//! Prints topics: tables for people, or JSON whose names scripts read.

use std::collections::BTreeMap;

use bytestring::ByteString;
use mq_core::client::{AdminBroker, TopicChange, TopicSummary, TopicView};
use mq_core::message::TopicName;
use serde::Serialize;

use crate::output::{OutputError, Table, say, say_json};
use crate::time::shown_if_known;

/// Whether RocketMQ itself uses a topic of this name, or made it for a group; each broker has one of its own
/// name and one of its cluster's.
pub(super) fn is_of_system(name: &str, brokers: &[AdminBroker]) -> bool {
    const NAMES: [&str; 9] = [
        "TBW102",
        "SELF_TEST_TOPIC",
        "BenchmarkTest",
        "OFFSET_MOVED_EVENT",
        "SCHEDULE_TOPIC_XXXX",
        "RMQ_SYS_TRANS_HALF_TOPIC",
        "RMQ_SYS_TRANS_OP_HALF_TOPIC",
        "RMQ_SYS_TRACE_TOPIC",
        "TRANS_CHECK_MAX_TIME_TOPIC",
    ];
    let is_of = |broker: &AdminBroker| broker.name == name || broker.cluster == name;
    NAMES.contains(&name)
        || brokers.iter().any(is_of)
        || name.starts_with("rmq_sys_")
        || name.starts_with("%RETRY%")
        || name.starts_with("%DLQ%")
        || name.ends_with("_REPLY_TOPIC")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedView<'a> {
    broker: &'a str,
    address: &'a str,
    /// `created`, `changed` or `unchanged`.
    outcome: &'static str,
}

pub(super) fn created(
    topic: &TopicName,
    queues: u16,
    brokers: &[(AdminBroker, TopicChange)],
    json: bool,
) -> Result<(), OutputError> {
    if json {
        let views: Vec<_> = brokers
            .iter()
            .map(|(broker, change)| CreatedView {
                outcome: outcome(*change),
                broker: &broker.name,
                address: &broker.address,
            })
            .collect();
        return say_json(&views);
    }
    let queues = match queues {
        1 => "1 queue".to_owned(),
        more => format!("{more} queues"),
    };
    for (AdminBroker { name, address, .. }, change) in brokers {
        say(&match change {
            TopicChange::Created => {
                format!("created {topic} with {queues} on {name} ({address})")
            }
            TopicChange::Changed => {
                format!("changed {topic} to {queues} on {name} ({address})")
            }
            TopicChange::Unchanged => {
                format!("{topic} has {queues} on {name} ({address}) already")
            }
        })?;
    }
    Ok(())
}

fn outcome(change: TopicChange) -> &'static str {
    match change {
        TopicChange::Created => "created",
        TopicChange::Changed => "changed",
        TopicChange::Unchanged => "unchanged",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryView<'a> {
    topic: &'a str,
    /// By broker.
    queues: BTreeMap<&'a str, i32>,
}

pub(super) fn listed(topics: &[TopicSummary], json: bool) -> Result<(), OutputError> {
    if json {
        let views: Vec<_> = topics
            .iter()
            .map(|topic| SummaryView {
                topic: &topic.name,
                queues: topic
                    .queues
                    .iter()
                    .map(|(broker, count)| (&**broker, *count))
                    .collect(),
            })
            .collect();
        return say_json(&views);
    }
    let mut table = Table::new(["TOPIC", "QUEUES"]);
    for topic in topics {
        let queues: Vec<_> = topic
            .queues
            .iter()
            .map(|(broker, count)| format!("{broker}:{count}"))
            .collect();
        table.row([topic.name.to_string(), queues.join(" ")]);
    }
    table.print()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TopicJson<'a> {
    stored_per_second: f64,
    groups: Vec<&'a str>,
    queues: Vec<QueueJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueJson<'a> {
    broker: &'a str,
    queue: i32,
    min: i64,
    max: i64,
    /// ms since 1970.
    last_stored_at: Option<i64>,
}

pub(super) fn shown(topic: &TopicView, json: bool) -> Result<(), OutputError> {
    if json {
        return say_json(&TopicJson {
            stored_per_second: topic.stored_per_second,
            groups: topic.groups.iter().map(|group| &**group).collect(),
            queues: topic
                .queues
                .iter()
                .map(|queue| QueueJson {
                    broker: &queue.queue.broker,
                    queue: queue.queue.id,
                    min: queue.min,
                    max: queue.max,
                    last_stored_at: queue.last_stored_ms,
                })
                .collect(),
        });
    }
    let mut table = Table::new([
        "BROKER",
        "QUEUE",
        "MIN",
        "MAX",
        "MESSAGES",
        "LAST STORED (UTC)",
    ]);
    for queue in &topic.queues {
        table.row([
            queue.queue.broker.to_string(),
            queue.queue.id.to_string(),
            queue.min.to_string(),
            queue.max.to_string(),
            queue.max.saturating_sub(queue.min).to_string(),
            shown_if_known(queue.last_stored_ms),
        ]);
    }
    table.print()?;
    say("")?;
    let rate = topic.stored_per_second;
    say(&format!("stored per second, last minute: {rate:.2}"))?;
    let groups: Vec<_> = topic.groups.iter().map(|group| &**group).collect();
    say(&format!(
        "groups: {}",
        if groups.is_empty() {
            "-".to_owned()
        } else {
            groups.join(" ")
        }
    ))
}

#[derive(Serialize)]
struct DeletedView<'a> {
    broker: &'a str,
}

pub(super) fn deleted(
    topic: &TopicName,
    brokers: &[ByteString],
    json: bool,
) -> Result<(), OutputError> {
    let names = brokers.iter().map(|name| &**name);
    if json {
        let views: Vec<_> = names.map(|broker| DeletedView { broker }).collect();
        return say_json(&views);
    }
    for name in names {
        say(&format!("deleted {topic} on {name}"))?;
    }
    Ok(())
}
