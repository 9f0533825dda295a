use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "${order.topic",
    consumer_group = "${}",
    consume_mode = "${order mode}",
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
