use mq_starter::prelude::*;

#[derive(Component)]
#[rocketmq_reply_listener(topic = "price", consumer_group = "prices")]
struct Prices;

fn main() {}
