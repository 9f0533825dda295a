use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "TBW102", consumer_group = "DEFAULT_CONSUMER")]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "%RETRY%shop", consumer_group = "CID_RMQ_SYS_shop")]
async fn retries(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "%DLQ%shop", consumer_group = "shop-dead-letters")]
async fn dead_letters_are_fine(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
