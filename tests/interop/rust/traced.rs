//! Sends a message in each way that is traced and has each consumed at the second attempt, all with message
//! trace, as `Traced.java` does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    Client, ConcurrentListener, ConsumerConfig, Outcome, Producer, ProducerConfig, StartFrom,
    Target, TraceSettings,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, MessageExt, TopicName, property};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::Failure;
use crate::report::Report;

const KINDS: [&str; 3] = ["sync", "async", "transaction"];
const ATTEMPTS: u32 = 2;
const LIMIT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(client: Client, topic: &str, out: &Path) -> Result<(), Failure> {
    let topic = TopicName::new(topic.to_owned())?;
    let mut config = ProducerConfig::new(GroupName::new("traced-producer")?);
    config.trace = Some(TraceSettings::default());
    let producer = client.producer(config)?;
    let report = Report::create(out)?;
    for kind in KINDS {
        let id = send(&producer, kind, &topic).await?;
        report.line(&json!({ "kind": kind, "id": id }))?;
    }
    consume(&client, topic).await?;
    producer.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    Ok(())
}

/// Gives the id of the message.
async fn send(producer: &Producer, kind: &str, topic: &TopicName) -> Result<String, Failure> {
    let mut message = Message::new(topic.clone(), kind.to_owned());
    message.properties.set(property::TAGS, "coffee");
    message.properties.set(property::KEYS, kind);
    let sent = match kind {
        "sync" => producer.send(message).await?,
        "async" => producer.send_async(message, Target::Any, LIMIT).await?,
        _ => producer.begin(message).await?.commit().await?,
    };
    Ok(sent.message_id)
}

/// Each message is done at its second attempt.
struct SecondAttempt(Arc<Semaphore>);

impl ConcurrentListener for SecondAttempt {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        self.0.add_permits(batch.len());
        let outcome = |message: &MessageExt| match message.reconsume_times {
            0 => Outcome::Later {
                delay_level: 1,
                reason: None,
            },
            _ => Outcome::Done,
        };
        batch.iter().map(outcome).collect()
    }
}

async fn consume(client: &Client, topic: TopicName) -> Result<(), Failure> {
    let calls = Arc::new(Semaphore::new(0));
    let mut config = ConsumerConfig::new(GroupName::new("traced-consumer")?);
    config.start_from = StartFrom::FirstOffset;
    config.trace = Some(TraceSettings::default());
    let consumer = client.push_consumer(config).subscribe(topic, "*");
    let consumer = consumer.start(SecondAttempt(Arc::clone(&calls))).await?;
    let expected = u32::try_from(KINDS.len())? * ATTEMPTS;
    let all = calls.acquire_many(expected);
    Clock::system().timeout(PATIENCE, all).await??.forget();
    consumer.shutdown(LIMIT).await?;
    Ok(())
}
