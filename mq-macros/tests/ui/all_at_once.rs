use mq_starter::prelude::*;

#[rocketmq_message_listener(
    tpoic = "order-topic",
    consumerGroup = 5,
    consume_mode = Orderly,
    message_model = Broadcasting,
    consume_thread_number = 0,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
