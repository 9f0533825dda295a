//! Sends in three ways, and has a listener called for each message.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{ConsumerConfig, StartFrom, Target, each};
use mq_core::message::Message;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 4).await?;
    let order = |product: &'static str| Message::new(orders.clone(), product);

    let producer = client.producer(cluster.group("shop")?)?;
    let stored = producer.send(order("coffee").with_key("order-1")?).await?;
    println!("sent: {}", stored.status);
    // In the background: the handle is awaited later, or dropped.
    let later = producer.send_async(order("tea"), Target::Any, LIMIT);
    println!("in the background: {}", later.await?.status);
    // No broker confirms this one.
    producer.send_one_way(order("water"), Target::Any).await?;

    let (served, mut serving) = mpsc::channel(8);
    let mut config = ConsumerConfig::new(cluster.group("barista")?);
    config.start_from = StartFrom::FirstOffset;
    let barista = client.push_consumer(config).subscribe(orders, "*");
    let barista = barista
        .start(each(move |order| {
            let served = served.clone();
            // With an `Err` the message comes again later.
            async move { served.send(order).await }
        }))
        .await?;

    let mut products = Vec::new();
    while products.len() < 3
        && let Some(order) = serving.recv().await
    {
        products.push(order.text().unwrap_or_default().to_owned());
    }
    // Four queues are read at the same time.
    products.sort();
    println!("served: {}", products.join(", "));

    barista.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
