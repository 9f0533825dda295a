//! Asks and changes what administrators do: topics, groups and their offsets, messages.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::SeekTo;
use mq_core::message::{Message, QueueOffset};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let admin = client.admin();
    let orders = cluster.topic("orders", 1).await?;

    let producer = client.producer(cluster.group("shop")?)?;
    for number in 1..=3 {
        let order = Message::new(orders.clone(), format!("order-{number}"));
        producer.send(order.with_key("daily")?).await?;
    }
    // A group that has read everything, and left.
    let audit = client.pull_consumer(cluster.group("audit")?)?;
    for queue in audit.queues(&orders).await? {
        let mut next = audit.min_offset(&queue).await?;
        while next < QueueOffset(3) {
            // A message can be pulled a moment after its send was answered.
            next = audit.pull(&queue, next).wait(LIMIT).await?.next;
        }
        audit.commit(&queue, next).await?;
    }
    let group = audit.group().clone();
    audit.shutdown().await;

    for queue in admin.topic(&orders).await?.value.queues {
        println!("queue {}: {} to {}", queue.queue.id, queue.min, queue.max);
    }
    // What cannot be looked up on some brokers stands in `failed`.
    let planned = admin
        .preview_reset(&group, &orders, SeekTo::Begin, None)
        .await?;
    for change in planned.value {
        println!("would go from {:?} to {}", change.from, change.to);
    }
    let done = admin
        .reset(&group, &orders, SeekTo::Offset(QueueOffset(1)), None)
        .await?;
    for change in done.value {
        println!("goes on at {}", change.to);
    }
    let deleted = admin.delete_topic(&orders).await?;
    println!("deleted on every broker: {}", deleted.failed.is_empty());
    println!(
        "there is such a topic: {}",
        admin.topic(&orders).await.is_ok()
    );

    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
