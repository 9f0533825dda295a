//! Takes messages from a stream, and acknowledges each.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use futures_util::StreamExt;
use mq_core::client::{LitePullConfig, SeekTo, StartFrom};
use mq_core::message::Message;
use mq_core::message::subscription::SelectorType;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 1).await?;
    let returns = cluster.topic("returns", 1).await?;
    let producer = client.producer(cluster.group("shop")?)?;
    for product in ["coffee", "tea"] {
        producer.send(Message::new(orders.clone(), product)).await?;
    }
    producer.send(Message::new(returns.clone(), "cup")).await?;

    let mut config = LitePullConfig::new(cluster.group("report")?);
    config.start_from = StartFrom::FirstOffset;
    let report = client
        .lite_pull_consumer(config)
        .subscribe(orders.clone(), "*");
    let report = report.start().await?;
    let mut deliveries = report.deliveries();
    for _ in 0..2 {
        let order = deliveries.next().await.ok_or("the consumer has ended")?;
        println!("order: {}", order.message.text().unwrap_or_default());
        // Without this it comes again once the consumer has started again.
        order.ack();
    }

    // Topics come and go while the consumer runs.
    report.subscribe(returns, SelectorType::Tag, "*").await?;
    let returned = deliveries.next().await.ok_or("the consumer has ended")?;
    println!("returned: {}", returned.message.text().unwrap_or_default());
    returned.ack();

    let queues = report.assignment();
    let queue = queues
        .iter()
        .find(|queue| queue.topic == orders)
        .ok_or("the queue is gone")?;
    report.seek(queue, SeekTo::Begin).await?;
    let again = deliveries.next().await.ok_or("the consumer has ended")?;
    println!(
        "from the beginning: {}",
        again.message.text().unwrap_or_default()
    );

    report.shutdown(LIMIT).await?;
    let has_ended = deliveries.next().await.is_none();
    println!("the stream has ended: {has_ended}");
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
