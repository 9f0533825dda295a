use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b", topic = "c", group = "d")]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
