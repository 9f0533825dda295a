//! Prints groups: tables for people, or JSON whose names scripts read.

use bytestring::ByteString;
use mq_core::client::{GroupQueue, GroupSummary, GroupView, OffsetMove};
use mq_core::message::GroupName;
use serde::Serialize;

use crate::output::{OutputError, Table, say, say_json};
use crate::printable::printable;
use crate::time::shown_if_known;

/// Whether RocketMQ itself uses a group of this name.
pub(super) fn is_of_system(name: &str) -> bool {
    const NAMES: [&str; 4] = [
        "TOOLS_CONSUMER",
        "FILTERSRV_CONSUMER",
        "SELF_TEST_C_GROUP",
        "SELF_TEST_P_GROUP",
    ];
    const PREFIXES: [&str; 3] = ["CID_RMQ_SYS_", "CID_ONSAPI_", "CID_ONS-HTTP-PROXY"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryJson<'a> {
    group: &'a str,
    members: usize,
    lag: i64,
    delivered_per_second: f64,
}

pub(super) fn listed(groups: &[GroupSummary], json: bool) -> Result<(), OutputError> {
    if json {
        let views: Vec<_> = groups
            .iter()
            .map(|group| SummaryJson {
                group: &group.name,
                members: group.members,
                lag: group.lag,
                delivered_per_second: group.delivered_per_second,
            })
            .collect();
        return say_json(&views);
    }
    if groups.is_empty() {
        return say("no groups");
    }
    let mut table = Table::new(["GROUP", "MEMBERS", "LAG", "DELIVERED/S"]);
    for group in groups {
        table.row([
            group.name.to_string(),
            group.members.to_string(),
            group.lag.to_string(),
            format!("{:.2}", group.delivered_per_second),
        ]);
    }
    table.print()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupJson<'a> {
    members: Vec<MemberJson<'a>>,
    subscriptions: Vec<SubscriptionJson<'a>>,
    lag: i64,
    delivered_per_second: f64,
    queues: Vec<QueueJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberJson<'a> {
    client_id: &'a str,
    address: &'a str,
    language: &'a str,
    version: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionJson<'a> {
    topic: &'a str,
    expression: &'a str,
    expression_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueJson<'a> {
    topic: &'a str,
    broker: &'a str,
    queue: i32,
    committed: i64,
    delivered: i64,
    end: i64,
    lag: i64,
    /// ms since 1970.
    consumed_at: Option<i64>,
    owner: Option<&'a str>,
}

pub(super) fn shown(group: &GroupView, json: bool) -> Result<(), OutputError> {
    let lags = group.queues.iter().map(GroupQueue::lag);
    let lag = lags.fold(0, i64::saturating_add);
    if json {
        return say_json(&GroupJson {
            members: group
                .members
                .iter()
                .map(|member| MemberJson {
                    client_id: &member.client_id,
                    address: &member.address,
                    language: member.language.name(),
                    version: member.version,
                })
                .collect(),
            subscriptions: group
                .subscriptions
                .iter()
                .map(|subscription| SubscriptionJson {
                    topic: &subscription.topic,
                    expression: &subscription.expression,
                    expression_type: &subscription.expression_type,
                })
                .collect(),
            lag,
            delivered_per_second: group.delivered_per_second,
            queues: group
                .queues
                .iter()
                .map(|queue| QueueJson {
                    topic: queue.queue.topic.as_str(),
                    broker: &queue.queue.broker,
                    queue: queue.queue.id,
                    committed: queue.committed,
                    delivered: queue.delivered,
                    end: queue.end,
                    lag: queue.lag(),
                    consumed_at: queue.consumed_ms,
                    owner: queue.owner.as_deref(),
                })
                .collect(),
        });
    }
    members(group)?;
    subscriptions(group)?;
    queues(group)?;
    let rate = group.delivered_per_second;
    say(&format!(
        "lag: {lag}, delivered per second, last minute: {rate:.2}"
    ))
}

fn members(group: &GroupView) -> Result<(), OutputError> {
    if group.members.is_empty() {
        say("no members are connected")?;
        return say("");
    }
    let mut table = Table::new(["MEMBER", "ADDRESS", "LANGUAGE"]);
    for member in &group.members {
        table.row([
            printable(&member.client_id),
            member.address.to_string(),
            member.language.name().to_owned(),
        ]);
    }
    table.print()?;
    say("")
}

fn subscriptions(group: &GroupView) -> Result<(), OutputError> {
    if group.subscriptions.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["SUBSCRIBES TO", "BY", "EXPRESSION"]);
    for subscription in &group.subscriptions {
        table.row([
            subscription.topic.to_string(),
            printable(&subscription.expression_type),
            printable(&subscription.expression),
        ]);
    }
    table.print()?;
    say("")
}

fn queues(group: &GroupView) -> Result<(), OutputError> {
    if group.queues.is_empty() {
        return say("no offsets are committed");
    }
    let mut table = Table::new([
        "TOPIC",
        "BROKER",
        "QUEUE",
        "COMMITTED",
        "END",
        "LAG",
        "CONSUMED UP TO (UTC)",
        "OWNER",
    ]);
    for queue in &group.queues {
        table.row([
            queue.queue.topic.to_string(),
            queue.queue.broker.to_string(),
            queue.queue.id.to_string(),
            queue.committed.to_string(),
            queue.end.to_string(),
            queue.lag().to_string(),
            shown_if_known(queue.consumed_ms),
            printable(queue.owner.as_deref().unwrap_or("-")),
        ]);
    }
    table.print()?;
    say("")
}

/// Prints offsets that have changed or would change.
#[derive(Debug)]
pub(super) struct MovesPrinter {
    pub(super) json: bool,
    pub(super) dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MovesJson<'a> {
    dry_run: bool,
    queues: Vec<MoveJson<'a>>,
}

#[derive(Serialize)]
struct MoveJson<'a> {
    topic: &'a str,
    broker: &'a str,
    queue: i32,
    from: Option<i64>,
    to: i64,
}

impl MovesPrinter {
    pub(super) fn print(&self, moves: &[OffsetMove]) -> Result<(), OutputError> {
        if self.json {
            return say_json(&MovesJson {
                dry_run: self.dry_run,
                queues: moves
                    .iter()
                    .map(|one| MoveJson {
                        topic: one.queue.topic.as_str(),
                        broker: &one.queue.broker,
                        queue: one.queue.id,
                        from: one.from,
                        to: one.to,
                    })
                    .collect(),
            });
        }
        if moves.is_empty() {
            return say("there are no offsets to change");
        }
        let mut table = Table::new(["TOPIC", "BROKER", "QUEUE", "FROM", "TO", "CHANGE"]);
        for one in moves {
            let from = one.from.unwrap_or(0);
            table.row([
                one.queue.topic.to_string(),
                one.queue.broker.to_string(),
                one.queue.id.to_string(),
                one.from
                    .map_or_else(|| "-".to_owned(), |from| from.to_string()),
                one.to.to_string(),
                format!("{:+}", one.to.saturating_sub(from)),
            ]);
        }
        table.print()?;
        say(if self.dry_run {
            "nothing is changed (--dry-run)"
        } else {
            "changed"
        })
    }
}

#[derive(Serialize)]
struct DeletedJson<'a> {
    broker: &'a str,
}

pub(super) fn deleted(
    group: &GroupName,
    brokers: &[ByteString],
    json: bool,
) -> Result<(), OutputError> {
    if json {
        let views: Vec<_> = brokers
            .iter()
            .map(|broker| DeletedJson { broker })
            .collect();
        return say_json(&views);
    }
    for name in brokers {
        say(&format!("deleted {group} on {name}"))?;
    }
    Ok(())
}
