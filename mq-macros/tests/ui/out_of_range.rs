use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    consume_thread_number = 0,
    max_reconsume_times = -2,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_thread_number = 1001)]
async fn many(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
