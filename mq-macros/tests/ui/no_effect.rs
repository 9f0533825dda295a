use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    consume_mode = Orderly,
    delay_level_when_next_consume = 3,
    reply_timeout = 500,
)]
async fn in_order(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "c",
    message_model = Broadcasting,
    delayLevelWhenNextConsume = -1,
    suspendCurrentQueueTimeMillis = 500,
)]
async fn to_all(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "d",
    delay_level_when_next_consume = 19,
    on_decode_error = Ignore,
)]
async fn beyond(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "e",
    consume_timestamp = "20260131235959",
)]
async fn at_a_time(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "f",
    consume_from_where = ConsumeFromWhere::Timestamp,
    consume_timestamp = "20260230000000",
)]
async fn at_no_time(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "g",
    consume_mode = Orderly,
    consume_timeout = 5,
    consumeConcurrentlyMaxSpan = 100,
    pull_interval = 65536,
)]
async fn never_overtaken(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
