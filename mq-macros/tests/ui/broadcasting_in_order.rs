use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    message_model = "BROADCASTING",
    consume_mode = ConsumeMode::Orderly,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
