use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    consume_mode = Orderely,
    message_model = ConsumeMode::Orderly,
    selector_type = "XPATH",
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
