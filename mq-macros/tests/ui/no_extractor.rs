use mq_starter::prelude::*;

struct Order;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn take(_body: String, _count: u8, _order: Order) -> ConsumeResult {
    Ok(())
}

fn main() {}
