use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
struct Shop;

impl RocketMQListener for Shop {
    type Message = String;
    async fn on_message(&self, _: String) -> ConsumeResult {
        Ok(())
    }
}

fn main() {}
