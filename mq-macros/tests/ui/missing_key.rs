use mq_starter::prelude::*;

#[rocketmq_message_listener]
async fn neither(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "order-topic")]
async fn no_group(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
