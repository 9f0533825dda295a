use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "${order.topic:order topic}",
    consumer_group = "${group:DEFAULT_CONSUMER}",
    consume_mode = "${mode:SIDEWAYS}",
    consume_thread_number = "${threads:many}",
    max_reconsume_times = "${retries:-5}",
    selector_expression = "${tags:a || }",
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
