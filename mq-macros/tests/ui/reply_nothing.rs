use mq_starter::prelude::*;

#[rocketmq_reply_listener(topic = "price", consumer_group = "prices")]
async fn price(_product: String) {}

fn main() {}
