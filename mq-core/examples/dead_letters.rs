//! A message that its listener fails on comes again, then it becomes a dead letter, and is sent again.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{ConsumerConfig, Outcome, ResendTo, StartFrom, each};
use mq_core::clock::Clock;
use mq_core::message::Message;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 1).await?;
    let producer = client.producer(cluster.group("shop")?)?;
    producer
        .send(Message::new(orders.clone(), "coffee"))
        .await?;

    let group = cluster.group("barista")?;
    let mut config = ConsumerConfig::new(group.clone());
    config.start_from = StartFrom::FirstOffset;
    config.max_reconsume_times = Some(1);
    let (tried, mut trying) = mpsc::channel(8);
    let machine_works = Arc::new(AtomicBool::new(false));
    let machine = Arc::clone(&machine_works);
    let barista = client.push_consumer(config).subscribe(orders, "*");
    let barista = barista
        .start(each(move |order| {
            let (tried, machine) = (tried.clone(), Arc::clone(&machine));
            async move {
                let works = machine.load(Ordering::Relaxed);
                // The receiver goes when this program ends.
                let _gone = tried.send((order.reconsume_times, works)).await;
                if works {
                    return Outcome::Done;
                }
                // An `Err` would do, too; the delay is then 10 s, 30 s, 1 min and so on.
                Outcome::Later {
                    delay_level: 1,
                    reason: Some("the machine is broken".to_owned()),
                }
            }
        }))
        .await?;
    for _ in 0..2 {
        let (times, _) = trying.recv().await.ok_or("the barista has gone")?;
        println!("failed after {times} failures before");
    }

    let (letters, clock) = (client.dead_letters(group), Clock::system());
    let letter = loop {
        // The last failure becomes a dead letter a moment later.
        if let Ok(mut found) = letters.list(10).await
            && let Some(letter) = found.pop()
        {
            break letter;
        }
        clock.sleep(Duration::from_millis(20)).await;
    };
    println!("dead: {}", letter.message.text().unwrap_or_default());
    println!("reason: {}", letter.reason().unwrap_or_default());

    machine_works.store(true, Ordering::Relaxed);
    letters.resend(&letter, ResendTo::Group).await?;
    let (_, works) = trying.recv().await.ok_or("the barista has gone")?;
    println!("sent again, handled: {works}");

    barista.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
