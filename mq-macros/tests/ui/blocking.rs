use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b", blocking = 1)]
async fn number(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", blocking = "${shop.blocking:maybe}")]
async fn perhaps(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", blocking = false)]
fn plain(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
