use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn take(_body: String) -> bool {
    true
}

fn main() {}
