//! Sends messages that are delivered only if a transaction of the application commits.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{LitePullConfig, StartFrom, TransactionState};
use mq_core::message::{Message, MessageExt};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 1).await?;
    let order = |text: &'static str| Message::new(orders.clone(), text);

    let producer = client.producer(cluster.group("shop")?)?;
    // A broker asks about transactions that nobody has ended, also after a restart of this program.
    // Whether the order is in the database would be looked up here.
    producer.answer_checks(|order: MessageExt| async move {
        println!("asked about: {}", order.text().unwrap_or_default());
        TransactionState::Commit
    });

    let committed = producer.begin(order("coffee")).await?;
    // … the order is written into the database …
    committed.commit().await?;
    println!("committed: coffee");

    let rolled_back = producer.begin(order("tea")).await?;
    rolled_back.rollback().await?;
    println!("rolled back: tea");

    // The program forgets this one; the broker asks after the number of seconds in this property.
    let mut forgotten = order("water");
    forgotten
        .properties
        .set("CHECK_IMMUNITY_TIME_IN_SECONDS", "1");
    drop(producer.begin(forgotten).await?);

    let mut config = LitePullConfig::new(cluster.group("barista")?);
    config.start_from = StartFrom::FirstOffset;
    let barista = client.lite_pull_consumer(config).subscribe(orders, "*");
    let barista = barista.start().await?;
    let mut served = 0;
    while served < 2 {
        for order in barista.poll(LIMIT).await? {
            served += 1;
            println!("served: {}", order.text().unwrap_or_default());
        }
    }

    barista.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
