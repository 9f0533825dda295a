use mq_starter::prelude::*;

#[derive(Component)]
#[rocketmq_transaction_listener]
struct PlaceOrder;

fn main() {}
