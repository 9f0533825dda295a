use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "", consumer_group = "shop user")]
async fn empty(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "order.topic", consumer_group = "${app}.shop")]
async fn dotted(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "order-topic:created", consumer_group = "shop")]
async fn tagged(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
    consumer_group = "g234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901",
)]
async fn long(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
