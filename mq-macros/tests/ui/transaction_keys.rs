use mq_starter::prelude::*;

#[rocketmq_transaction_listener(corePoolSize = 1, rocketMQTemplateBeanName = "x", nam = "y", topic = "z", "w")]
struct Keys;

#[rocketmq_transaction_listener(name = "a", name = "b")]
struct Twice;

#[rocketmq_transaction_listener(name = 5)]
struct Number;

#[rocketmq_transaction_listener(name = "place order")]
struct Blank;

fn main() {}
