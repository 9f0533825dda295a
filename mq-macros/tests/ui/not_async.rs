use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
