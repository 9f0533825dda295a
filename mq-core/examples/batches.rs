//! Sends several messages in one request: all are stored, or none.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::message::{Message, QueueOffset};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let rows = cluster.topic("rows", 1).await?;

    let producer = client.producer(cluster.group("import")?)?;
    let row = |number: u32| Message::new(rows.clone(), format!("row {number}"));
    let stored = producer.send_batch((1..=3).map(row).collect()).await?;
    println!(
        "{}: {} messages",
        stored.status,
        stored.message_id.split(',').count()
    );

    // A batch is of one topic.
    let elsewhere = Message::new("elsewhere".parse()?, "row 4");
    let mixed = producer.send_batch(vec![row(4), elsewhere]).await;
    println!("mixed topics are sent: {}", mixed.is_ok());

    let audit = client.pull_consumer(cluster.group("audit")?)?;
    let pulled = audit.pull(&stored.queue, QueueOffset(0)).await?;
    for row in &pulled.messages {
        println!("{}: {}", row.queue_offset, row.text().unwrap_or_default());
    }

    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
