//! Reads queues by hand, from offsets of the program's own.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use std::time::Duration;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::PullStatus;
use mq_core::message::{Message, QueueOffset};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 2).await?;
    let audit = client.pull_consumer(cluster.group("audit")?)?;
    let queues = audit.queues(&orders).await?;

    let producer = client.producer(cluster.group("shop")?)?;
    for number in 0..4 {
        let queue = queues.get(number % 2).ok_or("there are two queues")?;
        let order = Message::new(orders.clone(), format!("order-{number}"));
        producer.send_to(order, queue).await?;
    }

    for queue in &queues {
        let mut next = match audit.committed(queue).await? {
            Some(offset) => offset,
            None => audit.min_offset(queue).await?,
        };
        loop {
            // A message can be pulled a moment after its send was answered.
            let pull = audit.pull(queue, next).max_messages(1);
            let pulled = pull.wait(Duration::from_secs(1)).await?;
            for order in &pulled.messages {
                println!(
                    "{}:{}: {}",
                    queue.id,
                    order.queue_offset,
                    order.text().unwrap_or_default()
                );
            }
            next = pulled.next;
            if pulled.status == PullStatus::NoNewMessage {
                break;
            }
        }
        audit.commit(queue, next).await?;
        println!(
            "{}: committed {:?}",
            queue.id,
            audit.committed(queue).await?
        );

        let beyond = audit.pull(queue, QueueOffset(9)).await?;
        println!("{}: offset 9: {:?}", queue.id, beyond.status);
    }

    audit.shutdown().await;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
