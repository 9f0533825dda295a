use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    message_model = Broadcasting,
    max_reconsume_times = 3,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
