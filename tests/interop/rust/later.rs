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

/// The delays of levels 1 and 2.
const LEVELS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
const AFTER: Duration = Duration::from_millis(2_750);
const AT: Duration = Duration::from_millis(3_250);

/// When a message is to be delivered, and the time that this means.
pub(crate) fn when(kind: &str, number: usize, now_ms: i64) -> (Later, i64) {
    let after = |delay: Duration| now_ms + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    match (kind, number % 2) {
        ("levels", 0) => (Later::Level(1), after(LEVELS[0])),
        ("levels", _) => (Later::Level(2), after(LEVELS[1])),
        ("fitting", nth) => (Later::After(LEVELS[nth]), after(LEVELS[nth])),
        (_, 0) => (Later::After(AFTER), after(AFTER)),
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
