//! Gets only some messages of a topic: by their tag, and by a condition over their properties.
//!
//! Apache's brokers evaluate conditions with `enablePropertyFilter=true`.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{Client, LitePullConfig, LitePullConsumer, StartFrom};
use mq_core::message::subscription::SelectorType;
use mq_core::message::{GroupName, Message, TopicName};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let orders = cluster.topic("orders", 1).await?;

    let producer = client.producer(cluster.group("shop")?)?;
    for (number, tag, total) in [(1, "paid", "20"), (2, "sent", "150"), (3, "paid", "200")] {
        let order = Message::new(orders.clone(), format!("order-{number}"));
        producer
            .send(order.with_tag(tag)?.with_property("total", total)?)
            .await?;
    }

    let tags = (SelectorType::Tag, "paid || returned");
    let condition = (
        SelectorType::Sql92,
        "total >= 100 AND TAGS IN ('paid', 'sent')",
    );
    for (name, (selector, expression)) in [("tags", tags), ("condition", condition)] {
        let group = cluster.group(name)?;
        let consumer = reading(&client, group, &orders, selector, expression).await?;
        let mut names = Vec::new();
        while names.len() < 2 {
            let found = consumer.poll(LIMIT).await?;
            names.extend(
                found
                    .iter()
                    .filter_map(|order| Some(order.text()?.to_owned())),
            );
        }
        println!("{expression}: {}", names.join(", "));
        consumer.shutdown(LIMIT).await?;
    }

    client.shutdown(LIMIT).await?;
    cluster.stop().await
}

/// A consumer that reads from the first message on; push consumers subscribe in the same way.
async fn reading(
    client: &Client,
    group: GroupName,
    topic: &TopicName,
    selector: SelectorType,
    expression: &'static str,
) -> Result<LitePullConsumer, Failure> {
    let mut config = LitePullConfig::new(group);
    config.start_from = StartFrom::FirstOffset;
    let consumer = client.lite_pull_consumer(config);
    let consumer = consumer.subscribe_by(topic.clone(), selector, expression);
    Ok(consumer.start().await?)
}
