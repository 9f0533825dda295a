use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
/// What became of it.
pub enum Order {
    Created,
}

struct Shop;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
impl Shop {}

fn main() {
    let _ = Order::Created;
}
