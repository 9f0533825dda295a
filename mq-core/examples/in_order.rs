//! Keeps the messages of each order in their order: one key, one queue, one message after the other.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use std::collections::BTreeMap;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{ConsumerConfig, StartFrom, each};
use mq_core::message::Message;
use tokio::sync::mpsc;

const STEPS: [&str; 4] = ["created", "paid", "packed", "sent"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 4).await?;

    let producer = client.producer(cluster.group("shop")?)?;
    for step in STEPS {
        for order in ["order-1", "order-2", "order-3"] {
            let message = Message::new(orders.clone(), step).with_key(order)?;
            producer.send_by_hash(message, order).await?;
        }
    }

    let (seen, mut seeing) = mpsc::channel(16);
    let mut config = ConsumerConfig::new(cluster.group("timeline")?);
    config.start_from = StartFrom::FirstOffset;
    let timeline = client.push_consumer(config).subscribe(orders, "*");
    let timeline = timeline
        .start_orderly(each(move |step| {
            let seen = seen.clone();
            // With an `Err` its queue waits and the message comes again, before any other of the queue.
            async move { seen.send(step).await }
        }))
        .await?;

    let mut timelines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..STEPS.len() * 3 {
        let Some(step) = seeing.recv().await else {
            break;
        };
        let order = step.keys().next().unwrap_or_default().to_owned();
        let steps = timelines.entry(order).or_default();
        steps.push(step.text().unwrap_or_default().to_owned());
    }
    for (order, steps) in timelines {
        println!("{order}: {}", steps.join(" > "));
    }

    timeline.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
