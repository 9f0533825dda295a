use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_gruop = "shop",
    consumeMod = Orderly,
    colour = "red",
    consumeThreadMax = 64,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
