use mq_starter::prelude::*;

#[derive(Component)]
#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
struct Shop;

fn main() {}
