use std::rc::Rc;

use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async unsafe extern "C" fn foreign(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn not_send(_order: String) -> ConsumeResult {
    let count = Rc::new(1);
    std::future::ready(()).await;
    drop(count);
    Ok(())
}

fn main() {}
