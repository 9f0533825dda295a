use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = 5,
    consumer_group = shop,
    selector_expression = true,
    consume_mode = 1,
    consume_thread_number = "20",
    max_reconsume_times,
    "stray",
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
