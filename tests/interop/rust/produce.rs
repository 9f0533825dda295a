//! Sends a plan, in one of the ways that a producer offers.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mq_core::client::{Client, Producer, ProducerConfig, SendResult, SendStatus, Target};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, Tag, TopicName, property};
use serde_json::json;

use crate::plan::{Entry, Plan};
use crate::report::Report;
use crate::transactions::Left;
use crate::{Failure, later};

const IN_FLIGHT: usize = 32;
const BATCH_MESSAGES: usize = 32;
const BATCH_BYTES: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(10);
/// For a reply.
const PATIENCE: Duration = Duration::from_secs(20);
const PACE: Duration = Duration::from_millis(20);

/// What a way of sending needs.
struct Sender {
    producer: Producer,
    topic: TopicName,
    plan: Plan,
    report: Report,
}

/// Sends `plan` to `topic` in the way that `kind` names.
pub(crate) async fn run(
    client: Client,
    topic: &str,
    kind: &str,
    plan: &Path,
    out: &Path,
) -> Result<(), Failure> {
    let mut config = ProducerConfig::new(GroupName::new("interop-producer")?);
    config.send_timeout = LIMIT;
    if kind == "async" {
        config.compress_body_over = usize::MAX;
    }
    let sender = Sender {
        producer: client.producer(config)?,
        topic: TopicName::new(topic)?,
        plan: Plan::read(plan)?,
        report: Report::create(out)?,
    };
    match kind {
        "sync" => sender.one_by_one(Duration::ZERO).await?,
        "paced" => sender.one_by_one(PACE).await?,
        "async" => sender.in_the_background().await?,
        "oneway" => sender.one_way().await?,
        "batch" => sender.in_batches().await?,
        "split" => sender.in_parts().await?,
        "hash" => sender.by_shard().await?,
        "request" | "request-empty" => sender.requests(kind == "request-empty").await?,
        "levels" | "times" | "fitting" => sender.later(kind).await?,
        "transaction" => sender.in_transactions().await?,
        _ => return Err(format!("unknown kind {kind}").into()),
    }
    sender.producer.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    Ok(())
}

impl Sender {
    fn message(&self, entry: &Entry) -> Result<Message, Failure> {
        let mut message = Message::new(self.topic.clone(), self.plan.body(entry)?);
        let tag = Tag::new(entry.tag.as_str())?;
        message.properties.set(property::TAGS, tag.as_str());
        message.properties.set(property::KEYS, &entry.key);
        message.properties.set_user("index", &entry.index)?;
        message.properties.set_user("color", &entry.color)?;
        Ok(message)
    }

    fn sent(&self, entry: &Entry, result: &SendResult) -> Result<(), Failure> {
        if result.status != SendStatus::Ok {
            return Err(format!("message {}: {}", entry.index, result.status).into());
        }
        self.report.line(&json!({
            "index": entry.index,
            "id": result.message_id,
            "queue": result.queue.id,
            "offset": result.queue_offset.0,
        }))?;
        Ok(())
    }

    async fn one_by_one(&self, pause: Duration) -> Result<(), Failure> {
        let clock = Clock::system();
        for entry in &self.plan.entries {
            clock.sleep(pause).await;
            let result = self.producer.send(self.message(entry)?).await?;
            self.sent(entry, &result)?;
        }
        Ok(())
    }

    async fn in_the_background(&self) -> Result<(), Failure> {
        stream::iter(&self.plan.entries)
            .map(|entry| async move {
                let message = self.message(entry)?;
                let result = self
                    .producer
                    .send_async(message, Target::Any, LIMIT)
                    .await?;
                self.sent(entry, &result)
            })
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn one_way(&self) -> Result<(), Failure> {
        for entry in &self.plan.entries {
            let message = self.message(entry)?;
            self.producer.send_one_way(message, Target::Any).await?;
            self.report.line(&json!({ "index": entry.index }))?;
        }
        Ok(())
    }

    async fn in_batches(&self) -> Result<(), Failure> {
        let mut rest = self.plan.entries.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            rest = later;
            let messages: Result<_, _> = batch.iter().map(|entry| self.message(entry)).collect();
            let result = self.producer.send_batch(messages?).await?;
            for (nth, entry) in (0..).zip(batch) {
                self.report.line(&json!({
                    "index": entry.index,
                    "queue": result.queue.id,
                    "offset": result.queue_offset.plus(nth).0,
                }))?;
            }
        }
        Ok(())
    }

    /// All in one call, which splits them.
    async fn in_parts(&self) -> Result<(), Failure> {
        let entries = &self.plan.entries;
        let messages: Result<_, _> = entries.iter().map(|entry| self.message(entry)).collect();
        let parts = self.producer.send_in_parts(messages?, Target::Any, LIMIT);
        for part in parts.await? {
            let result = part.outcome?;
            for (nth, entry) in (0..).zip(entries.get(part.messages).unwrap_or_default()) {
                self.report.line(&json!({
                    "index": entry.index,
                    "queue": result.queue.id,
                    "offset": result.queue_offset.plus(nth).0,
                }))?;
            }
        }
        Ok(())
    }

    /// Whoever handles a request replies with what it asks, or with nothing.
    async fn requests(&self, empty: bool) -> Result<(), Failure> {
        for entry in &self.plan.entries {
            let request = self.message(entry)?;
            let wanted = if empty {
                Bytes::new()
            } else {
                request.body.clone()
            };
            let reply = self
                .producer
                .request(request, Target::Any, PATIENCE)
                .await?;
            if reply.message.body != wanted {
                return Err(format!("message {} got another reply", entry.index).into());
            }
            self.report.line(&json!({ "index": entry.index }))?;
        }
        Ok(())
    }

    async fn later(&self, kind: &str) -> Result<(), Failure> {
        for (number, entry) in self.plan.entries.iter().enumerate() {
            let (message, which) = (self.message(entry)?, (kind, number));
            later::send(&self.producer, &self.report, entry, message, which).await?;
        }
        Ok(())
    }

    async fn in_transactions(&self) -> Result<(), Failure> {
        let left = Left::default();
        self.producer.answer_checks(left.clone());
        for (number, entry) in self.plan.entries.iter().enumerate() {
            let id = left
                .send(&self.producer, number, self.message(entry)?)
                .await?;
            self.report
                .line(&json!({ "index": entry.index, "id": id }))?;
        }
        left.until_asked().await
    }

    async fn by_shard(&self) -> Result<(), Failure> {
        for entry in &self.plan.entries {
            let message = self.message(entry)?;
            let result = self.producer.send_by_hash(message, &entry.shard).await?;
            self.sent(entry, &result)?;
        }
        Ok(())
    }
}

/// How many of the messages make the next batch: at least one.
fn batch_length(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    let fitting = entries.iter().take(BATCH_MESSAGES).take_while(|entry| {
        bytes += entry.size;
        bytes <= BATCH_BYTES
    });
    fitting.count().max(1)
}
