use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn take<T>(_order: Json<T>) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
struct Shop<T>(T);

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn some(_order: impl Send) -> ConsumeResult {
    Ok(())
}

fn main() {}
