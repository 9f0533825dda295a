//! Sends messages for later, and calls one of them back.
//!
//! Apache's brokers of RocketMQ 5 call messages back with `recallMessageEnable=true`.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use std::time::Duration;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{LitePullConfig, StartFrom};
use mq_core::message::{Later, Message};

const DELAY: Duration = Duration::from_secs(3);
/// Brokers of ours are never early; Apache's may be by a second.
const AT_LEAST_MS: i64 = 2_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let reminders = cluster.topic("reminders", 1).await?;
    let later = |text: &'static str, later| Message::new(reminders.clone(), text).delivered(later);

    let producer = client.producer(cluster.group("shop")?)?;
    // The longer one first: it comes last.
    producer.send(later("pay!", Later::After(DELAY))).await?;
    producer.send(later("first level", Later::Level(1))).await?;
    let unwanted = producer
        .send(later("never mind", Later::After(DELAY)))
        .await?;
    let handle = unwanted
        .recall_handle
        .ok_or("the broker calls no messages back")?;
    producer.recall(&handle).await?;
    println!("called back");

    let mut config = LitePullConfig::new(cluster.group("mailer")?);
    config.start_from = StartFrom::FirstOffset;
    let mailer = client.lite_pull_consumer(config).subscribe(reminders, "*");
    let mailer = mailer.start().await?;
    let mut mails = 0;
    while mails < 2 {
        for reminder in mailer.poll(LIMIT).await? {
            mails += 1;
            let waited_ms = reminder.store_timestamp - reminder.born_timestamp;
            let text = reminder.text().unwrap_or_default();
            let early = text == "pay!" && waited_ms < AT_LEAST_MS;
            println!("{text}, early: {early}");
        }
    }
    // What was called back would have come with the others.
    let more = mailer.poll(Duration::from_secs(1)).await?;
    println!("{} more", more.len());

    mailer.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
