//! Delivers each message to every member of a group.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{ConsumerConfig, MessageModel, StartFrom, each};
use mq_core::message::Message;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let prices = cluster.topic("prices", 1).await?;
    // Members keep their offsets in files of their own.
    let offsets = tempfile::tempdir()?;

    let mut members = Vec::new();
    for name in ["north", "south"] {
        // A client is one member of a group.
        let client = cluster.client()?;
        let (seen, seeing) = mpsc::channel(8);
        let mut config = ConsumerConfig::new(cluster.group("shops")?);
        config.message_model = MessageModel::Broadcasting;
        config.start_from = StartFrom::FirstOffset;
        config.offset_directory = Some(offsets.path().join(name));
        let shop = client.push_consumer(config).subscribe(prices.clone(), "*");
        let shop = shop.start(each(move |price| {
            let seen = seen.clone();
            async move { seen.send(price).await }
        }));
        members.push((name, client, shop.await?, seeing));
    }

    let client = cluster.client()?;
    let producer = client.producer(cluster.group("head-office")?)?;
    producer.send(Message::new(prices, "coffee 3.50")).await?;

    for (name, client, shop, mut seeing) in members {
        let price = seeing.recv().await.ok_or("the shop is closed")?;
        println!("{name}: {}", price.text().unwrap_or_default());
        shop.shutdown(LIMIT).await?;
        client.shutdown(LIMIT).await?;
    }
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
