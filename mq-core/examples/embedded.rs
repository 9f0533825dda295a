//! A broker in this process, without a port, and a client of it.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::client::{Client, LitePullConfig, StartFrom};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut config = BrokerConfig::default();
    config.storage.root = folder.path().to_owned();
    // A segment is reserved as a whole; the default is 1 GiB.
    config.storage.segment_size = 16 * 1024 * 1024;
    let orders = TopicName::new("orders")?;

    // What is stored is there after a restart.
    for run in 1..=2 {
        let node = Node::builder().name_server(NamesrvConfig::default());
        let node = node.broker(config.clone()).within_process().start().await?;
        let client = Client::within(node.within(), Clock::system())?;
        println!("run {run}: listens: {}", node.name_server().is_some());

        let producer = client.producer(GroupName::new("shop")?)?;
        let stored = producer
            .send(Message::new(orders.clone(), "coffee"))
            .await?;
        println!("run {run}: {}", stored.status);
        let mut settings = LitePullConfig::new(GroupName::new("barista")?);
        settings.start_from = StartFrom::FirstOffset;
        let barista = client
            .lite_pull_consumer(settings)
            .subscribe(orders.clone(), "*");
        let barista = barista.start().await?;
        for order in barista.poll(LIMIT).await? {
            println!("run {run}: served {}", order.text().unwrap_or_default());
        }

        barista.shutdown(LIMIT).await?;
        client.shutdown(LIMIT).await?;
        node.stop(LIMIT).await?;
    }
    Ok(())
}
