//! Sends a plan for later: by delay level, in the two ways to say a time, or by a delay that a level has too.
//! What is of the color `again` is called back then.

use std::time::Duration;

use mq_core::client::Producer;
use mq_core::clock::Clock;
use mq_core::message::{Later, Message};
use serde_json::json;

use crate::Failure;
use crate::plan::Entry;
use crate::report::Report;

/// The delays of the first two levels.
const FIRST_LEVEL: Duration = Duration::from_secs(1);
const SECOND_LEVEL: Duration = Duration::from_secs(5);
const AFTER: Duration = Duration::from_millis(2_750);
const AT: Duration = Duration::from_millis(3_250);

/// When a message is to be delivered, and the time that this means.
pub(crate) fn when(kind: &str, number: usize, now_ms: i64) -> (Later, i64) {
    let after = |delay: Duration| now_ms + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    let is_first = number.is_multiple_of(2);
    let (level, delay) = if is_first {
        (1, FIRST_LEVEL)
    } else {
        (2, SECOND_LEVEL)
    };
    match kind {
        "levels" => (Later::Level(level), after(delay)),
        "fitting" => (Later::After(delay), after(delay)),
        _ if is_first => (Later::After(AFTER), after(AFTER)),
        _ => (Later::At(after(AT)), after(AT)),
    }
}

/// Sends one message of the plan.
pub(crate) async fn send(
    producer: &Producer,
    report: &Report,
    entry: &Entry,
    mut message: Message,
    (kind, number): (&str, usize),
) -> Result<(), Failure> {
    let (later, due) = when(kind, number, Clock::system().now_ms());
    message.deliver(later);
    let sent = producer.send(message).await?;
    report.line(&json!({ "index": entry.index, "id": sent.message_id, "due": due }))?;
    if kind == "times" && entry.color == "again" {
        let handle = sent
            .recall_handle
            .ok_or("there is no handle to call it back")?;
        let recalled = producer.recall(&handle).await?;
        if recalled != sent.message_id {
            return Err(format!("called back {recalled} instead of {}", sent.message_id).into());
        }
    }
    Ok(())
}
