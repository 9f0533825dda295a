//! Sends a message and waits for the reply of whoever handles it.

#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod cluster;

use std::time::Duration;

use cluster::{Cluster, Failure, LIMIT};
use mq_core::client::{RequestError, Target, each};
use mq_core::message::Message;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::find().await?;
    let client = cluster.client()?;
    let questions = cluster.topic("questions", 1).await?;
    let nobody = cluster.topic("nobody", 1).await?;

    let answering = client.producer(cluster.group("answers")?)?;
    let pricing = client.push_consumer(cluster.group("pricing")?);
    let pricing = pricing.subscribe(questions.clone(), "*");
    let pricing = pricing
        .start(each(move |question| {
            let answering = answering.clone();
            async move {
                let answer = format!("3.50 for {}", question.text().unwrap_or_default());
                answering.reply(&question, answer).await.map(drop)
            }
        }))
        .await?;

    let asking = client.producer(cluster.group("shop")?)?;
    let question = Message::new(questions, "one coffee");
    let reply = asking.request(question, Target::Any, LIMIT).await?;
    println!("reply: {}", reply.text().unwrap_or_default());

    let question = Message::new(nobody, "is anybody there?");
    let limit = Duration::from_millis(500);
    let in_vain = asking.request(question, Target::Any, limit).await;
    println!(
        "no reply in time: {}",
        matches!(in_vain, Err(RequestError::NoReply { .. }))
    );

    pricing.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    cluster.stop().await
}
