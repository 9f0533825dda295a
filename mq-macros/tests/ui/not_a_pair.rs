use mq_starter::prelude::*;

#[rocketmq_message_listener(topic("order-topic"), consumer_group: "shop")]
async fn other_signs(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "order-topic" consumer_group = "shop")]
async fn no_comma(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
